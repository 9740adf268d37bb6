/** What a quiet ring costs: bytes on the wire for each node and second. */
import { utf8Bytes } from '@weft/core'
import { pushPullScale, type GossipProfile } from '@weft/gossip'
import { calm } from '../engine/network-model.ts'
import type { Traffic } from '../engine/sim-process.ts'
import type { Ring, RingHost } from '../ring.ts'
import { fillRing, type ChangingProfile } from './filled-ring.ts'
import { assertRunning, coreOf, nodeName, populatedRing } from './populated-ring.ts'

/** One cell of the table. */
export interface BandwidthCell {
  readonly seed: string
  readonly nodes: number
  readonly profile: GossipProfile
  /** How long the quiet is measured, in virtual ms. */
  readonly windowMs: number
}

/** Sent by a node in a second, on average; as much is received. */
export interface BandwidthResult {
  readonly datagramBytes: number
  readonly streamBytes: number
  readonly totalBytes: number
  readonly datagrams: number
  readonly streams: number
  /** Nodes that did not hold all rows of their networks when the quiet began. */
  readonly incomplete: number
}

/** Endpoints of each node; each is a row in two tables, as Docker writes them (docker-wire §4). */
export const ENDPOINTS_EACH = 10

/** Nodes of a network at most: nobody runs 5,000 nodes on one, and rows are held by its nodes. */
export const NETWORK_NODES_MAX = 25

/** Networks that each node attends; its endpoints are spread over them. */
const NETWORKS_EACH = 2
const ENDPOINT_BYTES = 110
const PEER_BYTES = 50

/** Timers are back to their own intervals, and nothing is told any more. */
const SETTLE_MS = 10_000

/** IPv4 and UDP. */
const DATAGRAM_HEADER_BYTES = 28
/** IPv4 and TCP with timestamps. */
const SEGMENT_HEADER_BYTES = 52
/** SYN, SYN-ACK, ACK, and FIN with ACK each way: what an empty connection costs. */
const CONNECTION_BYTES = 2 * 60 + 5 * SEGMENT_HEADER_BYTES

/** Four of the push/pulls and bulk syncs of a small ring. */
const WINDOW_MS = 120_000

/** How long to measure: in a large ring each node should have one push/pull in that time. */
export function quietWindowMs(nodes: number, { pushPullIntervalMs }: GossipProfile): number {
  return Math.max(WINDOW_MS, pushPullIntervalMs * pushPullScale(nodes))
}

/** Measure a cell. Throws what a core threw. */
export function measureBandwidth(cell: BandwidthCell): BandwidthResult {
  return measureQuiet(quietRing(cell), cell.windowMs)
}

/** Measure a ring that `quietRing` made, for so many virtual ms. Throws what a core threw. */
export function measureQuiet(ring: Ring, windowMs: number): BandwidthResult {
  const nodes = ring.world.hosts.length
  const incomplete = countIncomplete(ring, nodes)
  const before = sumTraffic(ring)
  run(ring, windowMs)
  const sum = difference(before, sumTraffic(ring))
  return { ...perNodeSecond(sum, (nodes * windowMs) / 1000), incomplete }
}

/** A ring in which everybody has written its endpoints, and all of their networks have them. */
export function quietRing({ seed, nodes, profile }: Omit<BandwidthCell, 'windowMs'>): Ring {
  const present: ChangingProfile = { ...profile }
  const ring = populatedRing({
    seed,
    nodes,
    profile: present,
    weather: calm,
    networksOf: (index) => networksOf(index, nodes),
    isSealed: true,
  })
  fillRing(ring, {
    profile: present,
    weather: calm,
    networks: hostsByNetwork(ring),
    write: () => {
      for (const { index } of ring.world.hosts) putRows(ring, index, nodes)
    },
    isFull: () => countIncomplete(ring, nodes) === 0,
  })
  run(ring, SETTLE_MS)
  return ring
}

function hostsByNetwork(ring: Ring): ReadonlyMap<string, readonly RingHost[]> {
  const { hosts } = ring.world
  const byNetwork = new Map<string, RingHost[]>()
  for (const host of hosts) {
    for (const id of networksOf(host.index, hosts.length)) {
      const known = byNetwork.get(id)
      if (known === undefined) byNetwork.set(id, [host])
      else known.push(host)
    }
  }
  return byNetwork
}

/** Neighbours share one network, and one node of each neighbourhood another. */
function networksOf(index: number, nodes: number): readonly string[] {
  const groups = Math.ceil(nodes / NETWORK_NODES_MAX)
  const near = `near-${Math.floor(index / NETWORK_NODES_MAX)}`
  return [near, `far-${index % groups}`]
}

function putRows(ring: Ring, index: number, nodes: number): void {
  const networks = networksOf(index, nodes)
  const each = ENDPOINTS_EACH / NETWORKS_EACH
  ring.world.act(ring.host(index), (core, now) => {
    for (const networkId of networks) {
      for (let i = 0; i < each; i++) {
        const key = `${nodeName(index)}-endpoint-${i}`
        const endpoint = { networkId, table: 'endpoint_table', key, value: text(ENDPOINT_BYTES) }
        const peer = { networkId, table: 'overlay_peer_table', key, value: text(PEER_BYTES) }
        core.tables.put(now, endpoint)
        core.tables.put(now, peer)
      }
    }
  })
}

function countIncomplete(ring: Ring, nodes: number): number {
  const sizes = new Map<string, number>()
  for (const { index } of ring.world.hosts) {
    for (const id of networksOf(index, nodes)) sizes.set(id, (sizes.get(id) ?? 0) + ENDPOINTS_EACH)
  }
  return ring.world.hosts.filter((host) =>
    coreOf(host)
      .tables.networks()
      .some(({ networkId, rows }) => rows !== sizes.get(networkId)),
  ).length
}

type Sum = Pick<
  Traffic,
  'packetsSent' | 'packetBytesSent' | 'streamsOpened' | 'streamSegmentsSent' | 'streamBytesSent'
>

function sumTraffic(ring: Ring): Sum {
  const sum = {
    packetsSent: 0,
    packetBytesSent: 0,
    streamsOpened: 0,
    streamSegmentsSent: 0,
    streamBytesSent: 0,
  }
  for (const { traffic } of ring.world.hosts) {
    for (const key of Object.keys(sum) as (keyof Sum)[]) sum[key] += traffic[key]
  }
  return sum
}

function difference(before: Sum, after: Sum): Sum {
  return {
    packetsSent: after.packetsSent - before.packetsSent,
    packetBytesSent: after.packetBytesSent - before.packetBytesSent,
    streamsOpened: after.streamsOpened - before.streamsOpened,
    streamSegmentsSent: after.streamSegmentsSent - before.streamSegmentsSent,
    streamBytesSent: after.streamBytesSent - before.streamBytesSent,
  }
}

function perNodeSecond(sum: Sum, nodeSeconds: number): Omit<BandwidthResult, 'incomplete'> {
  const datagramBytes = sum.packetBytesSent + DATAGRAM_HEADER_BYTES * sum.packetsSent
  // Every second segment is acknowledged by one of its own.
  const headers = (sum.streamSegmentsSent + sum.streamSegmentsSent / 2) * SEGMENT_HEADER_BYTES
  const streamBytes = sum.streamBytesSent + headers + CONNECTION_BYTES * sum.streamsOpened
  return {
    datagramBytes: datagramBytes / nodeSeconds,
    streamBytes: streamBytes / nodeSeconds,
    totalBytes: (datagramBytes + streamBytes) / nodeSeconds,
    datagrams: sum.packetsSent / nodeSeconds,
    streams: sum.streamsOpened / nodeSeconds,
  }
}

function run(ring: Ring, ms: number): void {
  ring.world.run(ring.world.now + ms)
  assertRunning(ring)
}

function text(length: number): Uint8Array {
  return utf8Bytes('a row as long as Docker writes it '.padEnd(length, '.'))
}
