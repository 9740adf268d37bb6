/** Programs that are on networks themselves. */
import { parseCidr, parseIp, parseMac, SeededRandom } from '@weft/core'
import { VirtualClock } from '@weft/core/testing'
import { SimMachine, simBackend, simOptions } from '@weft/dataplane-sim'
import { nodeRuntime } from '@weft/runtime-node'
import { afterEach, describe, expect, test } from 'vitest'
import { createNode, type AttachmentHandle, type NewEndpoint, type WeftNode } from '../src/index.ts'
import { enterNetwork, type ProgramGround, type ProgramHandle } from '../src/program.ts'

const nodes: WeftNode[] = []
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close('teardown')
})

async function open(ip: string): Promise<WeftNode> {
  const runtime = nodeRuntime()
  const mtuBytes = new Map([[parseIp(ip), 1500]])
  const machine = new SimMachine({ underlay: runtime.underlay, mtuBytes })
  const dataplane = { backend: simBackend, options: simOptions(machine) }
  const node = await createNode({ stateDirectory: null, dataplane, runtime })
  nodes.push(node)
  return node
}

const at = (ip: string) => ({ listenAddress: ip, advertiseAddress: ip })
const A = '127.79.0.1'
const B = '127.79.0.2'

/** Peers hear of an endpoint a moment after it is there. */
async function heardOf(from: ProgramHandle, to: ProgramHandle): Promise<void> {
  const ip = parseIp(to.addresses[0]?.split('/')[0] ?? '')
  const asking = async (): Promise<boolean> => {
    const reply = await from.stack.ping(ip).catch(() => null)
    return reply !== null
  }
  await expect.poll(asking, { timeout: 20_000 }).toBe(true)
}

test('programs on two nodes: pings and datagrams, over both families', async () => {
  const [a, b] = [await open(A), await open(B)]
  await a.init(at(A))
  await b.join({ ...at(B), remoteAddresses: [A], token: a.joinTokens().worker })
  const subnets = ['10.5.0.0/24', 'fd00:5::/64'].map((text) => ({ subnet: parseCidr(text) }))
  const blue = await a.networks.create({ name: 'blue', ipv6: true, subnets })
  await using one = await blue.enter({ name: 'one' })
  const second = { name: 'two', address: parseIp('10.5.0.9') }
  await using two = await b.networks.use('blue').enter(second)
  expect(one).toMatchObject({ mtuBytes: 1450, gateways: ['10.5.0.1', 'fd00:5::1'] })
  expect(two.addresses).toContain('10.5.0.9/24')
  expect(two.stack.addresses).toEqual(two.addresses)
  await heardOf(one, two)
  await heardOf(two, one)
  using server = two.stack.bindUdp({ port: 53 })
  using client = one.stack.bindUdp()
  const questions = server.messages()[Symbol.asyncIterator]()
  for (const address of two.addresses) {
    const ip = parseIp(address.split('/')[0] ?? '')
    expect(await one.stack.ping(ip)).toMatchObject({ ttl: 64 })
    client.send({ ip, port: 53 }, Uint8Array.of(1, 2))
    const { value } = await questions.next()
    expect(value).toMatchObject({ to: ip, bytes: Uint8Array.of(1, 2) })
  }
  await two.detach()
  expect(two.view()).toBeNull()
  expect(two.stack.present).toBe(false)
})

test('who cannot enter leaves nothing', async () => {
  const node = await open(A)
  await expect(node.networks.use('blue').enter({ name: 'one' })).rejects.toThrow('not part of')
  await node.init(at(A))
  const unknown = node.networks.use('blue').enter({ name: 'one' })
  await expect(unknown).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  const blue = await node.networks.create({ name: 'blue' })
  const off = AbortSignal.abort(new Error('enough'))
  await expect(blue.enter({ name: 'one' }, { signal: off })).rejects.toThrow('enough')
  await using _one = await blue.enter({ name: 'one' })
  await expect(blue.enter({ name: 'one' })).rejects.toThrow()
  expect(node.cluster.attachments()).toHaveLength(1)
})

describe('with an attachment in the test’s hands', () => {
  interface Scene {
    readonly ground: ProgramGround
    readonly detached: string[]
    mtuBytes: number
    wake: () => void
    endpoint: NewEndpoint | null
  }

  function scene(addresses: readonly string[]): Scene {
    const detached: string[] = []
    const made: Scene = {
      detached,
      mtuBytes: 1450,
      wake: () => undefined,
      endpoint: null,
      ground: {
        ports: { clock: new VirtualClock(), random: new SeededRandom(1) },
        attach: async (endpoint) => {
          made.endpoint = endpoint
          const view = () => ({ mtuBytes: made.mtuBytes }) as ReturnType<AttachmentHandle['view']>
          const detach = async (): Promise<void> => void detached.push(endpoint.name)
          return {
            endpointId: 'e1',
            addresses,
            mac: parseMac('02:42:0a:00:00:02'),
            mtuBytes: made.mtuBytes,
            gateways: [],
            ifname: '',
            view,
            detach,
            [Symbol.asyncDispose]: detach,
          }
        },
        follow: (wake) => {
          made.wake = wake
          return { [Symbol.dispose]: () => void (made.wake = () => undefined) }
        },
      },
    }
    return made
  }

  const NEIGHBOUR = { ip: parseIp('10.0.0.3'), port: 9 }

  test('the stack follows the MTU', async () => {
    const made = scene(['10.0.0.2/24'])
    const program = await enterNetwork(made.ground, { name: 'one' })
    const socket = program.stack.bindUdp()
    socket.send(NEIGHBOUR, new Uint8Array(1422))
    made.mtuBytes = 1430
    made.wake()
    const tooLong = expect.objectContaining({ code: 'ERR_MESSAGE_TOO_LONG' })
    expect(() => socket.send(NEIGHBOUR, new Uint8Array(1422))).toThrow(tooLong)
    made.mtuBytes = 0
    made.wake()
    socket.send(NEIGHBOUR, new Uint8Array(1402))
    await program[Symbol.asyncDispose]()
    expect(made.detached).toEqual(['one'])
  })

  test('an attachment that no stack can be configured by is taken back', async () => {
    const made = scene([])
    const entering = enterNetwork(made.ground, { name: 'one' })
    await expect(entering).rejects.toMatchObject({ code: 'ERR_INVALID_VALUE' })
    expect(made.detached).toEqual(['one'])
    expect(made.endpoint?.port?.present).toBe(false)
  })
})
