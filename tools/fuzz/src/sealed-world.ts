/**
 * Three switches with an encrypted network between them, and an underlay that loses, reorders,
 * repeats, damages and forges, while keys change and nodes come and go: what must never be.
 */
import { parseIp, setU32, u32, utf8Bytes } from '@weft/core'
import { GSO_TYPE, NEEDS_CHECKSUM } from '@weft/dataplane-userspace/engine'
import { udpFrame } from '@weft/wire'
import {
  CLEAR_PORT,
  CLEAR_VNI,
  keyOf,
  macOf,
  NODES,
  SealedNode,
  SECRET_PORT,
  SECRET_VNI,
  STRANGER,
  tagsOf,
  vtepOf,
  type Incoming,
  type WirePacket,
} from './sealed-node.ts'

const SECRET = utf8Bytes('inner only')
/** Where the number of a message stands in its frame: behind Ethernet, IPv4, UDP and the secret. */
const NUMBER_AT = 14 + 20 + 8 + SECRET.length
const MESSAGE_BYTES = 40
const SEGMENTS_MAX = 5
const EPOCH_MAX = 12
/** What lay on the wire is remembered by whoever wants to repeat it. */
const HISTORY_MAX = 64

/** A message that an endpoint sent. */
interface Sent {
  readonly from: number
  readonly to: number
}

/** A packet on its way, with what its sender was when it was sealed. */
interface Travelling extends WirePacket {
  readonly epoch: number
  readonly run: number
}

/** Where choices come from: the bytes of an input, and then zeros. */
export class Choices {
  readonly #bytes: Uint8Array
  #at: number
  readonly #end: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get isOver(): boolean {
    return this.#at >= this.#end
  }

  below(bound: number): number {
    return this.isOver ? 0 : (this.#bytes[this.#at++] ?? 0) % bound
  }
}

/** One life of such a world. Throws where something is as it must never be. */
export class SealedWorld {
  readonly #nodes: readonly SealedNode[]
  readonly #choices: Choices
  readonly #sent: Sent[] = []
  readonly #wire: Travelling[] = []
  readonly #history: Travelling[] = []
  /** Numbers of messages that each node has got since it last forgot what it had. */
  readonly #got = NODES.map(() => new Set<number>())
  #delivered = 0

  constructor(choices: Choices) {
    this.#choices = choices
    const ear = {
      sent: (packet: WirePacket) => this.#hear(packet),
      delivered: (node: number, port: number, frame: Uint8Array) => this.#take(node, port, frame),
    }
    this.#nodes = NODES.map((number) => new SealedNode(number, ear))
    for (const node of this.#nodes) node.load()
  }

  /** All that the choices say; then peace, in which everything must arrive. What happened. */
  run(): { readonly messages: number; readonly delivered: number; readonly dropped: number[] } {
    while (!this.#choices.isOver) this.#step()
    this.#makePeace()
    const dropped = this.#nodes.map((node) => node.drops())
    for (const { engine } of this.#nodes) engine.close()
    return { messages: this.#sent.length, delivered: this.#delivered, dropped }
  }

  #step(): void {
    const node = this.#nodeAt(this.#choices.below(NODES.length))
    const other = this.#nodeAt((node.number + 1 + this.#choices.below(NODES.length - 1)) % 3)
    switch (this.#choices.below(16)) {
      case 0:
      case 1:
      case 2:
        return this.#send(node, other)
      case 3:
      case 4:
      case 5:
        return this.#deliver(this.#pick(this.#wire, true))
      case 6:
        return void this.#pick(this.#wire, true)
      case 7:
        return this.#repeat(this.#pick(this.#history, false))
      case 8:
        return this.#damage(this.#pick(this.#choices.below(2) ? this.#wire : this.#history, false))
      case 9:
        return this.#injectClear(node, other)
      case 10:
        return this.#injectForeign(node, other)
      case 11:
        return this.#rotate(node)
      case 12:
        this.#got[node.number]?.clear()
        return node.restart()
      case 13:
        return this.#turn(node, 'hasNetwork')
      case 14:
        return this.#turn(node, 'hasKeys')
      default:
        return this.#forget(node, other)
    }
  }

  #nodeAt(number: number): SealedNode {
    const node = this.#nodes[number]
    if (node === undefined) throw new Error('bug: no such node')
    return node
  }

  #pick(packets: Travelling[], takes: boolean): Travelling | undefined {
    const at = this.#choices.below(Math.max(1, packets.length))
    return takes ? packets.splice(at, 1)[0] : packets[at]
  }

  /** One message, or a super-segment of some. */
  #send(from: SealedNode, to: SealedNode): void {
    const count = this.#choices.below(SEGMENTS_MAX)
    const before = this.#wire.length
    const drops = from.drops()
    if (count < 2) from.send(SECRET_PORT, this.#frame(from, to, 1))
    else {
      const offloads = { gsoType: GSO_TYPE.udp, flags: NEEDS_CHECKSUM, segmentBytes: MESSAGE_BYTES }
      const checksum = { checksumStart: 34, checksumOffset: 6, headerBytes: 42 }
      from.send(SECRET_PORT, this.#frame(from, to, count), { ...offloads, ...checksum })
    }
    const isReady = from.hasNetwork && from.hasKeys && from.peers.has(to.number)
    const left = this.#wire.length - before
    const owed = isReady ? Math.max(1, count) : 0
    if (left !== owed) throw new Error(`sent ${left} of ${owed}`)
    if (!isReady && from.drops() === drops) throw new Error('held back, and nobody was told')
    from.send(CLEAR_PORT, publicFrame(from.number, to.number))
  }

  #frame(from: SealedNode, to: SealedNode, count: number): Uint8Array {
    const payload = new Uint8Array(MESSAGE_BYTES * count)
    for (let i = 0; i < count; i++) {
      payload.set(SECRET, i * MESSAGE_BYTES)
      setU32(payload, i * MESSAGE_BYTES + SECRET.length, this.#sent.length)
      this.#sent.push({ from: from.number, to: to.number })
    }
    return frameOf({ from: from.number, to: to.number, port: SECRET_PORT }, payload)
  }

  /** Everything that leaves a node: nothing of the inside may be readable in it. */
  #hear(packet: WirePacket): void {
    const { bytes, from, isSealed, to } = packet
    if (holds(bytes, SECRET)) throw new Error('clear text on the wire')
    if (!isSealed) {
      if (u32(bytes, 4) >>> 8 !== CLEAR_VNI) throw new Error('a clear datagram of the secret VNI')
      return
    }
    const macs = frameOf({ from, to, port: SECRET_PORT }, new Uint8Array(0)).subarray(0, 12)
    if (holds(bytes, macs)) throw new Error('inner addresses on the wire')
    const { epoch, run } = this.#nodeAt(from)
    this.#wire.push({ ...packet, epoch, run })
  }

  #take(node: number, port: number, frame: Uint8Array): void {
    if (port === CLEAR_PORT) return
    const number = u32(frame, NUMBER_AT)
    const message = this.#sent[number]
    if (!holds(frame, SECRET) || message?.to !== node) throw new Error('delivered what nobody sent')
    const got = this.#got[node]
    if (got?.has(number) === true) throw new Error('delivered twice')
    got?.add(number)
    this.#delivered++
  }

  /** Hand a packet over for the first time; when all is well it must arrive. */
  #deliver(packet: Travelling | undefined): void {
    if (packet === undefined) return
    this.#history.push(packet)
    if (this.#history.length > HISTORY_MAX) this.#history.shift()
    const [from, to] = [this.#nodeAt(packet.from), this.#nodeAt(packet.to)]
    const knows = tagsOf(to.epoch).includes(packet.epoch + 1)
    const isReady = to.hasNetwork && to.hasKeys && to.peers.has(from.number)
    const before = this.#delivered
    to.receive(packet.from, packet)
    const isOwed = isReady && knows && from.run === packet.run
    if (isOwed && this.#delivered === before) throw new Error('lost, though nothing was amiss')
  }

  /** As before, but it may not arrive: whoever remembers refuses it. */
  #repeat(packet: Travelling | undefined): void {
    if (packet !== undefined) this.#nodeAt(packet.to).receive(packet.from, packet)
  }

  #damage(packet: Travelling | undefined): void {
    if (packet === undefined) return
    const { bytes, from, to } = packet
    const at = this.#choices.below(256) % bytes.length
    const isCut = this.#choices.below(2) === 0
    const damaged = isCut ? bytes.slice(0, Math.max(1, at)) : bytes.slice()
    if (!isCut) damaged[at] = (damaged[at] ?? 0) ^ (1 + this.#choices.below(255))
    this.#mustRefuse(this.#nodeAt(to), from, { bytes: damaged, isSealed: true })
  }

  /** Somebody on the underlay makes a datagram of the secret VNI up. */
  #injectClear(node: SealedNode, other: SealedNode): void {
    const payload = new Uint8Array(MESSAGE_BYTES)
    const message = { from: other.number, to: node.number, port: SECRET_PORT }
    const frame = frameOf(message, payload)
    const bytes = new Uint8Array(8 + frame.length)
    bytes.set([8, 0, 0, 0, SECRET_VNI >>> 16, (SECRET_VNI >>> 8) & 255, SECRET_VNI & 255, 0])
    bytes.set(frame, 8)
    const isSealed = this.#choices.below(2) === 0
    this.#mustRefuse(node, other.number, { bytes, isSealed })
  }

  /** A node of another cluster, whose keys have the same names, seals for one of ours. */
  #injectForeign(node: SealedNode, other: SealedNode): void {
    const made: WirePacket[] = []
    const ear = { sent: (packet: WirePacket) => void made.push(packet), delivered: () => undefined }
    const stranger = new SealedNode(other.number, ear, STRANGER)
    const keys = tagsOf(node.epoch).map((tag) => keyOf(tag, 2))
    stranger.hasNetwork = true
    stranger.load()
    const local = { ip: vtepOf(other.number), port: 4789 }
    stranger.engine.secure({ local, peers: new Set([vtepOf(node.number)]), keys })
    const message = { from: other.number, to: node.number, port: SECRET_PORT }
    stranger.send(SECRET_PORT, frameOf(message, SECRET))
    stranger.engine.close()
    for (const packet of made) this.#mustRefuse(node, other.number, packet)
  }

  #mustRefuse(node: SealedNode, from: number, packet: Incoming): void {
    const [delivered, drops] = [this.#delivered, node.drops()]
    node.receive(from, packet)
    if (this.#delivered !== delivered) throw new Error('believed what was forged')
    if (node.drops() !== drops + 1) throw new Error('refused, and not counted')
  }

  /** The next keys, at most one change ahead of the others, as managers take care. */
  #rotate(node: SealedNode): void {
    const least = Math.min(...this.#nodes.map(({ epoch }) => epoch))
    if (node.epoch > least || node.epoch >= EPOCH_MAX) return
    node.epoch++
    node.load()
  }

  /** Without its network or its keys a node forgets what it has received. */
  #turn(node: SealedNode, what: 'hasNetwork' | 'hasKeys'): void {
    if (!this.#mayTurn(node[what])) return
    node[what] = !node[what]
    this.#got[node.number]?.clear()
    node.load()
  }

  /** What is well stays so more often than not. */
  #mayTurn(isWell: boolean): boolean {
    return !isWell || this.#choices.below(4) === 0
  }

  #forget(node: SealedNode, other: SealedNode): void {
    const isPeer = node.peers.has(other.number)
    if (!this.#mayTurn(isPeer)) return
    if (isPeer) node.peers.delete(other.number)
    else node.peers.add(other.number)
    node.load()
  }

  #makePeace(): void {
    const epoch = Math.max(...this.#nodes.map((node) => node.epoch))
    for (const node of this.#nodes) {
      node.hasNetwork = true
      node.hasKeys = true
      node.epoch = epoch
      for (const other of NODES) if (other !== node.number) node.peers.add(other)
      node.load()
    }
    this.#wire.length = 0
    for (const from of this.#nodes) {
      for (const to of this.#nodes) if (from !== to) this.#send(from, to)
    }
    const before = this.#delivered
    const waiting = this.#wire.splice(0)
    for (const packet of waiting) this.#deliver(packet)
    if (this.#delivered - before !== waiting.length) throw new Error('no peace')
  }
}

interface Message {
  readonly from: number
  readonly to: number
  readonly port: number
}

function frameOf({ from, port, to }: Message, payload: Uint8Array): Uint8Array {
  const ip = (node: number): ReturnType<typeof parseIp> => parseIp(`10.0.${port}.${node + 2}`)
  const macs = { sourceMac: macOf(from, port), destinationMac: macOf(to, port) }
  const envelope = { ...macs, source: ip(from), destination: ip(to) }
  return udpFrame(envelope, { sourcePort: 5000, destinationPort: 5001, payload })
}

function publicFrame(from: number, to: number): Uint8Array {
  return frameOf({ from, to, port: CLEAR_PORT }, utf8Bytes('anybody may know'))
}

function holds(bytes: Uint8Array, piece: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(piece)
}
