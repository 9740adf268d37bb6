/** The underlay side of encrypted networks, on the switch's thread: one socket that carries ESP. */
import { u8, type SocketAddress } from '@weft/core'
import { DatagramReceiver, DatagramSender, Destinations, type PollSet } from '@weft/linux/packets'
import { espInUdp } from '@weft/wire'
import { addDrop, addSenderDrops } from './datagram-drops.ts'
import { DatagramSource } from './datagram-source.ts'
import type { UnderlaySource } from './engine/engine-state.ts'
import type { PacketView } from './engine/packet-view.ts'
import { SLOT_BYTES, type SwitchMemory } from './switch-memory.ts'
import type { SealedTunnelSpec } from './switch-protocol.ts'

/** Packets a sender may hold: a batch of the engine's, each of which is a message of its own. */
const MESSAGES_HELD = 64

/** Bursts taken one after the other before others have their turn. */
const TURN_BURSTS = 4

/** What the tunnel needs of the rest. */
export interface SealedTunnelParts {
  readonly poll: PollSet
  readonly memory: SwitchMemory
  /** Takes ESP packets; while more is behind, bytes stay the taker's. */
  readonly take: (packet: PacketView, from: UnderlaySource, isMoreBehind: boolean) => void
}

/** Invariant: the socket is in the poll set exactly while it is used here. */
export class SwitchSealedTunnel {
  readonly #parts: SealedTunnelParts
  readonly #view: PacketView
  readonly #receiver: DatagramReceiver
  readonly #source = new DatagramSource()
  readonly #destinations = new Destinations()
  /** The destination of each peer. */
  #ofPeer: number[] = []
  #peers: ReadonlyMap<number, SocketAddress> = new Map()
  /** Drops of sockets that are not used any more. */
  readonly #dropped = new Map<string, number>()
  #spec: SealedTunnelSpec | null = null
  #sender: DatagramSender | null = null
  #cut = 0
  #unaddressed = 0
  #foreign = 0

  constructor(parts: SealedTunnelParts, view: PacketView) {
    this.#parts = parts
    this.#view = view
    const { pinned, slots } = parts.memory
    this.#receiver = new DatagramReceiver({ memory: pinned, slots, slotBytes: SLOT_BYTES })
  }

  /** Use this socket from now on, and no other. */
  use(spec: SealedTunnelSpec | null): void {
    const { poll } = this.#parts
    if (this.#sender !== null) addSenderDrops(this.#dropped, this.#sender)
    if (this.#spec !== null) poll.remove(this.#spec.fd)
    this.#spec = spec
    this.#sender = spec === null ? null : this.#senderOf(spec)
    if (spec !== null) poll.add(spec.fd, 'readable')
    this.setPeers(this.#peers)
  }

  #senderOf({ fd, segmentation }: SealedTunnelSpec): DatagramSender {
    const fault = { errno: 'EOPNOTSUPP', diagnostic: 'UDP_SEGMENT is not to be had' }
    const socket = { fd, segmentation: segmentation ? null : fault }
    const destinations = this.#destinations
    return new DatagramSender({ socket, destinations, messagesMax: MESSAGES_HELD })
  }

  /** Know these peers and no others. */
  setPeers(peers: ReadonlyMap<number, SocketAddress>): void {
    this.#peers = peers
    this.#ofPeer.forEach((known) => this.#destinations.remove(known))
    this.#ofPeer = []
    const spec = this.#spec
    if (spec === null) return
    const port = spec.path === 'udp' ? spec.port : 0
    for (const [peer, { ip }] of peers) this.#ofPeer[peer] = this.#destinations.add({ ip, port })
  }

  /** Take what waits on the socket, if it can be read. */
  serve(): void {
    const spec = this.#spec
    if (spec === null || !this.#parts.poll.isReadable(spec.fd)) return
    const full = this.#parts.memory.slots.length
    for (let i = 0; i < TURN_BURSTS; i++) if (this.#burst(spec) < full) return
  }

  /** Take one burst; how many packets it had. */
  #burst(spec: SealedTunnelSpec): number {
    const receiver = this.#receiver
    const count = receiver.receive(spec.fd)
    for (let i = 0; i < count; i++) this.#take(spec, i, i + 1 < count)
    return count
  }

  #take(spec: SealedTunnelSpec, index: number, isMoreBehind: boolean): void {
    const receiver = this.#receiver
    const view = this.#view
    view.setPlain(this.#parts.memory.pinned.bytes, receiver.startOf(index), receiver.endOf(index))
    if (receiver.isCut(index)) {
      this.#cut++
      view.start = view.end
    } else if (spec.path === 'udp') this.#readUdp(index)
    else if (receiver.familyOf(index) === 4) {
      // A raw socket hands over IPv4 headers, and no IPv6 headers (ip(7), RFC 3542 §3).
      view.start = Math.min(view.end, view.start + 4 * (u8(view.bytes, view.start) & 0xf))
    }
    // An empty view ends the burst, if it is the last.
    this.#parts.take(view, this.#source.read(receiver, index), isMoreBehind)
  }

  /** On this port there may be keepalives and key exchanges of others, which are not for us. */
  #readUdp(index: number): void {
    const view = this.#view
    view.segmentBytes = this.#receiver.segmentBytesOf(index)
    if (espInUdp(view.bytes, view.start, view.end) === 'esp') return
    this.#foreign++
    view.start = view.end
  }

  /** Send packets to a peer. */
  transmit(peer: number, packet: PacketView): void {
    const { bytes, end, segmentBytes, start } = packet
    const destination = this.#ofPeer[peer]
    if (this.#sender === null || destination === undefined) {
      this.#unaddressed += segmentBytes > 0 ? Math.ceil((end - start) / segmentBytes) : 1
      return
    }
    this.#sender.queue(bytes, start, end, segmentBytes, destination)
    this.#sender.flush()
  }

  /** Packets that did not leave or arrive whole, by reason. */
  addDrops(dropped: Map<string, number>): void {
    for (const [reason, count] of this.#dropped) addDrop(dropped, reason, count)
    if (this.#sender !== null) addSenderDrops(dropped, this.#sender)
    addDrop(dropped, 'datagram-cut', this.#cut)
    addDrop(dropped, 'datagram-unaddressed', this.#unaddressed)
    addDrop(dropped, 'datagram-not-esp', this.#foreign)
  }
}
