/** Pings on behalf of others, whose own did not get through (docker-wire §2.9). */
import type { SocketAddress } from '@weft/core'
import type { IndirectPing } from '../memberlist/messages.ts'
import { encodePacketMessage } from '../memberlist/packet-messages.ts'
import type { Dissemination } from './dissemination.ts'
import { readAddress } from './node-address.ts'
import type { MemberRecord } from './member-record.ts'
import type { SequenceNumbers } from './sequence-numbers.ts'
import type { Tally } from './tally.ts'
import type { Timers } from './timers.ts'

/** Pings for others that are under way at once. Beyond it requests are refused. */
export const RELAYS_MAX = 1024

const NO_PAYLOAD = new Uint8Array(0)

/** What relaying works with. */
export interface RelayParts {
  readonly self: MemberRecord
  readonly timers: Timers
  readonly dissemination: Dissemination
  readonly tally: Tally
  readonly sequence: SequenceNumbers
  /** How long an answer may take, in ms. */
  readonly timeoutMs: number
}

interface Relay {
  readonly to: SocketAddress
  /** The number under which the requester waits. */
  readonly seqNo: number
  readonly timer: Disposable
}

/** Pings that others asked for; the answer goes to them under their own number. */
export class Relays {
  readonly #parts: RelayParts
  readonly #running = new Map<number, Relay>()

  constructor(parts: RelayParts) {
    this.#parts = parts
  }

  /** Ping somebody for whoever sent this. */
  request(request: IndirectPing, from: SocketAddress): void {
    const { self, timers, dissemination, tally, sequence, timeoutMs } = this.#parts
    const target = readAddress(request.target, request.port === 0 ? self.port : request.port)
    if (target === null) {
      tally.ignored++
      return
    }
    if (this.#running.size >= RELAYS_MAX) {
      tally.fault('too-many')
      return
    }
    const seqNo = sequence.next()
    const to = readAddress(request.sourceAddr, request.sourcePort) ?? from
    const timer = timers.after(timeoutMs, () => this.#expire(seqNo, request.nack))
    this.#running.set(seqNo, { to, seqNo: request.seqNo, timer })
    dissemination.reply(timers.now, target, pingMessage(self, request.node, seqNo))
  }

  /** An answer came. False when it is none to a relayed ping. */
  answered(seqNo: number): boolean {
    const relay = this.#running.get(seqNo)
    if (relay === undefined) return false
    this.#running.delete(seqNo)
    relay.timer[Symbol.dispose]()
    const ack = { kind: 'ack', seqNo: relay.seqNo, payload: NO_PAYLOAD } as const
    this.#reply(relay, encodePacketMessage(ack))
    return true
  }

  #expire(seqNo: number, nack: boolean): void {
    const relay = this.#running.get(seqNo)
    this.#running.delete(seqNo)
    if (relay === undefined || !nack) return
    this.#reply(relay, encodePacketMessage({ kind: 'nack', seqNo: relay.seqNo }))
  }

  #reply({ to }: Relay, message: Uint8Array): void {
    const { timers, dissemination } = this.#parts
    dissemination.reply(timers.now, to, message)
  }
}

/** A ping of ours: the answer shall come to where we are reached. */
export function pingMessage(self: MemberRecord, node: string, seqNo: number): Uint8Array {
  const { addr, port, name } = self
  return encodePacketMessage({
    kind: 'ping',
    seqNo,
    node,
    sourceAddr: addr,
    sourcePort: port,
    sourceNode: name,
  })
}
