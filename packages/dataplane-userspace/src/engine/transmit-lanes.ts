/** Datagrams that wait to be sent together: equal ones of one flow, side by side (UDP_SEGMENT). */
import type { SwitchSink } from './engine-state.ts'
import { PacketView } from './packet-view.ts'

/** Datagrams in one call: the kernel's UDP_MAX_SEGMENTS of old. */
export const TRANSMIT_SEGMENTS_MAX = 64
/** Bytes in one call: what IP carries, less headers. */
export const TRANSMIT_BYTES_MAX = 65_000

/** Lanes; flows are spread over them, so that flows which take turns still go out in batches. */
export const LANES = 16
/** From lane to lane. One datagram may be longer than a batch, up to this. */
export const LANE_BYTES = 65_536

/** Batches under construction. A flow is in one lane, so its order is kept. */
export class TransmitLanes {
  readonly bytes: Uint8Array
  readonly #sink: Pick<SwitchSink, 'transmit'>
  readonly #segmentsMax: number
  readonly #bases: Int32Array
  readonly #ends: Int32Array
  /** The flow: its peer and its source port. */
  readonly #peers = new Int32Array(LANES)
  readonly #ports = new Int32Array(LANES)
  /** Bytes of the first datagram, which all others have but the last. */
  readonly #segments = new Int32Array(LANES)
  readonly #counts = new Int32Array(LANES)
  readonly #view: PacketView
  #waiting = 0

  /** Lanes in an arena, from `start` on, LANES times LANE_BYTES. */
  constructor(
    sink: Pick<SwitchSink, 'transmit'>,
    arena: { readonly bytes: Uint8Array; readonly start: number },
    segmentsMax: number,
  ) {
    this.bytes = arena.bytes
    this.#sink = sink
    this.#segmentsMax = segmentsMax
    this.#bases = Int32Array.from({ length: LANES }, (_, i) => arena.start + i * LANE_BYTES)
    this.#ends = this.#bases.slice()
    this.#view = new PacketView(arena.bytes)
  }

  /** Room for a datagram of this many bytes, at most LANE_BYTES: where it is to be written. */
  open(peer: number, sourcePort: number, length: number): number {
    const lane = sourcePort % LANES
    if ((this.#counts[lane] as number) > 0) {
      const isSame = this.#peers[lane] === peer && this.#ports[lane] === sourcePort
      if (!isSame || !this.#fits(lane, length)) this.#send(lane)
    }
    const at = this.#ends[lane] as number
    if (this.#counts[lane] === 0) {
      this.#peers[lane] = peer
      this.#ports[lane] = sourcePort
      this.#segments[lane] = length
      this.#waiting++
    }
    this.#counts[lane] = (this.#counts[lane] as number) + 1
    this.#ends[lane] = at + length
    return at
  }

  /** The datagram that was opened last for this source port, of this many bytes, is not to be. */
  takeBack(sourcePort: number, length: number): void {
    const lane = sourcePort % LANES
    this.#counts[lane] = (this.#counts[lane] as number) - 1
    this.#ends[lane] = (this.#ends[lane] as number) - length
    if (this.#counts[lane] === 0) this.#waiting--
  }

  /** Send every batch. */
  flush(): void {
    for (let lane = 0; this.#waiting > 0 && lane < LANES; lane++) {
      if ((this.#counts[lane] as number) > 0) this.#send(lane)
    }
  }

  #fits(lane: number, length: number): boolean {
    const count = this.#counts[lane] as number
    const segment = this.#segments[lane] as number
    const used = (this.#ends[lane] as number) - (this.#bases[lane] as number)
    return (
      count < this.#segmentsMax &&
      length <= segment &&
      // Behind a shorter one there can be none.
      used === count * segment &&
      used + length <= TRANSMIT_BYTES_MAX
    )
  }

  #send(lane: number): void {
    const view = this.#view
    const start = this.#bases[lane] as number
    view.setPlain(this.bytes, start, this.#ends[lane] as number)
    if ((this.#counts[lane] as number) > 1) view.segmentBytes = this.#segments[lane] as number
    view.sourcePort = this.#ports[lane] as number
    this.#counts[lane] = 0
    this.#ends[lane] = start
    this.#waiting--
    this.#sink.transmit(this.#peers[lane] as number, view)
  }
}
