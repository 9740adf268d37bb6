/** The underlay side of a switch, on its thread: sockets of one VTEP, receiving and sending. */
import type { SocketAddress } from '@weft/core'
import {
  DatagramReceiver,
  DatagramSender,
  Destinations,
  type PollSet,
} from '@weft/linux/packets'
import { addDrop, addSenderDrops } from './datagram-drops.ts'
import { DatagramSource } from './datagram-source.ts'
import type { UnderlaySource } from './engine/engine-state.ts'
import type { PacketView } from './engine/packet-view.ts'
import { SLOT_BYTES, type SwitchMemory } from './switch-memory.ts'
import type { TunnelSpec } from './switch-protocol.ts'

/** Messages a socket may hold: the engine batches, so each is sent as it comes. */
const MESSAGES_HELD = 4

/** What the tunnel needs of the rest. */
export interface TunnelParts {
  readonly poll: PollSet
  readonly memory: SwitchMemory
  /** Takes datagrams; the view is the caller's again when it returns. */
  readonly take: (packet: PacketView, from: UnderlaySource) => void
}

/** Invariant: the receiving socket is in the poll set exactly while it is used here. */
export class SwitchTunnel {
  readonly #parts: TunnelParts
  readonly #view: PacketView
  readonly #receiver: DatagramReceiver
  readonly #destinations = new Destinations()
  /** The destination of each peer. */
  readonly #ofPeer: (number | undefined)[] = []
  readonly #source = new DatagramSource()
  /** Drops of sockets that are not used any more. */
  readonly #dropped = new Map<string, number>()
  #senders: readonly DatagramSender[] = []
  #receiveFd = -1
  #cut = 0
  #unaddressed = 0

  constructor(parts: TunnelParts, view: PacketView) {
    this.#parts = parts
    this.#view = view
    const { pinned, slots } = parts.memory
    this.#receiver = new DatagramReceiver({ memory: pinned, slots, slotBytes: SLOT_BYTES })
  }

  /** Use these sockets from now on, and no others. */
  use(tunnel: TunnelSpec | null): void {
    const { poll } = this.#parts
    for (const sender of this.#senders) addSenderDrops(this.#dropped, sender)
    if (this.#receiveFd >= 0) poll.remove(this.#receiveFd)
    this.#receiveFd = tunnel?.receiveFd ?? -1
    if (tunnel !== null) poll.add(tunnel.receiveFd, 'readable')
    const segmentation = tunnel?.segmentation ?? false
    this.#senders = (tunnel?.sendFds ?? []).map((fd) => this.#senderOf(fd, segmentation))
  }

  #senderOf(fd: number, segmentation: boolean): DatagramSender {
    const fault = { errno: 'EOPNOTSUPP', diagnostic: 'UDP_SEGMENT is not to be had' }
    const socket = { fd, segmentation: segmentation ? null : fault }
    const destinations = this.#destinations
    return new DatagramSender({ socket, destinations, messagesMax: MESSAGES_HELD })
  }

  /** Know these peers and no others. */
  setPeers(peers: ReadonlyMap<number, SocketAddress>): void {
    this.#ofPeer.forEach((known, peer) => {
      if (known === undefined) return
      this.#destinations.remove(known)
      this.#ofPeer[peer] = undefined
    })
    for (const [peer, address] of peers) this.#ofPeer[peer] = this.#destinations.add(address)
  }

  /** Take what waits on the receiving socket, if it can be read. */
  serve(): void {
    const fd = this.#receiveFd
    if (fd < 0 || !this.#parts.poll.isReadable(fd)) return
    const receiver = this.#receiver
    const count = receiver.receive(fd)
    // Errors of the socket are those of single datagrams (ICMP); the next call gets on with it.
    for (let i = 0; i < count; i++) {
      if (receiver.isCut(i)) this.#cut++
      else this.#take(receiver, i)
    }
  }

  #take(receiver: DatagramReceiver, index: number): void {
    const view = this.#view
    view.setPlain(this.#parts.memory.pinned.bytes, receiver.startOf(index), receiver.endOf(index))
    view.segmentBytes = receiver.segmentBytesOf(index)
    view.sourcePort = receiver.sourcePortOf(index)
    this.#parts.take(view, this.#source.read(receiver, index))
  }

  /** Send datagrams to a peer, from the socket of their flow. */
  transmit(peer: number, packet: PacketView): void {
    const { bytes, end, segmentBytes, sourcePort, start } = packet
    const sender = this.#senders[sourcePort % this.#senders.length]
    const destination = this.#ofPeer[peer]
    if (sender === undefined || destination === undefined) {
      this.#unaddressed += segmentBytes > 0 ? Math.ceil((end - start) / segmentBytes) : 1
      return
    }
    sender.queue(bytes, start, end, segmentBytes, destination)
    sender.flush()
  }

  /** Datagrams that did not leave or arrive whole, by reason. */
  addDrops(dropped: Map<string, number>): void {
    for (const [reason, count] of this.#dropped) addDrop(dropped, reason, count)
    for (const sender of this.#senders) addSenderDrops(dropped, sender)
    addDrop(dropped, 'datagram-cut', this.#cut)
    addDrop(dropped, 'datagram-unaddressed', this.#unaddressed)
  }
}
