/** The codecs on a full encapsulated frame: time and allocation, against view objects. */
import { parseIp, parseMac, vni } from '@weft/core'
import {
  encapsulateVxlan,
  ethernet,
  ipv4,
  PacketBuffer,
  udp,
  udpFrame,
  vxlan,
  vxlanHeader,
} from '@weft/wire'
import { collectGarbage } from './collect-garbage.ts'
import { frameViews, type FrameViews } from './naive-codec.ts'
import { median } from './statistics.ts'
import type { BenchSuite } from './suite.ts'

const RUNS = 15
const CALLS = 50_000
const ALLOCATION_CALLS = 1_000
const INNER_PAYLOAD_BYTES = 64
const MACS = [parseMac('02:42:0a:00:01:02'), parseMac('02:42:0a:00:01:03')] as const
const OUTER = {
  vxlan: vxlanHeader(vni(4097)),
  source: parseIp('172.31.1.11'),
  destination: parseIp('192.168.1.12'),
  sourceMac: MACS[0],
  destinationMac: MACS[1],
  ttl: 64,
}

/** Keeps results alive, so that the optimiser cannot drop the work. */
let sink = 0

/** See the package's README for what each row means. */
export const wireSuite: BenchSuite = {
  name: 'wire',
  describe: 'check, decode and write a full encapsulated frame, against a view object per layer',
  needsKernel: false,
  async run(report) {
    const frame = encapsulated()
    const inner = innerFrame()
    const packet = new PacketBuffer(2048)
    const pairs = [
      { name: 'check', ours: () => check(frame), baseline: () => checkViews(frameViews(frame)) },
      { name: 'decode', ours: () => decode(frame), baseline: () => readViews(frameViews(frame)) },
      { name: 'write', ours: () => write(packet, inner), baseline: () => writeNaive(inner) },
    ]
    for (const { name, ours, baseline } of pairs) {
      const runs = measureBoth(ours, baseline)
      const against = 'a view object with a DataView per layer'
      const ratioOf = (key: 'ns' | 'bytes'): number =>
        Math.max(1, median(runs.map((run) => run.baseline[key]))) /
        Math.max(1, median(runs.map((run) => run.ours[key])))
      const medianOf = (key: 'ns' | 'bytes'): number => median(runs.map((run) => run.ours[key]))
      const time = { median: medianOf('ns'), unit: 'ns', ratio: ratioOf('ns') }
      report({ name, ...time, against, runs: RUNS })
      const bytes = { median: medianOf('bytes'), unit: 'bytes', ratio: ratioOf('bytes') }
      report({ name: `${name}-allocated`, ...bytes, against, runs: RUNS })
    }
    if (sink === 0) throw new Error('bug: nothing was measured')
  },
}

interface Cost {
  readonly ns: number
  readonly bytes: number
}

function measureBoth(ours: () => number, baseline: () => number): { ours: Cost; baseline: Cost }[] {
  cost(ours)
  cost(baseline)
  return Array.from({ length: RUNS }, (_, run) => {
    if (run % 2 === 0) return { ours: cost(ours), baseline: cost(baseline) }
    const second = cost(baseline)
    return { ours: cost(ours), baseline: second }
  })
}

function cost(work: () => number): Cost {
  const start = process.hrtime.bigint()
  for (let i = 0; i < CALLS; i++) sink += work()
  const ns = Number(process.hrtime.bigint() - start) / CALLS
  return { ns, bytes: allocated(work) }
}

/** Heap growth counts what was allocated, as long as so few calls fill no semi-space. */
function allocated(work: () => number): number {
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < ALLOCATION_CALLS; i++) sink += work()
  return Math.max(0, process.memoryUsage().heapUsed - before) / ALLOCATION_CALLS
}

function innerFrame(): Uint8Array {
  const envelope = {
    sourceMac: MACS[0],
    destinationMac: MACS[1],
    source: parseIp('10.0.1.2'),
    destination: parseIp('10.0.1.3'),
  }
  const payload = new Uint8Array(INNER_PAYLOAD_BYTES)
  return udpFrame(envelope, { sourcePort: 1000, destinationPort: 2000, payload })
}

function encapsulated(): Uint8Array {
  const packet = PacketBuffer.of(innerFrame())
  encapsulateVxlan(packet, OUTER)
  return packet.view().slice()
}

function check(frame: Uint8Array): number {
  const end = frame.length
  let at = 0
  let faults = 0
  for (let half = 0; half < 2; half++) {
    if (ethernet.check(frame, at, end) !== null) faults++
    at = ethernet.payloadStart(frame, at)
    if (ipv4.check(frame, at, end) !== null) faults++
    at = ipv4.payloadStart(frame, at)
    if (udp.check(frame, at, end) !== null) faults++
    at = udp.payloadStart(frame, at)
    if (half === 1) break
    if (vxlan.check(frame, at, end) !== null) faults++
    at = vxlan.payloadStart(frame, at)
  }
  return faults + 1
}

function checkViews({ outer, vxlan: tunnel, inner }: FrameViews): number {
  let valid = 1
  for (const view of [outer.ethernet, outer.ip, outer.udp, tunnel, inner.ethernet, inner.ip]) {
    if (view.valid()) valid++
  }
  return inner.udp.valid() ? valid + 1 : valid
}

function decode(frame: Uint8Array): number {
  let at = 0
  let sum = 0
  for (let half = 0; half < 2; half++) {
    sum += ethernet.decode(frame, at).source.length
    at = ethernet.payloadStart(frame, at)
    sum += ipv4.decode(frame, at).ttl
    at = ipv4.payloadStart(frame, at)
    sum += udp.decode(frame, at).sourcePort
    at = udp.payloadStart(frame, at)
    if (half === 1) break
    sum += vxlan.decode(frame, at).vni
    at = vxlan.payloadStart(frame, at)
  }
  return sum
}

function readViews({ outer, vxlan: tunnel, inner }: FrameViews): number {
  let sum = tunnel.vni
  for (const { ethernet: link, ip, udp: datagram } of [outer, inner]) {
    sum += link.source.length + link.destination.length + link.etherType
    sum += ip.ttl + ip.source.length + ip.destination.length + ip.protocol + ip.totalLength
    sum += datagram.sourcePort + datagram.destinationPort + datagram.length
  }
  return sum
}

function write(packet: PacketBuffer, inner: Uint8Array): number {
  packet.reset()
  packet.append(inner)
  encapsulateVxlan(packet, OUTER)
  return packet.length
}

/** A buffer for each layer, each copied into the one around it. */
function writeNaive(inner: Uint8Array): number {
  const tunnel = new Uint8Array(8 + inner.length)
  const tunnelView = new DataView(tunnel.buffer)
  tunnelView.setUint8(0, 8)
  tunnelView.setUint32(4, OUTER.vxlan.vni << 8)
  tunnel.set(inner, 8)
  const datagram = new Uint8Array(8 + tunnel.length)
  const datagramView = new DataView(datagram.buffer)
  datagramView.setUint16(0, 50_000)
  datagramView.setUint16(2, 4789)
  datagramView.setUint16(4, datagram.length)
  datagram.set(tunnel, 8)
  const packet = new Uint8Array(20 + datagram.length)
  writeNaiveIp(new DataView(packet.buffer), packet.length)
  packet.set(datagram, 20)
  const frame = new Uint8Array(14 + packet.length)
  for (const [i, mac] of [MACS[1], MACS[0]].entries()) {
    frame.set(mac.split(':').map((pair) => parseInt(pair, 16)), 6 * i)
  }
  new DataView(frame.buffer).setUint16(12, 0x0800)
  frame.set(packet, 14)
  return frame.length
}

function writeNaiveIp(view: DataView, length: number): void {
  view.setUint16(0, 0x4500)
  view.setUint16(2, length)
  view.setUint16(6, 0x4000)
  view.setUint16(8, 0x4011)
  for (const [i, address] of [OUTER.source, OUTER.destination].entries()) {
    for (const [j, part] of address.split('.').entries()) {
      view.setUint8(12 + 4 * i + j, Number(part))
    }
  }
  let sum = 0
  for (let at = 0; at < 20; at += 2) sum += view.getUint16(at)
  view.setUint16(10, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff)
}
