/** The local ends of a switch, on its thread: TAPs by their descriptors, and in-process cards. */
import { errno, VNET_HEADER_BYTES, type PollSet } from '@weft/linux/packets'
import type { PacketView } from './engine/packet-view.ts'
import { SLOT_BYTES, type SwitchMemory } from './switch-memory.ts'
import type { PlugSpec } from './switch-protocol.ts'
import { readVirtioHeader, writeVirtioHeader } from './virtio-header.ts'

/** Frames taken from one TAP before others have their turn. */
const TURN_FRAMES = 64

/** A port that has no descriptor is a card of the main thread. */
const CARD = -1

/** What the ports need of the rest. */
export interface PortsParts {
  readonly poll: PollSet
  readonly memory: SwitchMemory
  /** Takes a frame that an endpoint sent; the view is the caller's again when it returns. */
  readonly take: (port: number, packet: PacketView) => void
  /** A TAP is gone or fails. */
  readonly lost: (port: number, code: number) => void
}

/** Invariant: a descriptor is in the poll set exactly while it is served here. */
export class SwitchPorts {
  readonly #parts: PortsParts
  readonly #view: PacketView
  /** By port: a descriptor, CARD, or undefined. */
  readonly #fds: (number | undefined)[] = []
  readonly #outbox = new Map<number, Uint8Array[]>()
  readonly #kept = new Uint8Array(VNET_HEADER_BYTES)
  #unplugged = 0
  #unwritten = 0

  constructor(parts: PortsParts, view: PacketView) {
    this.#parts = parts
    this.#view = view
  }

  plug({ fd, port }: PlugSpec): void {
    this.unplug(port)
    this.#fds[port] = fd ?? CARD
    if (fd !== null) this.#parts.poll.add(fd, 'readable')
  }

  unplug(port: number): void {
    const fd = this.#fds[port]
    if (fd !== undefined && fd !== CARD) this.#parts.poll.remove(fd)
    this.#fds[port] = undefined
    this.#outbox.delete(port)
  }

  /** Take what waits on every TAP that can be read. */
  serve(): void {
    for (let port = 0; port < this.#fds.length; port++) {
      const fd = this.#fds[port]
      if (fd === undefined || fd === CARD || !this.#parts.poll.isReadable(fd)) continue
      this.#serveTap(port, fd)
    }
  }

  #serveTap(port: number, fd: number): void {
    const { memory, take } = this.#parts
    const at = memory.frame - VNET_HEADER_BYTES
    for (let i = 0; i < TURN_FRAMES; i++) {
      const length = memory.pinned.readFrom(fd, at, SLOT_BYTES)
      if (length < VNET_HEADER_BYTES) {
        if (length !== -errno.EAGAIN && length !== -errno.EINTR) this.#lose(port, fd, -length)
        return
      }
      readVirtioHeader(this.#view, memory.pinned.bytes, at)
      this.#view.end = at + length
      take(port, this.#view)
    }
  }

  /** The main thread will unplug it; until then it is left alone. */
  #lose(port: number, fd: number, code: number): void {
    this.#parts.poll.remove(fd)
    this.#fds[port] = undefined
    this.#parts.lost(port, code)
  }

  /** A frame that a card of the main thread sent. */
  takeFromCard(port: number, frame: Uint8Array): void {
    const { memory, take } = this.#parts
    if (this.#fds[port] !== CARD || frame.length > SLOT_BYTES) {
      this.#unplugged++
      return
    }
    memory.pinned.bytes.set(frame, memory.frame)
    this.#view.setPlain(memory.pinned.bytes, memory.frame, memory.frame + frame.length)
    take(port, this.#view)
  }

  /** Hand a frame to the endpoint at a port. What stands before the frame is as before after it. */
  deliver(port: number, packet: PacketView): void {
    const fd = this.#fds[port]
    if (fd === undefined) this.#unplugged++
    else if (fd === CARD) this.#keep(port, packet.bytes.slice(packet.start, packet.end))
    else this.#write(fd, packet)
  }

  #write(fd: number, packet: PacketView): void {
    const { pinned } = this.#parts.memory
    const at = packet.start - VNET_HEADER_BYTES
    const { bytes } = packet
    for (let i = 0; i < VNET_HEADER_BYTES; i++) this.#kept[i] = bytes[at + i] as number
    writeVirtioHeader(packet, bytes, at)
    if (pinned.writeTo(fd, at, packet.end - at) < 0) this.#unwritten++
    for (let i = 0; i < VNET_HEADER_BYTES; i++) bytes[at + i] = this.#kept[i] as number
  }

  #keep(port: number, frame: Uint8Array): void {
    const frames = this.#outbox.get(port)
    if (frames === undefined) this.#outbox.set(port, [frame])
    else frames.push(frame)
  }

  /** Frames for cards since the last call, by port. */
  takeOutbox(): ReadonlyMap<number, readonly Uint8Array[]> | null {
    if (this.#outbox.size === 0) return null
    const taken = new Map(this.#outbox)
    this.#outbox.clear()
    return taken
  }

  /** Frames that no end took, by reason. */
  addDrops(dropped: Map<string, number>): void {
    const counts = { 'frame-unplugged': this.#unplugged, 'frame-unwritten': this.#unwritten }
    for (const [reason, count] of Object.entries(counts)) {
      if (count > 0) dropped.set(reason, (dropped.get(reason) ?? 0) + count)
    }
  }
}
