/** What gossip costs a machine: CPU for each packet, memory for each row. */
import {
  instantAfter,
  parseIp,
  SeededRandom,
  silentLogger,
  utf8Bytes,
  type Instant,
} from '@weft/core'
import {
  Gossip,
  KeyRing,
  lanProfile,
  type GossipOptions,
  type KnownMember,
  type NetworkEntry,
} from '@weft/gossip'
import { nodeAead, nodeEntropy } from '@weft/runtime-node'
import { collectGarbage } from './collect-garbage.ts'
import { median } from './statistics.ts'
import type { BenchRow } from './suite.ts'

const NETWORK = 'bupxxdobl3wnvu0ped2v9qx96'
const TABLE = 'endpoint_table'
const VALUE = utf8Bytes('an endpoint: its name, its service, addresses and ports'.padEnd(110, '.'))
const KEY = { tag: '1', bytes: Uint8Array.from({ length: 16 }, (_, i) => i) }
const NAMES = ['a0b1c2d3e4f5', 'f5e4d3c2b1a0'] as const
const RUNS = 7
const ROWS = 5000
const STEP_MS = 10
const RELAY_MS = 20_000
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Sealed packets full of rows, as a busy network sends them, through a whole node. */
export function tableMessages(): BenchRow[] {
  const packets = packetsOfRows()
  const receiver = (): Gossip => node(NAMES[1], NAMES[0])
  const ours: number[] = []
  const baseline: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const to = receiver()
    collectGarbage()
    const from = { ip: parseIp('10.0.0.1'), port: 7946 }
    ours.push(secondsOf(() => packets.forEach((bytes) => to.receive(AT, from, bytes))))
    baseline.push(secondsOf(() => packets.forEach(openAlone)))
  }
  const seconds = median(ours)
  const against = 'AES-GCM alone, by node:crypto, on the same packets'
  const facts = { against, ratio: median(baseline) / seconds, runs: RUNS }
  return [
    { name: 'packets', median: packets.length / seconds, unit: 'packets/s', ...facts },
    { name: 'messages', median: ROWS / seconds, unit: 'rows/s', ...facts },
  ]
}

/** Memory for each row that a node holds, against a Map of the same keys and values. */
export function rowBytes(): BenchRow {
  const packets = packetsOfRows()
  const from = { ip: parseIp('10.0.0.1'), port: 7946 }
  const kept: object[] = []
  const heap = (build: () => object): number => {
    const before = memory()
    kept.push(build())
    return (memory() - before) / ROWS
  }
  const ours = heap(() => {
    const to = node(NAMES[1], NAMES[0])
    packets.forEach((bytes) => to.receive(AT, from, bytes))
    relayAll(to)
    return to
  })
  const plain = heap(() => {
    const rows = new Map<string, Uint8Array>()
    for (let i = 0; i < ROWS; i++) rows.set(keyOf(i).toLowerCase(), VALUE.slice())
    return rows
  })
  return {
    name: 'memory-row',
    median: ours,
    unit: 'bytes',
    against: 'a Map of the same keys and values',
    ratio: plain / ours,
    runs: 1,
  }
}

/** Until nothing waits to be told any more: what is left is what is kept. */
function relayAll(gossip: Gossip): void {
  for (let ms = 0; ms < RELAY_MS; ms += STEP_MS) {
    gossip.tick(instantAfter(AT, ms))
    gossip.drain()
  }
}

const AT = instantAfter(0 as Instant, 60_000)

/** A node of a ring of two that are attached to one network. */
function node(name: string, other: string): Gossip {
  const options: GossipOptions = {
    name,
    advertise: addressOf(name),
    meta: new Uint8Array(0),
    label: '',
    keys: new KeyRing([KEY]),
    profile: { ...lanProfile(), digestIntervalMs: 0, tableGossipPacketsMax: 64 },
    bootstrap: [],
    known: [known(other)],
    knownAttachments: NAMES.map(attachment),
  }
  const random = new SeededRandom(name)
  const ports = { random, entropy: nodeEntropy, aead: nodeAead, log: silentLogger }
  const gossip = new Gossip(0 as Instant, options, ports)
  gossip.tables.attach(0 as Instant, NETWORK)
  return gossip
}

function known(name: string): KnownMember {
  const meta = new Uint8Array(0)
  return { name, address: addressOf(name), meta, vsn: [1, 5, 2, 0, 0, 0], incarnation: 1 }
}

function addressOf(name: string): KnownMember['address'] {
  return { ip: parseIp(name === NAMES[0] ? '10.0.0.1' : '10.0.0.2'), port: 7946 }
}

function attachment(nodeName: string): NetworkEntry {
  return { networkId: NETWORK, lTime: 1, nodeName, leaving: false }
}

function keyOf(index: number): string {
  return index.toString(16).padStart(64, '0')
}

/** What a node with rows to tell sends, until somebody who hears all of it knows them all. */
function packetsOfRows(): readonly Uint8Array[] {
  const writer = node(NAMES[0], NAMES[1])
  for (let i = 0; i < ROWS; i++) {
    const row = { networkId: NETWORK, table: TABLE, key: keyOf(i), value: VALUE }
    writer.tables.put(0 as Instant, row)
  }
  const listener = node(NAMES[1], NAMES[0])
  let rows = 0
  listener.tables.watchRows({ networkId: NETWORK }, () => rows++)
  const packets: Uint8Array[] = []
  for (let ms = STEP_MS; rows < ROWS; ms += STEP_MS) {
    writer.tick(ms as Instant)
    for (const output of writer.drain()) {
      if (output.kind !== 'packet' || rows === ROWS) continue
      const before = rows
      listener.receive(ms as Instant, addressOf(NAMES[0]), output.bytes)
      if (rows > before) packets.push(output.bytes)
    }
  }
  return packets
}

function openAlone(packet: Uint8Array): void {
  const nonce = packet.subarray(1, 1 + NONCE_BYTES)
  const use = { key: KEY.bytes, nonce, associated: new Uint8Array(0) }
  const plain = nodeAead.open(use, packet.subarray(1 + NONCE_BYTES))
  if (plain?.length !== packet.length - 1 - NONCE_BYTES - TAG_BYTES) {
    throw new Error('bug: a packet of ours does not open')
  }
}

/** Of CPU: other processes on the machine do not count. */
function secondsOf(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

/** What is held once all else is swept out; buffers outside of the heap go in a second go. */
function memory(): number {
  collectGarbage()
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
