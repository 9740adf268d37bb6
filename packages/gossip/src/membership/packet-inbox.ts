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

  constructor(parts: InboxParts) {
    this.#parts = parts
  }

  /** A message came in a datagram from this address. */
  take(message: PacketMessage, from: SocketAddress): void {
    const { states, prober, relays, delegate, timers, tally } = this.#parts
    switch (message.kind) {
      case 'ping':
        return this.#answer(message, from)
      case 'indirect-ping':
        return relays.request(message, from)
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
    const { self, tally, dissemination } = this.#parts
    if (ping.node !== '' && ping.node !== self.name) {
      tally.ignored++
      return
    }
    const to = readAddress(ping.sourceAddr, ping.sourcePort) ?? from
    const ack = { kind: 'ack', seqNo: ping.seqNo, payload: NO_PAYLOAD } as const
    dissemination.send(to, encodePacketMessage(ack))
  }
}
