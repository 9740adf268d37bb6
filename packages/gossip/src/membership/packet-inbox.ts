/** What a datagram's messages lead to. */
import type { SocketAddress } from '@weft/core'
import type { PacketMessage, Ping } from '../memberlist/messages.ts'
import { encodePacketMessage } from '../memberlist/packet-messages.ts'
import type { Dissemination } from './dissemination.ts'
import type { MembershipDelegate } from './membership-delegate.ts'
import type { MemberRecord } from './member-record.ts'
import type { MemberStates } from './member-states.ts'
import { readAddress } from './node-address.ts'
import type { Prober } from './prober.ts'
import type { Relays } from './relays.ts'
import type { Tally } from './tally.ts'
import type { Timers } from './timers.ts'

/**
 * Pings, direct and indirect, that one datagram may bring: nobody asks more than one thing at once.
 * Hundreds fit a compound, and each leads to a datagram that may be large and go to anybody.
 */
export const PACKET_REQUESTS_MAX = 1

const NO_PAYLOAD = new Uint8Array(0)

/** Where messages go. */
export interface InboxParts {
  readonly self: MemberRecord
  readonly timers: Timers
  readonly tally: Tally
  readonly delegate: MembershipDelegate
  readonly dissemination: Dissemination
  readonly states: MemberStates
  readonly prober: Prober
  readonly relays: Relays
}

/** Hands each message to whom it concerns. */
export class PacketInbox {
  readonly #parts: InboxParts
  #from: SocketAddress
  #requests = 0

  constructor(parts: InboxParts) {
    this.#parts = parts
    this.#from = parts.self.address
  }

  /** A datagram came from this address; its messages follow. */
  begin(from: SocketAddress): void {
    this.#from = from
    this.#requests = 0
  }

  /** A message of the datagram. */
  take(message: PacketMessage): void {
    const { states, prober, relays, delegate, timers, tally } = this.#parts
    switch (message.kind) {
      case 'ping':
      case 'indirect-ping':
        if (++this.#requests > PACKET_REQUESTS_MAX) return tally.fault('too-many')
        if (message.kind === 'ping') return this.#answer(message, this.#from)
        return relays.request(message, this.#from)
      case 'ack':
        if (!prober.answered(message.seqNo) && !relays.answered(message.seqNo)) tally.ignored++
        return
      case 'nack':
        if (!prober.refused(message.seqNo)) tally.ignored++
        return
      case 'suspect':
        return states.suspect(message)
      case 'alive':
        return states.alive(message)
      case 'dead':
        return states.dead(message)
      case 'user':
        return delegate.userMessage(timers.now, message.bytes, 'packet')
    }
  }

  /** The answer goes where the ping says, or where it came from (docker-wire §2.9). */
  #answer(ping: Ping, from: SocketAddress): void {
    const { self, tally, timers, dissemination } = this.#parts
    if (ping.node !== '' && ping.node !== self.name) {
      tally.ignored++
      return
    }
    const to = readAddress(ping.sourceAddr, ping.sourcePort) ?? from
    const ack = { kind: 'ack', seqNo: ping.seqNo, payload: NO_PAYLOAD } as const
    dissemination.reply(timers.now, to, encodePacketMessage(ack))
  }
}
