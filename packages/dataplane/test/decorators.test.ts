/** Decorators add their one thing and change nothing else. */
import { createLogger, Emitter, parseIp, type LogFields } from '@weft/core'
import { createSimWorld, never, SeededRandom, VirtualClock } from '@weft/core/testing'
import {
  captured,
  dataplaneError,
  faulty,
  traced,
  TRACED_FAILURES_MAX,
  type ApplyReport,
  type Dataplane,
  type DataplaneEvents,
  type DesiredState,
} from '../src/index.ts'
import { dissect, readPcapng } from '@weft/wire'
import { describe, expect, test } from 'vitest'
import { ALL, local, remote, state } from './states.ts'

/** A dataplane that notes what it is told. */
function notebook(answer: Partial<ApplyReport> = {}) {
  const told: DesiredState[] = []
  const events = new Emitter<DataplaneEvents>()
  const closed: string[] = []
  const dataplane: Dataplane = {
    backend: 'notebook',
    capabilities: ALL,
    events,
    apply: async (desired) => {
      told.push(desired)
      const { generation } = desired
      return { generation, outcome: 'applied', changed: 2, collected: [], failures: [], ...answer }
    },
    observe: async () => ({ generation: 1, items: new Map([['a', 'b']]), foreign: ['x'] }),
    counters: async () => {
      throw dataplaneError('ERR_CLOSED', 'the dataplane is closed', { operation: 'counters' })
    },
    close: async (mode) => void closed.push(mode),
    [Symbol.asyncDispose]: async () => void closed.push('dispose'),
  }
  return { dataplane, told, events, closed }
}

describe('traced', () => {
  function opened(answer: Partial<ApplyReport> = {}) {
    const lines: [string, string, LogFields][] = []
    const log = createLogger((level, message, fields) => void lines.push([level, message, fields]))
    const book = notebook(answer)
    const clock = new VirtualClock()
    return { ...book, lines, clock, dataplane: traced(book.dataplane, { log, clock }) }
  }
  const desired = state({
    blue: {
      local: new Map([['a', local('10.0.1.2', 2)]]),
      remote: new Map([['b', remote('10.0.1.3', 3)]]),
    },
  })

  test('logs each verb with what was asked, what came of it, and how long it took', async () => {
    const { dataplane, lines } = opened()
    await dataplane.apply(desired)
    await dataplane.observe()
    await dataplane.close('detach')
    await dataplane[Symbol.asyncDispose]()
    expect(lines.map(([level, message]) => `${level} ${message}`)).toEqual([
      'debug apply',
      'debug observe',
      'debug close',
      'debug dispose',
    ])
    expect(lines[0]?.[2]).toEqual({
      backend: 'notebook',
      generation: 1,
      peers: 2,
      networks: 1,
      local: 1,
      remote: 1,
      outcome: 'applied',
      changed: 2,
      collected: 0,
      failures: 0,
      named: [],
      ms: 0,
    })
  })

  test('passes answers and errors through', async () => {
    const { dataplane, lines, told } = opened()
    expect((await dataplane.apply(desired)).changed).toBe(2)
    expect(told[0]).toBe(desired)
    await expect(dataplane.counters()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(lines[1]?.slice(0, 2)).toEqual(['warn', 'counters refused'])
  })

  test('names some failures and counts the rest', async () => {
    const error = dataplaneError('ERR_CLOSED', 'closed', { operation: 'x' })
    const failures = Array.from({ length: TRACED_FAILURES_MAX + 5 }, (_, i) => ({
      item: `i${i}`,
      error,
    }))
    const { dataplane, lines } = opened({ failures })
    await dataplane.apply(desired)
    expect(lines[0]?.[2]).toMatchObject({ failures: TRACED_FAILURES_MAX + 5 })
    expect(lines[0]?.[2]['named']).toHaveLength(TRACED_FAILURES_MAX)
  })

  test('logs drift and failures that the dataplane announces', () => {
    const { events, lines } = opened()
    events.emit('drift', { items: ['a', 'b'], failures: [] })
    events.emit('failed', { error: new Error('gone') })
    expect(lines.map(([level, message]) => `${level} ${message}`)).toEqual([
      'warn drift',
      'error failed',
    ])
  })
})

describe('captured', () => {
  test('writes what passes in both directions as a capture that can be read back', async () => {
    const world = createSimWorld('capture')
    const [a, b] = [world.node('a', ['172.31.1.11']), world.node('b', ['172.31.1.12'])]
    const blocks: Uint8Array[] = []
    const underlay = captured(a.underlay, {
      sink: (block) => void blocks.push(block),
      clock: world.clock,
    })
    const got: string[] = []
    const here = await underlay.bind(
      { ip: parseIp('172.31.1.11'), port: 1000 },
      (bytes) => void got.push(`a ${bytes}`),
    )
    const there = await b.underlay.bind(
      { ip: parseIp('172.31.1.12'), port: 2000 },
      (bytes, from) => {
        got.push(`b ${bytes}`)
        there.send(Uint8Array.of(9, 9), from)
      },
    )
    here.send(Uint8Array.of(1, 2, 3), there.local)
    await world.clock.advance(10)
    expect(got).toEqual(['b 1,2,3', 'a 9,9'])
    const length = blocks.reduce((sum, block) => sum + block.length, 0)
    const file = new Uint8Array(length)
    blocks.reduce((at, block) => (file.set(block, at), at + block.length), 0)
    const [section] = readPcapng(file).sections
    const packets = section?.packets ?? []
    expect(packets.map(({ direction }) => direction)).toEqual(['outbound', 'inbound'])
    const ports = packets.map(({ bytes }) => {
      const [, ip, udp, payload] = dissect(bytes)
      if (ip?.kind !== 'ipv4' || udp?.kind !== 'udp' || payload?.kind !== 'payload') return 'no UDP'
      const { sourcePort, destinationPort } = udp.header
      const body = bytes.slice(payload.start, payload.end)
      const [from, to] = [ip.header.source, ip.header.destination]
      return `${from}:${sourcePort} ${to}:${destinationPort} ${body} ${udp.checksum}`
    })
    expect(ports).toEqual([
      '172.31.1.11:1000 172.31.1.12:2000 1,2,3 good',
      '172.31.1.12:2000 172.31.1.11:1000 9,9 good',
    ])
    expect(packets[0]?.timestampNs).toBe(BigInt(world.clock.wall() - 10) * 1_000_000n)
    await here.close()
  })
})

describe('faulty', () => {
  const always = { numerator: 1, denominator: 1 }
  const desired = state({
    blue: {
      local: new Map([['a', local('10.0.1.2', 2)]]),
      remote: new Map([['b', remote('10.0.1.3', 3)]]),
    },
  })

  test('without faults changes nothing', async () => {
    const { dataplane, told } = notebook()
    const plan = { rejected: never, failedEndpoint: never }
    const report = await faulty(dataplane, new SeededRandom('x'), plan).apply(desired)
    expect(report.failures).toEqual([])
    expect(told).toEqual([desired])
  })

  test('rejects verbs, but always closes', async () => {
    const { dataplane, told, closed } = notebook()
    const plan = { rejected: always, failedEndpoint: never }
    const broken = faulty(dataplane, new SeededRandom('x'), plan)
    await expect(broken.apply(desired)).rejects.toMatchObject({ code: 'ERR_HOST' })
    await expect(broken.observe()).rejects.toMatchObject({ details: { operation: 'observe' } })
    await broken.close('teardown')
    expect([told, closed]).toEqual([[], ['teardown']])
  })

  test('fails endpoints by leaving them out and saying so', async () => {
    const { dataplane, told } = notebook()
    const plan = { rejected: never, failedEndpoint: always }
    const report = await faulty(dataplane, new SeededRandom('x'), plan).apply(desired)
    expect(report.failures.map(({ item }) => item)).toEqual([
      'networks/blue/local/a',
      'networks/blue/remote/b',
    ])
    expect(told[0]?.networks.get('blue')).toMatchObject({ local: new Map(), remote: new Map() })
  })

  test('equal seeds give equal faults', async () => {
    const half = { rejected: { numerator: 1, denominator: 2 }, failedEndpoint: never }
    const run = async (seed: string): Promise<string> => {
      const broken = faulty(notebook().dataplane, new SeededRandom(seed), half)
      const outcomes: string[] = []
      for (let i = 0; i < 24; i++) {
        outcomes.push(
          await broken.observe().then(
            () => 'o',
            () => 'x',
          ),
        )
      }
      return outcomes.join('')
    }
    expect(await run('one')).toBe(await run('one'))
    expect(await run('one')).not.toBe(await run('two'))
  })
})
