/** The engine: time, datagrams, streams and processes, with a core that does next to nothing. */
import { parseIp, utf8Bytes, type SocketAddress } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { calm, NetworkModel, never, type LinkWeather } from '../src/engine/network-model.ts'
import type { SimProcess } from '../src/engine/sim-process.ts'
import { DATAGRAM_KERNEL_BYTES, SOCKET_BUFFER_BYTES_MAX } from '../src/engine/socket-buffer.ts'
import {
  SEGMENT_RETRY_MS,
  SEGMENT_TRIES_MAX,
  SYN_RETRY_MS,
  SYN_TRIES_MAX,
} from '../src/engine/stream-network.ts'
import { SPINS_MAX, World } from '../src/engine/world.ts'
import { BEAT_MS, ToyCore } from './toy-core.ts'

const still: LinkWeather = { ...calm, delayMs: 1, jitterMs: 0 }
const always = { numerator: 1, denominator: 1 }
const EXACT = { offsetMs: 0, ratePpm: 0 }

interface Toys {
  readonly world: World<ToyCore>
  readonly hosts: readonly SimProcess<ToyCore>[]
  readonly model: NetworkModel
  core(index: number): ToyCore
}

/** Toys that beat at each other. */
function toys(count: number, weather = still, seed = 'toys'): Toys {
  const model = new NetworkModel(seed, 16, weather)
  const world = new World<ToyCore>(model, {})
  const address = (i: number): SocketAddress => ({ ip: parseIp(`10.0.0.${i + 1}`), port: 7946 })
  const all = Array.from({ length: count }, (_, i) => address(i))
  const hosts = all.map((own) => world.addHost(own, EXACT))
  const start = (host: SimProcess<ToyCore>): ToyCore =>
    world.start(host, (now) => {
      const others = all.filter((other) => other !== host.address)
      return new ToyCore(`toy-${host.index}`, now, others)
    })
  hosts.forEach(start)
  const core = (index: number): ToyCore => {
    const one = hosts[index]?.core ?? null
    if (one === null) throw new Error('no core')
    return one
  }
  return { world, hosts, model, core }
}

function host({ hosts }: Toys, index: number): SimProcess<ToyCore> {
  const one = hosts[index]
  if (one === undefined) throw new Error('no host')
  return one
}

describe('datagrams', () => {
  it('arrive after the delay, as copies', () => {
    const ring = toys(3)
    ring.world.run(BEAT_MS + 1)
    expect(ring.core(0).heard).toEqual([
      '1001 packet 10.0.0.2 beat of toy-1',
      '1001 packet 10.0.0.3 beat of toy-2',
    ])
    expect(host(ring, 0).traffic.packetsSent).toBe(2)
    expect(host(ring, 0).traffic.packetBytesSent).toBe(2 * utf8Bytes('beat of toy-0').length)
  })

  it('are lost, doubled and held back as the weather says', () => {
    const lossy = toys(2, { ...still, loss: always })
    lossy.world.run(10 * BEAT_MS)
    expect(lossy.core(0).heard).toEqual([])
    expect(host(lossy, 0).traffic.packetsLost).toBe(10)
    const doubled = toys(2, { ...still, duplication: always })
    doubled.world.run(BEAT_MS + 1)
    expect(doubled.core(0).heard).toHaveLength(2)
    const late = toys(2, { ...still, reordering: always, reorderingMs: 50 })
    late.world.run(BEAT_MS + 50)
    expect(late.core(0).heard).toEqual([])
    late.world.run(BEAT_MS + 51)
    expect(late.core(0).heard).toHaveLength(1)
  })

  it('are heard again much later where somebody replays them', () => {
    const ring = toys(2, { ...still, replay: always, replayMsMax: 30_000 })
    ring.world.run(BEAT_MS + 1)
    expect(ring.core(0).heard).toHaveLength(1)
    ring.world.crash(host(ring, 1))
    ring.world.run(BEAT_MS + 30_002)
    expect(ring.core(0).heard).toHaveLength(2)
  })

  it('pass neither a cut, in its one direction, nor a partition', () => {
    const ring = toys(2)
    ring.model.cut(0, 1)
    ring.world.run(5 * BEAT_MS + 1)
    expect([ring.core(0).heard.length, ring.core(1).heard.length]).toEqual([5, 0])
    ring.model.heal()
    ring.model.partition(1, 1)
    ring.world.run(10 * BEAT_MS + 1)
    expect([ring.core(0).heard.length, ring.core(1).heard.length]).toEqual([5, 0])
    ring.model.heal()
    ring.world.run(11 * BEAT_MS + 1)
    expect([ring.core(0).heard.length, ring.core(1).heard.length]).toEqual([6, 1])
  })

  it('are lost about as often as the ratio says, on each link in its own way', () => {
    const ring = toys(3, { ...still, loss: { numerator: 3, denominator: 10 } })
    ring.world.run(2000 * BEAT_MS)
    const counts = [0, 1, 2].map((i) => ring.core(i).heard.length / 4000)
    for (const share of counts) expect(Math.abs(share - 0.7)).toBeLessThan(0.03)
    expect(new Set(counts).size).toBe(3)
  })

  it('fare the same whatever a node elsewhere says', () => {
    const weather = { ...still, jitterMs: 5, loss: { numerator: 1, denominator: 3 } }
    const heardOf = (ring: Toys): readonly string[] => {
      ring.world.run(50 * BEAT_MS)
      return ring.core(0).heard.filter((line) => line.includes('10.0.0.2'))
    }
    expect(heardOf(toys(2, weather))).toEqual(heardOf(toys(5, weather)))
    expect(heardOf(toys(2, weather))).not.toEqual(heardOf(toys(2, weather, 'another seed')))
  })
})

describe('a process', () => {
  it('that is blocked runs its timers first when it wakes up, then hears what waited', () => {
    const ring = toys(2)
    ring.world.run(500)
    ring.world.block(host(ring, 0), 'process', 3000)
    ring.world.run(3499)
    expect(ring.core(0).heard).toEqual([])
    expect(host(ring, 0).traffic.packetsSent).toBe(0)
    ring.world.run(3500)
    expect(host(ring, 0).traffic.packetsSent).toBe(1)
    expect(ring.core(0).heard).toEqual(Array(3).fill('3500 packet 10.0.0.2 beat of toy-1'))
  })

  it('whose network stands still has timers; what it sends and hears waits', () => {
    const ring = toys(2)
    ring.world.run(500)
    ring.world.block(host(ring, 0), 'network', 3000)
    ring.world.run(3499)
    expect(ring.core(0).heard).toEqual([])
    expect([ring.core(1).heard.length, host(ring, 0).traffic.packetsSent]).toEqual([0, 0])
    ring.world.run(3501)
    expect(host(ring, 0).traffic.packetsSent).toBe(3)
    expect(ring.core(0).heard).toEqual(Array(3).fill('3500 packet 10.0.0.2 beat of toy-1'))
    expect(ring.core(1).heard).toEqual(Array(3).fill('3501 packet 10.0.0.1 beat of toy-0'))
  })

  it('holds SOCKET_BUFFER_BYTES_MAX while it is blocked, kernel bytes included', () => {
    const ring = toys(2)
    ring.world.block(host(ring, 0), 'process', 1000 * BEAT_MS)
    const size = utf8Bytes('beat of toy-1').length + DATAGRAM_KERNEL_BYTES
    const fits = Math.floor(SOCKET_BUFFER_BYTES_MAX / size)
    ring.world.run(999 * BEAT_MS + 1)
    expect(host(ring, 0).traffic.packetsOverflowed).toBe(999 - fits)
    ring.world.run(1000 * BEAT_MS)
    expect(ring.core(0).heard).toHaveLength(fits)
  })

  it('that crashed hears nothing, and its successor nothing of before', () => {
    const ring = toys(2)
    ring.world.run(1500)
    ring.world.crash(host(ring, 0))
    ring.world.run(3500)
    const again = ring.world.start(host(ring, 0), (now) => new ToyCore('again', now, []))
    ring.world.run(4001)
    expect(again.heard).toEqual(['4001 packet 10.0.0.2 beat of toy-1'])
    expect(host(ring, 0).life).toBe(2)
  })

  it('lives by its own clock, which is off, and jumps', () => {
    const ring = toys(1)
    const { world } = ring
    const other = world.addHost(
      { ip: parseIp('10.0.0.9'), port: 7946 },
      { offsetMs: 5000, ratePpm: 1000 },
    )
    const peers = [host(ring, 0).address]
    world.start(other, (now) => new ToyCore('fast', now, peers))
    world.run(100 * BEAT_MS)
    expect(other.traffic.packetsSent).toBe(100)
    expect(parseFloat(ring.core(0).heard[0] ?? '')).toBeCloseTo(1 + 1000 / 1.001, 6)
    world.run(100_500)
    world.stepClock(other, 700)
    world.run(100_501)
    expect(other.traffic.packetsSent).toBe(101)
  })

  it('that throws, or is never done, ends the run', () => {
    const ring = toys(2)
    ring.core(0).tick = () => {
      throw new Error('planted')
    }
    ring.world.run(5000)
    expect(ring.world.failure).toMatchObject({ host: 0, error: { message: 'planted' } })
    expect(ring.world.now).toBe(BEAT_MS)
    const busy = toys(2)
    let ticks = 0
    busy.core(1).tick = () => {
      ticks++
    }
    busy.world.run(5000)
    expect(busy.world.failure).toMatchObject({ host: 1 })
    expect(ticks).toBe(SPINS_MAX)
  })
})

describe('streams', () => {
  it('carry bytes in order, and their end', () => {
    const ring = toys(2)
    const { world } = ring
    const id = world.act(host(ring, 0), (core) => core.open(host(ring, 1).address, 'a', 'b'))
    world.run(10)
    expect(ring.core(1).heard).toEqual(['1 accept 10.0.0.1', '3 1 a', '3 1 b'])
    world.act(host(ring, 1), (core) => core.write(id, 'back'))
    world.act(host(ring, 0), (core) => core.write(id, 'c'))
    world.run(20)
    world.act(host(ring, 1), (core) => core.close(id))
    world.run(30)
    expect(ring.core(0).heard).toEqual(['11 1 back', '21 1 ended true'])
    expect(ring.core(1).heard.at(-1)).toBe('11 1 c')
    expect([host(ring, 0).streams.size, host(ring, 1).streams.size]).toEqual([0, 0])
    expect(host(ring, 0).traffic).toMatchObject({ streamsOpened: 1, streamBytesSent: 3 })
  })

  it('deliver what was written before they were closed', () => {
    const ring = toys(2)
    ring.world.act(host(ring, 0), (core) => core.close(core.open(host(ring, 1).address, 'bye')))
    ring.world.run(10)
    expect(ring.core(1).heard).toEqual(['1 accept 10.0.0.1', '3 1 bye', '3 1 ended true'])
    expect(ring.core(0).heard).toEqual([])
  })

  it('are late after losses and stay in order', () => {
    const ring = toys(2)
    const { world } = ring
    const id = world.act(host(ring, 0), (core) => core.open(host(ring, 1).address))
    world.run(10)
    ring.model.cut(0, 1)
    world.act(host(ring, 0), (core) => core.write(id, 'one'))
    world.act(host(ring, 0), (core) => core.write(id, 'two'))
    world.run(100)
    ring.model.heal()
    world.run(10 + SEGMENT_RETRY_MS)
    expect(ring.core(1).heard).toEqual(['1 accept 10.0.0.1'])
    world.run(10 + SEGMENT_RETRY_MS + 1)
    expect(ring.core(1).heard.slice(1)).toEqual(['211 1 one', '211 1 two'])
  })

  it('fail when nothing passes for long: SYN_TRIES_MAX and SEGMENT_TRIES_MAX tries', () => {
    const ring = toys(2)
    const { world } = ring
    const id = world.act(host(ring, 0), (core) => core.open(host(ring, 1).address))
    world.run(10)
    ring.model.cut(0, 1)
    world.act(host(ring, 0), (core) => core.write(id, 'never'))
    const lost = 10 + SEGMENT_RETRY_MS * (2 ** SEGMENT_TRIES_MAX - 1)
    world.run(lost)
    const streamsOf = (): readonly string[] =>
      ring.core(0).heard.filter((line) => line.includes('ended'))
    expect(streamsOf()).toEqual([`${lost} 1 ended false`])
    world.act(host(ring, 0), (core) => core.open(host(ring, 1).address, 'hello'))
    const refused = lost + SYN_RETRY_MS * (2 ** SYN_TRIES_MAX - 1)
    world.run(refused)
    expect(streamsOf().at(-1)).toBe(`${refused} 2 ended false`)
  })

  it('are refused by a core, and reset by the successor of a process', () => {
    const ring = toys(2)
    const { world } = ring
    const id = world.act(host(ring, 0), (core) => core.open(host(ring, 1).address, 'x'))
    world.run(10)
    world.crash(host(ring, 1))
    world.start(host(ring, 1), (now) => new ToyCore('successor', now, []))
    world.act(host(ring, 0), (core) => core.write(id, 'still there?'))
    world.run(20)
    expect(ring.core(0).heard).toEqual(['11 1 ended false'])
    ring.core(1).refuses = true
    world.act(host(ring, 0), (core) => core.open(host(ring, 1).address, 'y'))
    world.run(30)
    expect(ring.core(0).heard.at(-1)).toBe('22 2 ended false')
  })

  it('wait while the other process is blocked; its kernel takes them', () => {
    const ring = toys(2)
    const { world } = ring
    world.block(host(ring, 1), 'process', 900)
    world.act(host(ring, 0), (core) => core.open(host(ring, 1).address, 'x'))
    world.run(899)
    expect(ring.core(1).heard).toEqual([])
    world.run(900)
    expect(ring.core(1).heard).toEqual(['900 accept 10.0.0.1', '900 1 x'])
  })
})

it('the weather of one link may differ', () => {
  const ring = toys(3)
  ring.model.setLink(1, 0, { ...still, loss: always })
  ring.model.setWeather({ ...still, loss: never, delayMs: 2 })
  ring.world.run(BEAT_MS + 2)
  expect(ring.core(0).heard).toEqual(['1002 packet 10.0.0.3 beat of toy-2'])
})
