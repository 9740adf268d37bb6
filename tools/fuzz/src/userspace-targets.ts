/** What the userspace switch reads: frames with virtio-net headers, and datagrams of peers. */
import {
  equalBytes,
  parseCidr,
  parseIp,
  setU16,
  toHex,
  u16,
  u16le,
  u8,
  vni,
  writeMac,
} from '@weft/core'
import {
  GSO_ECN,
  GSO_TYPE,
  NEEDS_CHECKSUM,
  PacketView,
  PORT_OFFLOAD,
  SWITCH_ARENA_BYTES,
  SwitchEngine,
  TRANSMIT_SEGMENTS_MAX,
  type EngineState,
} from '@weft/dataplane-userspace/engine'
import {
  ETHER_TYPE,
  ethernet,
  ipv4,
  ipv6,
  transportChecksumState,
  vxlan,
} from '@weft/wire'
import { naiveSegments, naiveSum } from './naive-segments.ts'
import type { FuzzTarget } from './target.ts'
import { AFAR, HERE, NEAR, portCorpus, VIRTIO_BYTES } from './userspace-corpus.ts'

const MTU_BYTES = 1450
const TRAIN_BYTES = 2
/** The slow machine is slow. */
const COMPARED_SEGMENTS_MAX = 256
const PEER = { word0: 0, word1: 0, word2: 0xffff, word3: 0xc000_0202 }
const OFFLOADS =
  PORT_OFFLOAD.checksum | PORT_OFFLOAD.tcp4 | PORT_OFFLOAD.tcp6 | PORT_OFFLOAD.udp

function stateWith(offloads: number): EngineState {
  const [one, two] = [parseIp('10.0.1.2'), parseIp('10.0.1.3')]
  const subnet = (last: number): EngineState['subnets'] => new Map([
    [vni(4096 + last), {
      network: 'blue',
      encapsulation: 'vxlan',
      mtuBytes: MTU_BYTES,
      prefixes: [
        { cidr: parseCidr(`10.0.${last}.0/24`), gateway: parseIp(`10.0.${last}.1`) },
        { cidr: parseCidr(`fd00:${last}::/64`), gateway: parseIp(`fd00:${last}::1`) },
      ],
      ports: new Map([
        [HERE, { port: 2 * last, addresses: [one, parseIp(`fd00:${last}::2`)], offloads }],
        [NEAR, { port: 2 * last + 1, addresses: [], offloads: 0 }],
      ]),
      forwarding: new Map([[AFAR, 0]]),
      neighbours: new Map([[two, AFAR]]),
    }],
  ])
  return {
    peers: new Map([[0, { ip: parseIp('192.0.2.2'), port: 4789 }]]),
    subnets: new Map([...subnet(1), ...subnet(2)]),
  }
}

interface Got {
  readonly to: string
  readonly bytes: Uint8Array
  readonly view: PacketView
}

/** A switch that lives through all cases: nothing of a packet may stay behind in it. */
class Rig {
  readonly got: Got[] = []
  readonly engine: SwitchEngine

  constructor(offloads: number) {
    const arena = { bytes: new Uint8Array(SWITCH_ARENA_BYTES), start: 0 }
    const keep = (to: string, view: PacketView): void => {
      const copy = Object.assign(new PacketView(view.bytes), view)
      this.got.push({ to, bytes: view.bytes.slice(view.start, view.end), view: copy })
    }
    this.engine = new SwitchEngine(
      {
        deliver: (port, view) => keep(`port ${port}`, view),
        transmit: (peer, view) => keep(`peer ${peer}`, view),
        transmitSealed: (peer, view) => keep(`sealed for peer ${peer}`, view),
      },
      { arena, segmentsMax: TRANSMIT_SEGMENTS_MAX, sealing: null },
    )
    this.engine.load(stateWith(offloads))
  }

  /** What came out and what was counted, for one input. */
  run(feed: (engine: SwitchEngine) => void): { got: readonly Got[]; counted: string } {
    const before = this.engine.counters()
    this.got.length = 0
    feed(this.engine)
    this.engine.flush()
    const after = this.engine.counters()
    const drops = [...after.dropped].flatMap(([reason, count]) => {
      const more = count - (before.dropped.get(reason) ?? 0)
      return more === 0 ? [] : [`${reason} ${more}`]
    })
    const sent = after.transmitted - before.transmitted
    const received = after.received - before.received
    return { got: [...this.got], counted: [sent, received, ...drops].join(', ') }
  }
}

const PORT = 2
const rigs = { plain: new Rig(0), offloading: new Rig(OFFLOADS) }

/** Copies the array, so that what is written outside the window can be seen. */
function guarded(
  bytes: Uint8Array,
  window: { readonly start: number; readonly end: number },
  feed: (view: PacketView) => void,
): void {
  const copy = bytes.slice()
  const view = new PacketView(copy)
  view.setPlain(copy, window.start, window.end)
  feed(view)
  const isWhole =
    equalBytes(copy.subarray(0, window.start), bytes.subarray(0, window.start)) &&
    equalBytes(copy.subarray(window.end), bytes.subarray(window.end))
  if (!isWhole) throw new Error('wrote outside the window')
}

function readVirtio(bytes: Uint8Array, start: number, view: PacketView): void {
  view.flags = u8(bytes, start) & NEEDS_CHECKSUM
  view.gsoType = u8(bytes, start + 1)
  view.headerBytes = u16le(bytes, start + 2)
  view.segmentBytes = u16le(bytes, start + 4)
  view.checksumStart = u16le(bytes, start + 6)
  view.checksumOffset = u16le(bytes, start + 8)
}

function datagramsOf({ bytes, view }: Got): Uint8Array[] {
  const step = view.segmentBytes === 0 ? bytes.length : view.segmentBytes
  const count = Math.ceil(bytes.length / step)
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * step, (i + 1) * step))
}

/** What leaves for a peer is VXLAN of a subnet of ours, and no larger than its MTU allows. */
function framesSent(got: readonly Got[]): Uint8Array[] {
  return got.flatMap((one) => {
    if (!one.to.startsWith('peer')) return []
    return datagramsOf(one).map((datagram) => {
      if (vxlan.check(datagram, 0, datagram.length) !== null) throw new Error('sent no VXLAN')
      const frame = datagram.subarray(vxlan.headerLength)
      const packetBytes = frame.length - ethernet.payloadStart(frame, 0)
      if (packetBytes > MTU_BYTES) throw new Error('sent more than the MTU')
      return frame
    })
  })
}

function textOf(got: readonly Got[]): string[] {
  return got.map(({ to, bytes, view }) => {
    const { flags, gsoType, segmentBytes, checksumStart, checksumOffset } = view
    const offloads = [flags, gsoType, segmentBytes, checksumStart, checksumOffset]
    return `${to} ${offloads.join(' ')} ${toHex(bytes)}`
  })
}

function fromPort(bytes: Uint8Array, start: number, end: number): unknown {
  if (end - start < VIRTIO_BYTES) return null
  const window = { start: start + VIRTIO_BYTES, end }
  return Object.values(rigs).map((rig) => {
    const { got, counted } = rig.run((engine) =>
      guarded(bytes, window, (view) => {
        readVirtio(bytes, start, view)
        engine.fromPort(PORT, view)
      }),
    )
    const frames = framesSent(got)
    compareWithNaive(frames, bytes.slice(window.start, end), bytes.subarray(start, window.start))
    return [counted, textOf(got)]
  })
}

/** What was sent for a peer is what the naive machine makes of the frame. */
function compareWithNaive(
  sent: readonly Uint8Array[],
  frame: Uint8Array,
  virtio: Uint8Array,
): void {
  const header = new PacketView(virtio)
  readVirtio(virtio, 0, header)
  const type = header.gsoType & ~GSO_ECN
  const [first] = sent
  // Nothing went out, or it was routed and has other headers.
  if (first === undefined || !equalBytes(first.subarray(0, 12), frame.subarray(0, 12))) return
  if (header.gsoType === GSO_TYPE.none) {
    if (header.flags === NEEDS_CHECKSUM) {
      const at = header.checksumStart + header.checksumOffset
      const sum = ~naiveSum(frame, header.checksumStart, frame.length) & 0xffff
      setU16(frame, at, sum === 0 ? 0xffff : sum)
    }
    if (toHex(sent[0] ?? frame) !== toHex(frame)) throw new Error('a plain frame was changed')
    return
  }
  const protocol = type === GSO_TYPE.udp ? 'udp' : 'tcp'
  // UDP without a checksum stays without; the naive machine writes one.
  if (protocol === 'udp' && header.flags === 0) return
  if (sent.length > COMPARED_SEGMENTS_MAX) return
  const expected = naiveSegments(frame, header.segmentBytes, protocol)
  if (expected === null) return
  if (expected.length !== sent.length) throw new Error('cut into another number of segments')
  for (const [i, one] of expected.entries()) {
    if (toHex(one) !== toHex(sent[i] ?? frame)) throw new Error(`segment ${i} is another`)
  }
}

/** Identification and header checksum of IPv4, which may differ when segments are put together. */
function withoutIdentity(frame: Uint8Array): string {
  const copy = frame.slice()
  if (u16(copy, 12) === ETHER_TYPE.ipv4) {
    setU16(copy, 18, 0)
    setU16(copy, 24, 0)
  }
  return toHex(copy)
}

function fromUnderlay(bytes: Uint8Array, start: number, end: number): unknown {
  if (end - start < TRAIN_BYTES) return null
  const window = { start: start + TRAIN_BYTES, end }
  const [plain, offloading] = [rigs.plain, rigs.offloading].map((rig) =>
    rig.run((engine) =>
      guarded(bytes, window, (view) => {
        view.segmentBytes = u16(bytes, start)
        engine.fromUnderlay(view, PEER)
      }),
    ),
  )
  if (plain === undefined || offloading === undefined) return null
  if (plain.counted !== offloading.counted) throw new Error('offloads changed what is counted')
  if (plain.got.some(({ to }) => to.startsWith('peer'))) throw new Error('sent back to a peer')
  comparePieces(plain.got, offloading.got)
  return [plain.counted, textOf(plain.got), textOf(offloading.got)]
}

/** Super-segments whose checksums hold stand for what a port without offloads gets. */
function comparePieces(single: readonly Got[], joined: readonly Got[]): void {
  const pieces = joined.map(({ to, bytes, view }) => {
    if (view.gsoType === GSO_TYPE.none) return { to, frames: [bytes], isGood: true }
    const isUdp = view.gsoType === GSO_TYPE.udp
    const frames = naiveSegments(bytes, view.segmentBytes, isUdp ? 'udp' : 'tcp') ?? []
    const isGood = isUdp || transportChecksumState(bytes, ethernet.headerLength) === 'good'
    return { to, frames, isGood }
  })
  let next = 0
  for (const { to, frames, isGood } of pieces) {
    const own = single.slice(next, next + frames.length)
    next += frames.length
    if (frames.length === 0) return
    const bad = own.filter(({ bytes }) => !isWhole(bytes)).length
    // Two damages can make up for each other, as in any sum.
    if (frames.length > 1 && bad === 1 && isGood) throw new Error('damage was covered up')
    if (bad === 0 && !isGood) throw new Error('what was whole is no more')
    if (bad > 0) continue
    for (const [i, frame] of frames.entries()) {
      const one = own[i]
      if (one?.to !== to) throw new Error('delivered elsewhere')
      if (withoutIdentity(one.bytes) === withoutIdentity(frame)) continue
      throw new Error(`piece ${i} differs`)
    }
  }
  if (next !== single.length) throw new Error('another number of frames')
}

function isWhole(frame: Uint8Array): boolean {
  const codec = u16(frame, 12) === ETHER_TYPE.ipv4 ? ipv4 : ipv6
  if (codec.check(frame, 14, frame.length) !== null) return true
  return transportChecksumState(frame, 14) !== 'bad'
}

/** Trains that a switch made of super-segments, for the one who receives them. */
function trainCorpus(): readonly Uint8Array[] {
  return portCorpus().flatMap((input) => {
    const view = new PacketView(input.slice())
    view.setPlain(view.bytes, VIRTIO_BYTES, input.length)
    readVirtio(input, 0, view)
    writeMac(view.bytes, VIRTIO_BYTES, AFAR)
    const { got } = rigs.offloading.run((engine) => engine.fromPort(PORT, view))
    return got.flatMap(({ to, bytes, view: sent }) => {
      if (!to.startsWith('peer')) return []
      const train = new Uint8Array(TRAIN_BYTES + bytes.length)
      setU16(train, 0, sent.segmentBytes)
      train.set(bytes, TRAIN_BYTES)
      const step = sent.segmentBytes === 0 ? bytes.length : sent.segmentBytes
      for (let at = TRAIN_BYTES + 8; at < train.length - 6; at += step) writeMac(train, at, HERE)
      return [train]
    })
  })
}

/** The IPv4 header of a frame that begins here is put right. */
function repairAt(bytes: Uint8Array, start: number): void {
  if (bytes.length < start + 34 || u16(bytes, start + 12) !== ETHER_TYPE.ipv4) return
  const packet = start + ethernet.headerLength
  if (ipv4.payloadStart(bytes, packet) > bytes.length) return
  if (ipv4.payloadStart(bytes, packet) < packet + ipv4.headerLength) return
  ipv4.updateHeaderChecksum(bytes, packet)
}

/** The userspace switch, with what it sends and delivers held against slow machines. */
export const userspaceTargets: readonly FuzzTarget[] = [
  {
    name: 'userspace/from-port',
    about: 'virtio-net header and frame: forward, answer, route, finish checksums, segment',
    corpus: portCorpus,
    run: fromPort,
    repair: (bytes) => repairAt(bytes, VIRTIO_BYTES),
  },
  {
    name: 'userspace/from-underlay',
    about: 'trains of datagrams: decapsulate, put together, with and without offloads alike',
    corpus: trainCorpus,
    run: fromUnderlay,
    repair: (bytes) => {
      const step = bytes.length < TRAIN_BYTES ? 0 : u16(bytes, 0)
      repairAt(bytes, TRAIN_BYTES + 8)
      if (step === 0) return
      for (let at = TRAIN_BYTES + step; at < bytes.length; at += step) repairAt(bytes, at + 8)
    },
  },
]
