/** What is bounded in the simulator, at its bounds. */
import { parseIp, type Instant } from '@weft/core'
import { lanProfile, type StreamId } from '@weft/gossip'
import { describe, expect, it } from 'vitest'
import { CLOCK_RATE_PPM_MAX, exactClock, NodeClock } from '../src/engine/node-clock.ts'
import { calm, HOSTS_MAX, NetworkModel } from '../src/engine/network-model.ts'
import { streamEnd } from '../src/engine/sim-stream.ts'
import { SEGMENT_BYTES_MAX } from '../src/engine/stream-network.ts'
import { TRANSCRIPT_KEPT_MAX, TranscriptRing } from '../src/engine/transcript-ring.ts'
import { World } from '../src/engine/world.ts'
import { NETWORK_NODES_MAX, quietRing } from '../src/experiments/bandwidth.ts'
import { coreOf } from '../src/experiments/populated-ring.ts'
import { drawSwarm } from '../src/swarm/swarm-options.ts'
import { PACKETS_PER_SECOND_MAX, STREAMS_HELD_MAX, Swarm } from '../src/swarm/swarm.ts'
import { ToyCore } from './toy-core.ts'

describe('limits', () => {
  it('a clock is off by CLOCK_RATE_PPM_MAX at most', () => {
    const fast = new NodeClock({ offsetMs: 7, ratePpm: CLOCK_RATE_PPM_MAX })
    expect(fast.read(1000)).toBeCloseTo(1009, 9)
    expect(fast.virtual(1009 as Instant)).toBeCloseTo(1000, 9)
    for (const ratePpm of [CLOCK_RATE_PPM_MAX + 1, -CLOCK_RATE_PPM_MAX - 1]) {
      expect(() => new NodeClock({ offsetMs: 0, ratePpm })).toThrow('CLOCK_RATE_PPM_MAX')
    }
  })

  it('a clock never goes back', () => {
    const clock = new NodeClock(exactClock)
    clock.step(50)
    expect([clock.read(10), clock.reach(61 as Instant), clock.read(10)]).toEqual([60, 61, 61])
    expect(() => clock.step(-1)).toThrow('does not go back')
  })

  it('a network has HOSTS_MAX hosts at most', () => {
    expect(new NetworkModel('s', HOSTS_MAX, calm).isCut(0, HOSTS_MAX - 1)).toBe(false)
    expect(() => new NetworkModel('s', HOSTS_MAX + 1, calm)).toThrow('16-bit')
  })

  it('segments of SEGMENT_BYTES_MAX bytes are counted', () => {
    const world = new World<ToyCore>(new NetworkModel('s', 2, calm), {})
    const hosts = ['10.0.0.1', '10.0.0.2'].map((ip) =>
      world.addHost({ ip: parseIp(ip), port: 1 }, exactClock),
    )
    const [from, to] = hosts
    if (from === undefined || to === undefined) throw new Error('two hosts were added')
    for (const host of hosts) world.start(host, (now) => new ToyCore('toy', now, []))
    world.act(from, (core) => {
      core.open(to.address, 'x'.repeat(SEGMENT_BYTES_MAX), 'x'.repeat(SEGMENT_BYTES_MAX + 1))
    })
    world.run(100)
    expect(from.traffic.streamSegmentsSent).toBe(3)
  })

  it('a transcript keeps TRANSCRIPT_KEPT_MAX lines at most, and sums up all', () => {
    for (const kept of [0, TRANSCRIPT_KEPT_MAX + 1]) {
      expect(() => new TranscriptRing(kept)).toThrow('bounded')
    }
    const [short, long] = [new TranscriptRing(2), new TranscriptRing(TRANSCRIPT_KEPT_MAX)]
    for (const ring of [short, long]) for (const text of ['a', 'b', 'c']) ring.add(1.5, text)
    expect(short.lines().map((line) => line.trim())).toEqual(['1.500 b', '1.500 c'])
    expect(long.lines()).toHaveLength(3)
    expect(short.checksum()).toBe(long.checksum())
    short.add(2, 'd')
    expect(short.checksum()).not.toBe(long.checksum())
  })

  it('networks of the quiet ring have NETWORK_NODES_MAX nodes', () => {
    const nodes = NETWORK_NODES_MAX + 1
    const ring = quietRing({ seed: 's', nodes, profile: lanProfile() })
    const sizes = ring.world.hosts.flatMap((host) =>
      coreOf(host)
        .tables.networks()
        .map((view) => view.nodes.length),
    )
    expect(Math.max(...sizes)).toBe(NETWORK_NODES_MAX)
  })

  it('a swarm is stopped beyond PACKETS_PER_SECOND_MAX', () => {
    const chatty = new Swarm(drawSwarm('limits', { nodes: 1 }))
    const [node] = chatty.nodes
    if (node === undefined) throw new Error('there is a node')
    node.host.traffic.packetsSent = 10 * PACKETS_PER_SECOND_MAX
    chatty.step(1000)
    expect(chatty.referee.violation).toBeNull()
    chatty.ring.world.at(1500, () => {
      node.host.traffic.packetsSent += PACKETS_PER_SECOND_MAX + 1
    })
    chatty.step(1000)
    expect(chatty.referee.violation?.check).toBe('bounded-rate')
  })

  it('a swarm is stopped beyond STREAMS_HELD_MAX', () => {
    const hoarder = new Swarm(drawSwarm('limits', { nodes: 1 }))
    const [node] = hoarder.nodes
    if (node === undefined) throw new Error('there is a node')
    const hold = (number: number): void => {
      const id = number as StreamId
      node.host.streams.set(id, streamEnd(0, 1, id))
    }
    for (let i = 1; i <= STREAMS_HELD_MAX; i++) hold(i)
    hoarder.step(1)
    expect(hoarder.referee.violation).toBeNull()
    hold(STREAMS_HELD_MAX + 1)
    hoarder.step(1)
    expect(hoarder.referee.violation?.check).toBe('bounded-streams')
  })
})
