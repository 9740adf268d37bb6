import { SeededRandom, silentLogger, type Aead } from '@weft/core'
import { SimEntropy } from '@weft/core/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import { JoinAttempt } from '../src/join-attempt.ts'
import { openGossip, type GossipHandle, type OpenGossipOptions } from '../src/open-gossip.ts'
import { lanProfile } from '../src/profile.ts'
import { address, NotedPorts } from './shell-ports.ts'

const LOCAL = address('10.0.0.1', 7946)
const B = address('10.0.0.2', 7946)
const C = address('10.0.0.3', 7946)
const NO_AEAD: Aead = { seal: (_, plain) => plain, open: (_, sealed) => sealed }

let ports: NotedPorts
beforeEach(() => {
  ports = new NotedPorts()
})

function open(options: Partial<OpenGossipOptions> = {}): Promise<GossipHandle> {
  const random = new SeededRandom('join')
  const entropy = new SimEntropy(random.fork('entropy'))
  const { clock, underlay, streams } = ports
  return openGossip(
    {
      name: 'a',
      bind: LOCAL,
      advertise: null,
      meta: new Uint8Array(0),
      label: '',
      keys: null,
      profile: lanProfile(),
      bootstrap: [],
      known: [],
      knownAttachments: [],
      ...options,
    },
    { clock, underlay, streams, random, entropy, aead: NO_AEAD, log: silentLogger },
  )
}

describe('a join', () => {
  test('fails when nobody answers, with a reason for each', async () => {
    const node = await open()
    const failed = node.join([B, C])
    const [toB, toC] = ports.handlers
    toB?.onEnd(false)
    toC?.onEnd(true)
    const reasons = { '10.0.0.2:7946': 'no connection', '10.0.0.3:7946': expect.any(String) }
    await expect(failed).rejects.toMatchObject({ code: 'ERR_JOIN_FAILED', details: { reasons } })
  })

  test('fails when time is up', async () => {
    const node = await open()
    const failed = expect(node.join([B])).rejects.toMatchObject({ code: 'ERR_JOIN_FAILED' })
    await ports.clock.advance(lanProfile().streamTimeoutMs)
    await failed
  })

  test('asks everybody but ourselves', async () => {
    const node = await open()
    await node.join([])
    await node.join([LOCAL])
    expect(ports.notes.filter((note) => note.startsWith('connect'))).toEqual([])
    const failed = node.join([B, LOCAL, C])
    const asked = ports.notes.filter((note) => note.startsWith('connect'))
    expect(asked).toEqual(['connect 10.0.0.1 10.0.0.2:7946', 'connect 10.0.0.1 10.0.0.3:7946'])
    for (const handler of ports.handlers) handler.onEnd(false)
    await expect(failed).rejects.toMatchObject({ code: 'ERR_JOIN_FAILED' })
  })

  test('can be called off, before and after it began', async () => {
    const node = await open()
    const controller = new AbortController()
    const joining = node.join([B], { signal: controller.signal })
    controller.abort(new Error('never mind'))
    await expect(joining).rejects.toThrow('never mind')
    await expect(node.join([C], { signal: controller.signal })).rejects.toThrow('never mind')
    const asked = ports.notes.filter((note) => note.startsWith('connect'))
    expect(asked).toEqual(['connect 10.0.0.1 10.0.0.2:7946'])
  })

  test('fails when the node is closed', async () => {
    const node = await open()
    const failed = node.join([B])
    await node.close()
    const reasons = { '10.0.0.2:7946': 'the node was closed' }
    await expect(failed).rejects.toMatchObject({ code: 'ERR_JOIN_FAILED', details: { reasons } })
  })
})

describe('an attempt', () => {
  test('is over with the first answer', async () => {
    const attempt = new JoinAttempt([B, C])
    attempt.ended(B, 'refused')
    attempt.ended(C, null)
    await expect(attempt.done).resolves.toBeUndefined()
  })

  test('is not over while somebody may still answer, however often another fails', async () => {
    const attempt = new JoinAttempt([B, C])
    attempt.ended(B, 'refused')
    attempt.ended(B, 'refused again')
    attempt.giveUp('enough')
    const reasons = { '10.0.0.2:7946': 'refused again', '10.0.0.3:7946': 'enough' }
    await expect(attempt.done).rejects.toMatchObject({ details: { reasons } })
  })

  test('does not take another join for its own', async () => {
    const attempt = new JoinAttempt([B])
    attempt.ended(C, null)
    attempt.ended(B, 'refused')
    const reasons = { '10.0.0.2:7946': 'refused' }
    await expect(attempt.done).rejects.toMatchObject({ details: { reasons } })
  })

  test('stops listening to its signal', () => {
    const heard: string[] = []
    const signal = {
      aborted: false,
      reason: undefined,
      addEventListener: (type: string) => void heard.push(`+${type}`),
      removeEventListener: (type: string) => void heard.push(`-${type}`),
    }
    new JoinAttempt([B]).obey(signal)[Symbol.dispose]()
    expect(heard).toEqual(['+abort', '-abort'])
  })
})

describe('where a node is reached', () => {
  test('is where it is bound, unless told otherwise', async () => {
    const advertised = async (options: Partial<OpenGossipOptions>): Promise<unknown> => {
      return (await open(options)).gossip.membership.roster.self.address
    }
    expect(await advertised({})).toEqual(LOCAL)
    expect(await advertised({ advertise: B })).toEqual(B)
    ports.freePorts = [4001]
    const bind = address('0.0.0.0', 0)
    expect(await advertised({ bind, advertise: address('10.0.0.9', 0) })).toEqual(
      address('10.0.0.9', 4001),
    )
  })

  test.each(['0.0.0.0', '::'])('is not %s', async (ip) => {
    const failed = open({ bind: address(ip, 7946) })
    await expect(failed).rejects.toMatchObject({ code: 'ERR_ADVERTISE_WILDCARD' })
    await expect(open({ advertise: address(ip, 7946) })).rejects.toMatchObject({
      code: 'ERR_ADVERTISE_WILDCARD',
    })
    expect(ports.notes).toEqual([])
  })
})

describe('leaving', () => {
  test('is done when there is nobody to tell', async () => {
    const node = await open()
    const left = node.leave()
    await ports.clock.advance(10_000)
    await left
    expect(node.gossip.hasLeft).toBe(true)
  })

  test('ends with the node', async () => {
    const known = [
      {
        name: 'b',
        address: B,
        meta: new Uint8Array(0),
        vsn: [1, 5, 2, 0, 0, 0] as const,
        incarnation: 1,
      },
    ]
    const node = await open({ known })
    const left = node.leave()
    await node.close()
    await ports.clock.advance(10_000)
    await left
  })
})

describe('run', () => {
  test('does what the node asks for, also when the call throws', async () => {
    const node = await open()
    ports.take()
    expect(node.run((_gossip, now) => now)).toBe(0)
    const run = (): void =>
      node.run((gossip, now) => {
        gossip.join(now, [B])
        throw new Error('after all')
      })
    expect(run).toThrow('after all')
    expect(ports.take()).toContain('connect 10.0.0.1 10.0.0.2:7946')
  })
})
