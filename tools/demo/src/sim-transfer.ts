/**
 * A transfer between simulated containers by TCP segments with a window and cumulative
 * acknowledgements. No retransmission: the simulated underlay of the demo loses nothing, so a lost
 * or changed byte shows as a transfer that stalls or whose digest differs.
 */
import { createHash, type Hash } from 'node:crypto'
import { PacketBuffer, tcp, TCP_FLAG } from '@weft/wire'
import { IPV4_HEADER_BYTES, type Arrival, type SimContainer } from './sim-container.ts'

const WINDOW_BYTES = 256 * 1024
const ACKNOWLEDGE_EVERY = 16
const SENDER_PORT = 40_000
const RECEIVER_PORT = 5001
/** The pattern that is sent over and over; not a power of two, so that slips show. */
const PATTERN_BYTES = 1_000_003

/** One transfer in progress; both ends in one place. */
export class SimTransfer {
  readonly #from: SimContainer
  readonly #to: SimContainer
  readonly #total: number
  readonly #segmentBytes: number
  readonly #pattern = pattern()
  readonly #sentDigest: Hash = createHash('sha256')
  readonly #receivedDigest: Hash = createHash('sha256')
  #sent = 0
  #acknowledged = 0
  #received = 0
  #sinceAcknowledged = 0

  constructor(from: SimContainer, to: SimContainer, bytes: number) {
    this.#from = from
    this.#to = to
    this.#total = bytes
    this.#segmentBytes = from.facts.mtuBytes - IPV4_HEADER_BYTES - tcp.headerLength
    from.onSegment = (arrival) => this.#acknowledge(arrival)
    to.onSegment = (arrival) => this.#take(arrival)
  }

  /** True when the sender knows that all arrived. */
  get done(): boolean {
    return this.#acknowledged === this.#total
  }

  /** Begin, or go on as far as the window allows. */
  pump(): void {
    while (this.#sent < this.#total && this.#sent - this.#acknowledged < WINDOW_BYTES) {
      const at = this.#sent % PATTERN_BYTES
      const room = Math.min(this.#segmentBytes, this.#total - this.#sent, PATTERN_BYTES - at)
      const payload = this.#pattern.subarray(at, at + room)
      this.#sentDigest.update(payload)
      const sequence = this.#sent
      this.#sent += room
      this.#send(this.#from, { to: this.#to, sequence, acknowledgement: 0, payload })
    }
  }

  /** What came of it; ends the transfer. */
  finish(): { readonly bytes: number; readonly intact: boolean } {
    this.#from.onSegment = null
    this.#to.onSegment = null
    const sent = this.#sentDigest.digest('hex')
    return { bytes: this.#received, intact: this.#receivedDigest.digest('hex') === sent }
  }

  #send(
    by: SimContainer,
    segment: { to: SimContainer; sequence: number; acknowledgement: number; payload: Uint8Array },
  ): void {
    const forward = by === this.#from
    const packet = PacketBuffer.of(segment.payload)
    tcp.write(packet.bytes, packet.prepend(tcp.headerLength), {
      sourcePort: forward ? SENDER_PORT : RECEIVER_PORT,
      destinationPort: forward ? RECEIVER_PORT : SENDER_PORT,
      sequence: segment.sequence,
      acknowledgement: segment.acknowledgement,
      flags: TCP_FLAG.ack,
      window: 0xffff,
      checksum: 0,
      urgent: 0,
      options: [],
    })
    by.sendSegment(segment.to.facts.ip, packet)
  }

  #take({ frame, start, end }: Arrival): void {
    if (tcp.check(frame, start, end) !== null) return
    const header = tcp.decode(frame, start)
    if (header.sequence !== this.#received) return
    const payload = frame.subarray(tcp.payloadStart(frame, start), end)
    this.#receivedDigest.update(payload)
    this.#received += payload.length
    if (++this.#sinceAcknowledged < ACKNOWLEDGE_EVERY && this.#received < this.#total) return
    this.#sinceAcknowledged = 0
    const acknowledgement = this.#received
    const payloadNone = new Uint8Array(0)
    this.#send(this.#to, { to: this.#from, sequence: 0, acknowledgement, payload: payloadNone })
  }

  #acknowledge({ frame, start, end }: Arrival): void {
    if (tcp.check(frame, start, end) !== null) return
    this.#acknowledged = Math.max(this.#acknowledged, tcp.decode(frame, start).acknowledgement)
    this.pump()
  }
}

function pattern(): Uint8Array {
  const bytes = new Uint8Array(PATTERN_BYTES)
  for (let i = 0, state = 1; i < bytes.length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}
