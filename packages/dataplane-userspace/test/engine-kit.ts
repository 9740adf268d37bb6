/** A switch with its mouths taped open: what it delivers and transmits is copied and kept. */
import { ipBytes, parseCidr, parseIp, parseMac, u32, vni, type Ip, type Mac } from '@weft/core'
import type { EnginePort, EngineState, EngineSubnet } from '../src/engine/index.ts'
import {
  PacketView,
  type SealingParts,
  SWITCH_ARENA_BYTES,
  SwitchEngine,
  TRANSMIT_SEGMENTS_MAX,
  type UnderlaySource,
} from '../src/engine/index.ts'

/** The fields of a view beside its bytes. */
export interface Offloads {
  readonly flags: number
  readonly gsoType: number
  readonly segmentBytes: number
  readonly checksumStart: number
  readonly checksumOffset: number
}

/** A frame as a port got it. */
export interface Delivered extends Offloads {
  readonly port: number
  readonly bytes: Uint8Array
}

/** What one call sent. */
export interface Transmitted {
  readonly peer: number
  readonly sourcePort: number
  readonly segmentBytes: number
  readonly bytes: Uint8Array
}

export const PLAIN: Offloads = {
  flags: 0,
  gsoType: 0,
  segmentBytes: 0,
  checksumStart: 0,
  checksumOffset: 0,
}

/** Room for a packet behind the arena of a kit. */
const PACKET_ROOM_BYTES = 0x2_0000
/** From packet to packet of a burst. */
const BURST_SLOT_BYTES = 0x4000

/** A switch, fed from arrays and read as arrays. */
export class EngineKit {
  readonly delivered: Delivered[] = []
  readonly transmitted: Transmitted[] = []
  /** The same of ESP packets. */
  readonly sealed: Transmitted[] = []
  readonly engine: SwitchEngine
  readonly #memory = new Uint8Array(SWITCH_ARENA_BYTES + PACKET_ROOM_BYTES)
  readonly #view = new PacketView(this.#memory)

  constructor(
    state: EngineState,
    segmentsMax = TRANSMIT_SEGMENTS_MAX,
    sealing: SealingParts | null = null,
  ) {
    const arena = { bytes: this.#memory, start: 0 }
    this.engine = new SwitchEngine(
      {
        deliver: (port, view) => {
          const { flags, gsoType, segmentBytes, checksumStart, checksumOffset } = view
          const offloads = { flags, gsoType, segmentBytes, checksumStart, checksumOffset }
          const bytes = view.bytes.slice(view.start, view.end)
          this.delivered.push({ port, bytes, ...offloads })
        },
        transmit: (peer, { bytes, start, end, segmentBytes, sourcePort }) => {
          this.transmitted.push({ peer, sourcePort, segmentBytes, bytes: bytes.slice(start, end) })
        },
        transmitSealed: (peer, { bytes, start, end, segmentBytes, sourcePort }) => {
          this.sealed.push({ peer, sourcePort, segmentBytes, bytes: bytes.slice(start, end) })
        },
      },
      { arena, segmentsMax, sealing },
    )
    this.engine.load(state)
    // Who is there from the beginning is announced to everybody.
    this.delivered.length = 0
  }

  /** A frame from a port, through memory that is the arena's or another array. */
  fromPort(port: number, frame: Uint8Array, offloads: Partial<Offloads> = {}): this {
    this.engine.fromPort(port, this.#load(frame, offloads))
    return this
  }

  /** Datagrams of one size, but the last, from an address. */
  fromUnderlay(datagrams: Uint8Array, from: UnderlaySource, segmentBytes = 0): this {
    this.engine.fromUnderlay(this.#load(datagrams, { segmentBytes }), from)
    return this
  }

  /** ESP packets, likewise. */
  fromSealed(packets: Uint8Array, from: UnderlaySource, segmentBytes = 0): this {
    this.engine.fromSealed(this.#load(packets, { segmentBytes }), from, false)
    return this
  }

  /** Packets of one burst, each in a slot of its own. */
  fromBurst(packets: readonly Uint8Array[], from: UnderlaySource): this {
    packets.forEach((packet, i) => {
      const start = SWITCH_ARENA_BYTES + 64 + i * BURST_SLOT_BYTES
      this.#memory.set(packet, start)
      this.#view.setPlain(this.#memory, start, start + packet.length)
      this.engine.fromSealed(this.#view, from, i + 1 < packets.length)
    })
    return this
  }

  /** Everything that was sent, datagram by datagram. */
  datagrams(): { peer: number; sourcePort: number; bytes: Uint8Array }[] {
    this.engine.flush()
    return this.transmitted.flatMap(({ peer, sourcePort, segmentBytes, bytes }) =>
      cut(bytes, segmentBytes).map((piece) => ({ peer, sourcePort, bytes: piece })),
    )
  }

  /** What was dropped so far. */
  dropped(): Record<string, number> {
    return Object.fromEntries(this.engine.counters().dropped)
  }

  #load(bytes: Uint8Array, offloads: Partial<Offloads>): PacketView {
    const start = SWITCH_ARENA_BYTES + 64
    this.#memory.fill(0xa5, SWITCH_ARENA_BYTES)
    this.#memory.set(bytes, start)
    this.#view.setPlain(this.#memory, start, start + bytes.length)
    return Object.assign(this.#view, offloads)
  }
}

/** Pieces of this many bytes and a rest. */
export function cut(bytes: Uint8Array, segmentBytes: number): Uint8Array[] {
  if (segmentBytes === 0) return [bytes]
  const count = Math.ceil(bytes.length / segmentBytes)
  return Array.from({ length: count }, (_, i) =>
    bytes.slice(i * segmentBytes, (i + 1) * segmentBytes),
  )
}

/** An address as the underlay tells it. */
export function sourceOf(text: string): UnderlaySource {
  const bytes = ipBytes(parseIp(text))
  if (bytes.length === 4) return { word0: 0, word1: 0, word2: 0xffff, word3: u32(bytes, 0) }
  const [word0 = 0, word1 = 0, word2 = 0, word3 = 0] = [0, 4, 8, 12].map((at) => u32(bytes, at))
  return { word0, word1, word2, word3 }
}

export const PEER = sourceOf('192.0.2.2')
export const ALL_OFFLOADS = 15
export const VNI = 4097

const ip = parseIp
const mac = parseMac

/** Endpoints of the world below. */
export const C1 = { mac: mac('02:42:0a:00:01:02'), ip4: ip('10.0.1.2'), ip6: ip('fd00:1::2') }
export const C2 = { mac: mac('02:42:0a:00:01:03'), ip4: ip('10.0.1.3'), ip6: ip('fd00:1::3') }
export const NEAR = { mac: mac('02:42:0a:00:01:04'), ip4: ip('10.0.1.4'), ip6: ip('fd00:1::4') }
export const GATEWAY = { mac: mac('02:77:65:00:10:01'), ip4: ip('10.0.1.1'), ip6: ip('fd00:1::1') }

/** A local endpoint. */
export function port(number: number, addresses: readonly Ip[], offloads = 0): EnginePort {
  return { port: number, addresses, offloads }
}

/** Subnet 4097 of network blue: c1 on port 0, near on port 1, c2 on peer 0. */
export function blue(overrides: Partial<EngineSubnet> = {}): EngineSubnet {
  return {
    network: 'blue',
    encapsulation: 'vxlan',
    mtuBytes: 1450,
    prefixes: [
      { cidr: parseCidr('10.0.1.0/24'), gateway: GATEWAY.ip4 },
      { cidr: parseCidr('fd00:1::/64'), gateway: GATEWAY.ip6 },
    ],
    ports: new Map<Mac, EnginePort>([
      [C1.mac, port(0, [C1.ip4, C1.ip6], ALL_OFFLOADS)],
      [NEAR.mac, port(1, [NEAR.ip4, NEAR.ip6])],
    ]),
    forwarding: new Map([[C2.mac, 0]]),
    neighbours: new Map([
      [C2.ip4, C2.mac],
      [C2.ip6, C2.mac],
    ]),
    ...overrides,
  }
}

/** A state of these subnets, with peer 0 at 192.0.2.2. */
export function stateOf(subnets: Readonly<Record<number, EngineSubnet>>): EngineState {
  const entries = Object.entries(subnets).map(([key, spec]) => [vni(Number(key)), spec] as const)
  const peers = new Map([[0, { ip: ip('192.0.2.2'), port: 4789 }]])
  return { peers, subnets: new Map(entries) }
}

/** A VXLAN datagram around a frame. */
export function tunnelled(frame: Uint8Array, id = VNI): Uint8Array {
  const bytes = new Uint8Array(8 + frame.length)
  bytes.set([8, 0, 0, 0, id >>> 16, (id >>> 8) & 255, id & 255, 0])
  bytes.set(frame, 8)
  return bytes
}
