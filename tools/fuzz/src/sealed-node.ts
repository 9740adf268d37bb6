/** A node of the sealed world: a switch with one endpoint, and a wire that is listened to. */
import { ipBytes, parseCidr, parseIp, parseMac, u32, vni, type Ip, type Mac } from '@weft/core'
import { SeededRandom, SimEntropy } from '@weft/core/testing'
import {
  PacketView,
  SWITCH_ARENA_BYTES,
  SwitchEngine,
  type EngineSubnet,
  type UnderlaySource,
} from '@weft/dataplane-userspace/engine'
import { NetworkKey } from '@weft/encryption'
import { libcryptoSuite } from '@weft/linux'
import { nodeCipherSuites } from '@weft/runtime-node'
import { ethernet, ETHER_TYPE } from '@weft/wire'

/** Nodes of a world. */
export const NODES = [0, 1, 2] as const

/** The place of a node that is none of the world's. */
export const STRANGER = NODES.length

/** The VNI whose datagrams are sealed, and one beside it whose are not. */
export const SECRET_VNI = 4097
export const CLEAR_VNI = 4098
/** The endpoints' ports at their switch. */
export const SECRET_PORT = 0
export const CLEAR_PORT = 1

const PORT = 4789
const MTU_BYTES = 1400
/** A frame or packet is put here, behind the arena. */
const ROOM_AT = SWITCH_ARENA_BYTES + 64
/** For three nodes and a stranger; each world uses them again. */
const MEMORIES = Array.from({ length: 4 }, () => new Uint8Array(ROOM_AT + 0x1_0000))
/** The quicker one, if it is there: both seal alike. */
const SUITE = libcryptoSuite('aes-128-gcm-8') ?? nodeCipherSuites['aes-128-gcm-8']

/** What a node put on the underlay: one packet, for one node. */
export interface WirePacket {
  readonly from: number
  readonly to: number
  readonly isSealed: boolean
  readonly bytes: Uint8Array
}

/** What comes in from the underlay. */
export interface Incoming {
  readonly bytes: Uint8Array
  readonly isSealed: boolean
  /** Of each packet of a train but the last; 0 for one alone. */
  readonly segmentBytes?: number
}

/** What a node tells the world. */
export interface WorldEar {
  sent(packet: WirePacket): void
  delivered(node: number, port: number, frame: Uint8Array): void
}

/** The underlay address of a node. */
export function vtepOf(node: number): Ip {
  return parseIp(`192.0.2.${node + 1}`)
}

/** The MAC of a node's endpoint. */
export function macOf(node: number, port: number): Mac {
  return parseMac(`02:42:0a:00:0${port}:0${node + 2}`)
}

/** A node's address as the underlay tells it. */
export function sourceOf(node: number): UnderlaySource {
  return { word0: 0, word1: 0, word2: 0xffff, word3: u32(ipBytes(vtepOf(node)), 0) }
}

/** A key of this name; those of another cluster have the same names. */
export function keyOf(tag: number, cluster = 1): NetworkKey {
  const bytes = new Uint8Array(16).fill(16 * cluster + (tag % 16))
  return new NetworkKey({ lamportTime: BigInt(tag), bytes })
}

/** Docker's three keys of an epoch: the one that seals, the one before, the one to come. */
export function tagsOf(epoch: number): readonly number[] {
  return [epoch + 1, epoch, epoch + 2]
}

/** One switch, restarted at will. */
export class SealedNode {
  readonly number: number
  readonly #others: readonly number[]
  readonly #ear: WorldEar
  readonly #memory: Uint8Array
  readonly #view: PacketView
  engine: SwitchEngine
  /** Key epoch; a node starts anew with the one it had. */
  epoch = 1
  /** Whether it has the network now, and keys for it. */
  hasNetwork = true
  hasKeys = true
  /** Nodes it exchanges sealed packets with. */
  readonly peers: Set<number>
  /** While its switch tells endpoints who is there now. */
  #isLoading = false
  /** Counts starts: what was sealed before is of another run. */
  run = 0

  /** `place` tells it from others that live at the same time, of which each has its own memory. */
  constructor(number: number, ear: WorldEar, place = number) {
    this.number = number
    this.#memory = MEMORIES[place] ?? new Uint8Array(0)
    this.#view = new PacketView(this.#memory)
    this.#others = NODES.filter((other) => other !== number)
    this.peers = new Set(this.#others)
    this.#ear = ear
    this.engine = this.#create()
  }

  /** Begin anew, with nothing loaded; the keys, network and peers it had come back at once. */
  restart(): void {
    this.engine.close()
    this.run++
    this.engine = this.#create()
    this.load()
  }

  /** Tell the switch what should be. */
  load(): void {
    const peers = new Map(this.#others.map((n) => [n, { ip: vtepOf(n), port: PORT }]))
    const clear = this.#subnet('green', 'vxlan', CLEAR_PORT)
    const subnets = new Map([[vni(CLEAR_VNI), clear]])
    const secret = this.#subnet('blue', 'vxlan-esp', SECRET_PORT)
    if (this.hasNetwork) subnets.set(vni(SECRET_VNI), secret)
    const keys = this.hasKeys ? tagsOf(this.epoch).map((tag) => keyOf(tag)) : []
    const local = { ip: vtepOf(this.number), port: PORT }
    const sealed = new Set([...this.peers].map(vtepOf))
    const problems = this.engine.secure(this.hasNetwork ? { local, peers: sealed, keys } : null)
    if (problems.length > 0) throw new Error(`keys refused: ${JSON.stringify(problems)}`)
    this.#isLoading = true
    this.engine.load({ peers, subnets })
    this.#isLoading = false
  }

  /** A frame from its endpoint. */
  send(port: number, frame: Uint8Array, offloads: Partial<PacketView> = {}): void {
    this.engine.fromPort(port, this.#put(frame, offloads))
    this.engine.flush()
  }

  /** A packet from the underlay, or a train of them, said to be from a node. */
  receive(from: number, { bytes, isSealed, segmentBytes = 0 }: Incoming): void {
    const view = this.#put(bytes, { segmentBytes })
    if (isSealed) this.engine.fromSealed(view, sourceOf(from), false)
    else this.engine.fromUnderlay(view, sourceOf(from))
    this.engine.flush()
  }

  /** All that was dropped, of every reason. */
  drops(): number {
    return [...this.engine.counters().dropped.values()].reduce((sum, count) => sum + count, 0)
  }

  #create(): SwitchEngine {
    const random = new SeededRandom(`node ${this.number} run ${this.run}`)
    const transmit = (to: number, view: PacketView, isSealed: boolean): void => {
      const { bytes, end, start, segmentBytes } = view
      const step = segmentBytes > 0 ? segmentBytes : end - start
      for (let at = start; at < end; at += step) {
        const packet = bytes.slice(at, Math.min(end, at + step))
        this.#ear.sent({ from: this.number, to, isSealed, bytes: packet })
      }
    }
    return new SwitchEngine(
      {
        deliver: (port, { bytes, end, start }) => {
          const frame = bytes.slice(start, end)
          if (!this.#isLoading) return this.#ear.delivered(this.number, port, frame)
          const isAnnouncement = ethernet.etherType(frame, 0) === ETHER_TYPE.arp
          if (!isAnnouncement) throw new Error('delivered by a load')
        },
        transmit: (to, view) => transmit(to, view, false),
        transmitSealed: (to, view) => transmit(to, view, true),
      },
      {
        arena: { bytes: this.#memory, start: 0 },
        segmentsMax: 64,
        sealing: { suite: SUITE, entropy: new SimEntropy(random), sequenceAfter: () => 0 },
      },
    )
  }

  #subnet(
    network: string,
    encapsulation: EngineSubnet['encapsulation'],
    port: number,
  ): EngineSubnet {
    const ip = (node: number): Ip => parseIp(`10.0.${port}.${node + 2}`)
    const own = { port, addresses: [ip(this.number)], offloads: 0 }
    return {
      network,
      encapsulation,
      mtuBytes: MTU_BYTES,
      prefixes: [{ cidr: parseCidr(`10.0.${port}.0/24`), gateway: null }],
      ports: new Map([[macOf(this.number, port), own]]),
      forwarding: new Map(this.#others.map((n) => [macOf(n, port), n])),
      neighbours: new Map(this.#others.map((n) => [ip(n), macOf(n, port)])),
    }
  }

  #put(bytes: Uint8Array, offloads: Partial<PacketView>): PacketView {
    this.#memory.set(bytes, ROOM_AT)
    this.#view.setPlain(this.#memory, ROOM_AT, ROOM_AT + bytes.length)
    return Object.assign(this.#view, offloads)
  }
}
