/** Nodes of one cluster in one process: real sockets on loopback, simulated machines. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseIp, parseMac } from '@weft/core'
import type { FramePort } from '@weft/dataplane'
import { SimMachine, simBackend, simOptions } from '@weft/dataplane-sim'
import { nodeRuntime } from '@weft/runtime-node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createNode, removeForwarding, type NodeOptions, type WeftNode } from '../src/index.ts'

let directory = ''
const nodes: WeftNode[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-node-'))
})
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close('teardown')
  rmSync(directory, { recursive: true, force: true })
})

const A = '127.77.0.1'
const B = '127.77.0.2'

function machineAt(ip: string) {
  const runtime = nodeRuntime()
  const mtuBytes = new Map([[parseIp(ip), 1500]])
  return { runtime, machine: new SimMachine({ underlay: runtime.underlay, mtuBytes }) }
}

function optionsAt(ip: string, stateDirectory: string | null = null, host = machineAt(ip)) {
  return {
    stateDirectory,
    dataplane: { backend: simBackend, options: simOptions(host.machine) },
    runtime: host.runtime,
    version: '1.2.3',
  } satisfies NodeOptions<unknown>
}

async function open<O>(options: NodeOptions<O>): Promise<WeftNode> {
  const node = await createNode(options)
  nodes.push(node)
  return node
}

/** A card that keeps what it is given. */
class Card implements FramePort {
  readonly present = true
  readonly frames: Uint8Array[] = []
  heard = Promise.withResolvers<Uint8Array>()
  transmit: ((frame: Uint8Array) => void) | null = null

  deliver(frame: Uint8Array): void {
    this.heard.resolve(frame)
  }

  connect(transmit: ((frame: Uint8Array) => void) | null): void {
    this.transmit = transmit
  }
}

function frame(to: string, from: string): Uint8Array {
  const bytes = new Uint8Array(60)
  for (const [at, mac] of [to, from].entries()) {
    bytes.set(mac.split(':').map((pair) => parseInt(pair, 16)), 6 * at)
  }
  bytes.set([0x88, 0xb5], 12)
  return bytes
}

const at = (ip: string) => ({ listenAddress: ip, advertiseAddress: ip })

test('a network from one node to another, and away again', async () => {
  const [a, b] = [await open(optionsAt(A)), await open(optionsAt(B))]
  const id = await a.init(at(A))
  expect(a.view()).toMatchObject({ state: 'active', nodeId: id, role: 'manager', dataplane: 'sim' })
  await b.join({ ...at(B), remoteAddresses: [A], token: a.joinTokens().worker })
  expect(b.view()).toMatchObject({ state: 'active', role: 'worker', nodeAddress: B })
  expect(a.cluster.control?.nodes()).toHaveLength(2)

  const seen: string[][] = []
  const watching = (async () => {
    for await (const networks of a.networks.watch()) {
      seen.push(networks.map(({ name }) => name))
      if (seen.length === 3) return
    }
  })()
  const blue = await a.networks.create({ name: 'blue', labels: { tier: 'one' } })
  expect(blue.view()).toMatchObject({ name: 'blue', attachable: true, labels: { tier: 'one' } })
  const [one, two] = [new Card(), new Card()]
  {
    await using c1 = await blue.attach({ name: 'c1', port: one })
    await using c2 = await b.networks.use('blue').attach({ name: 'c2', port: two })
    expect(c1.addresses).toEqual(['10.0.0.2/24'])
    expect(c2.mac).toBe(parseMac('02:42:0a:00:00:03'))
    expect(b.networks.list().map(({ name }) => name)).toEqual(['blue'])
    const sent = frame(c2.mac, c1.mac)
    const again = setInterval(() => one.transmit?.(sent), 20)
    expect(await two.heard.promise).toEqual(sent)
    clearInterval(again)
    await expect(blue.remove()).rejects.toMatchObject({ code: 'ERR_PRECONDITION' })
    expect(c1.view()?.state).toBe('running')
  }
  expect(one.transmit).toBeNull()
  await a.networks.remove('blue')
  await watching
  expect(seen).toEqual([[], ['blue'], []])
  await b.leave()
  expect(b.view().state).toBe('inactive')
  await expect(a.leave()).rejects.toMatchObject({ code: 'ERR_PRECONDITION' })
  await a.leave({ force: true })
})

test('after a restart the node is what it was, and forwarding has gone on', async () => {
  const host = machineAt(A)
  const options = optionsAt(A, directory, host)
  const first = await open(options)
  const id = await first.init(at(A))
  const tokens = first.joinTokens()
  await expect(createNode(options)).rejects.toMatchObject({ code: 'ERR_STORE_LOCKED' })
  await first.networks.create({ name: 'blue' })
  const port = new Card()
  const { endpointId } = await first.networks.use('blue').attach({ name: 'c1', port })
  await first.close('detach')
  expect(port.transmit).not.toBeNull()
  const second = await open(options)
  expect(second.view().nodeId).toBe(id)
  expect(second.joinTokens()).toEqual(tokens)
  expect(second.networks.list().map(({ name }) => name)).toEqual(['blue'])
  // A card is of the process that made it, so that the endpoint ended with it.
  expect(second.cluster.attachments().map((one) => one.endpointId)).not.toContain(endpointId)
  await second.close('detach')
  await removeForwarding(options)
  expect(host.machine.read().networks.size).toBe(0)
})

describe('what cannot be begun leaves nothing', () => {
  test('a port in use, an address that is not ours, a manager that nobody is', async () => {
    const [a, b] = [await open(optionsAt(A)), await open(optionsAt(A, directory))]
    await a.init(at(A))
    await expect(b.init(at(A))).rejects.toMatchObject({
      code: 'ERR_ADDRESS_IN_USE',
      details: { address: `${A}:2377` },
    })
    const foreign = { advertiseAddress: '198.51.100.9' }
    await expect(b.init(foreign)).rejects.toThrow('must specify a listening address')
    const worker = { remoteAddresses: [A], token: a.joinTokens().worker }
    await expect(b.join({ ...worker, token: 'SWMTKN-1-x' })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    })
    const nobody = { ...worker, remoteAddresses: [] }
    await expect(b.join(nobody)).rejects.toThrow('at least 1 RemoteAddr')
    expect(b.view()).toMatchObject({ state: 'inactive', error: '' })
    await b.init(at(B))
    await expect(b.init(at(B))).rejects.toThrow('already part of a swarm')
  })

  test('a dataplane that cannot work here', async () => {
    const usual = optionsAt(A)
    const backend = {
      ...simBackend,
      probe: async () => ({ usable: false, reason: 'no kernel' }) as const,
    }
    const options = { ...usual.dataplane.options }
    const node = await open({ ...usual, dataplane: { backend, options } })
    await expect(node.init(at(A))).rejects.toMatchObject({
      code: 'ERR_DATAPLANE_UNUSABLE',
      details: { backend: 'sim', reason: 'no kernel' },
    })
    expect(node.view().state).toBe('inactive')
  })
})

test('verbs of managers and members, elsewhere', async () => {
  const node = await open(optionsAt(A))
  expect(() => node.joinTokens()).toThrow('This node is not a swarm manager')
  await expect(node.networks.create({ name: 'x' })).rejects.toThrow('not a swarm manager')
  const attach = node.networks.use('x').attach({ name: 'c', port: new Card() })
  await expect(attach).rejects.toThrow('This node is not part of a swarm')
  await expect(node.networks.remove('x')).rejects.toThrow('not a swarm manager')
  expect(node.cluster.networks()).toEqual([])
  await node.init(at(A))
  await expect(node.networks.remove('x')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  const unknown = node.networks.use('x').attach({ name: 'c', port: new Card() })
  await expect(unknown).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  await node.close('teardown')
  await expect(node.init(at(A))).rejects.toMatchObject({ code: 'ERR_NODE_CLOSED' })
})
