/** ICMP echo from inside a namespace, with an answer that says why there was none. */
import { u16, u8, type Ip, type IpFamily } from '@weft/core'
import { openRawSocket, type RawPacket, type RawSocket } from '@weft/linux'
import {
  icmp,
  ICMP_UNREACHABLE,
  icmpv6,
  IP_PROTOCOL,
  ipv4,
  ipv6,
  type IcmpMessage,
  type Icmpv6Message,
} from '@weft/wire'

/** How to ask. */
export interface EchoOptions {
  /** Bytes behind the ICMP header; the packet is 28 (IPv4) or 48 (IPv6) longer. 56 by default. */
  readonly payloadBytes?: number
  /** How long to wait for the answer; a second when left out. */
  readonly withinMs?: number
}

/** What came of one echo request. */
export type EchoOutcome =
  /** The answer carried the same bytes. The time is as this process sees it, threads included. */
  | { readonly ok: true; readonly roundTripMs: number }
  | {
      readonly ok: false
      /**
       * `timeout`: no answer. `too-long`: the packet fits no further than `mtuBytes`.
       * `unreachable`: the kernel or a router says so. `altered`: other bytes came back.
       */
      readonly reason: 'timeout' | 'too-long' | 'unreachable' | 'altered'
      /** What the link or the path carries, if known; only with `too-long`. */
      readonly mtuBytes: number | null
      readonly diagnostic: string
    }

/** IP header and ICMP header in front of an echo's payload, in bytes. */
export const ECHO_OVERHEAD_BYTES: { readonly [family in IpFamily]: number } = { 4: 28, 6: 48 }

const PAYLOAD_DEFAULT_BYTES = 56
const WITHIN_DEFAULT_MS = 1_000

interface Waiting {
  readonly payload: Uint8Array
  readonly to: Ip
  readonly sentAt: number
  settle(outcome: EchoOutcome): void
}

/**
 * Asks for echoes out of one namespace; requests never get fragmented. Invariant: every request
 * settles once, by an answer, an error message or its time running out.
 */
export class EchoSocket {
  readonly #family: IpFamily
  readonly #socket: RawSocket
  readonly #identifier: number
  readonly #hearing: Promise<void>
  readonly #waiting = new Map<number, Waiting>()
  readonly #pathMtus = new Map<Ip, number>()
  #sequence = 0

  /** `identifier`: 16 bits that tell this socket's requests from others of the namespace. */
  constructor(namespace: number, family: IpFamily, identifier: number) {
    this.#family = family
    this.#identifier = identifier
    const protocol = family === 4 ? IP_PROTOCOL.icmp : IP_PROTOCOL.icmpv6
    const options = { namespace, family, protocol, dontFragment: true }
    this.#socket = openRawSocket(options, (packet) => this.#receive(packet))
    this.#hearing = this.#socket.flush()
  }

  /** Ask once. Never rejects; the outcome says what happened. */
  async ask(to: Ip, options: EchoOptions = {}): Promise<EchoOutcome> {
    // The thread that hears the first answer may still be starting.
    await this.#hearing
    const { payloadBytes = PAYLOAD_DEFAULT_BYTES, withinMs = WITHIN_DEFAULT_MS } = options
    const sequence = (this.#sequence = (this.#sequence + 1) & 0xffff)
    const payload = pattern(payloadBytes, sequence)
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        settle(failure('timeout', `no answer within ${withinMs} ms`))
      }, withinMs)
      const settle = (outcome: EchoOutcome): void => {
        clearTimeout(timer)
        this.#waiting.delete(sequence)
        resolve(outcome)
      }
      this.#waiting.set(sequence, { to, payload, sentAt: performance.now(), settle })
      const fault = this.#socket.send(this.#request(sequence, payload), to)
      if (fault === null) return
      const diagnostic = `${fault.errno}: ${fault.diagnostic}`
      if (fault.errno !== 'EMSGSIZE') settle(failure('unreachable', diagnostic))
      else settle({ ...failure('too-long', diagnostic), mtuBytes: this.#pathMtus.get(to) ?? null })
    })
  }

  /** Close; requests under way time out. */
  close(): Promise<void> {
    return this.#socket.close()
  }

  #request(sequence: number, body: Uint8Array): Uint8Array {
    const identifier = this.#identifier
    const echo = { kind: 'echo-request', identifier, sequence, body } as const
    const bytes = new Uint8Array(icmp.lengthOf(echo))
    // The kernel computes the checksum of ICMPv6 itself (RFC 3542 §3.1).
    if (this.#family === 4) icmp.write(bytes, 0, echo)
    else icmpv6.write(bytes, 0, { ...echo, checksum: 0 })
    return bytes
  }

  #receive({ bytes }: RawPacket): void {
    const now = performance.now()
    const message = this.#family === 4 ? readIcmp(bytes) : readIcmpv6(bytes)
    if (message === null) return
    if (message.kind === 'echo-reply') {
      if (message.identifier !== this.#identifier) return
      const waiting = this.#waiting.get(message.sequence)
      if (waiting === undefined) return
      const same = Buffer.compare(message.body, waiting.payload) === 0
      if (same) waiting.settle({ ok: true, roundTripMs: now - waiting.sentAt })
      else waiting.settle(failure('altered', `${message.body.length} other bytes came back`))
    } else this.#refuse(complaintOf(message))
  }

  /** An error message quotes the packet that it is about. */
  #refuse(complaint: Complaint | null): void {
    if (complaint === null) return
    const { mtuBytes, quote, what } = complaint
    const at = quotedEchoAt(quote, this.#family)
    if (at === null || u16(quote, at + 4) !== this.#identifier) return
    const waiting = this.#waiting.get(u16(quote, at + 6))
    if (waiting === undefined) return
    // The kernel remembers too, and refuses the next one itself without saying the MTU.
    if (mtuBytes !== null) this.#pathMtus.set(waiting.to, mtuBytes)
    const reason = mtuBytes === null ? 'unreachable' : 'too-long'
    waiting.settle({ ...failure(reason, what), mtuBytes })
  }
}

/** What an ICMP error message says. */
interface Complaint {
  /** Set when a packet was too long for the next hop. */
  readonly mtuBytes: number | null
  readonly quote: Uint8Array
  readonly what: string
}

function complaintOf(message: IcmpMessage | Icmpv6Message): Complaint | null {
  if (message.kind === 'packet-too-big') {
    return { mtuBytes: message.mtu, quote: message.quote, what: 'packet too big' }
  }
  if (message.kind !== 'unreachable' && message.kind !== 'time-exceeded') return null
  const { code, kind, quote } = message
  const tooLong =
    kind === 'unreachable' && 'mtu' in message && code === ICMP_UNREACHABLE.fragmentationNeeded
  if (tooLong) return { mtuBytes: message.mtu, quote, what: 'fragmentation needed' }
  return { mtuBytes: null, quote, what: `${kind} code ${code}` }
}

type Failure = Extract<EchoOutcome, { ok: false }>

function failure(reason: Failure['reason'], diagnostic: string): Failure {
  return { ok: false, reason, mtuBytes: null, diagnostic }
}

/** Bytes that differ from one request to the next. */
function pattern(length: number, sequence: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + sequence * 13) & 0xff)
}

/** IPv4 raw sockets show the IP header, IPv6 ones do not. */
function readIcmp(bytes: Uint8Array): IcmpMessage | null {
  if (ipv4.check(bytes, 0, bytes.length) !== null) return null
  const start = ipv4.payloadStart(bytes, 0)
  return icmp.check(bytes, start, bytes.length) === null
    ? icmp.decode(bytes, start, bytes.length)
    : null
}

function readIcmpv6(bytes: Uint8Array): Icmpv6Message | null {
  const end = bytes.length
  return icmpv6.check(bytes, 0, end) === null ? icmpv6.decode(bytes, 0, end) : null
}

/** Where the quoted ICMP header begins, if the quote is of a packet of ours and long enough. */
function quotedEchoAt(quote: Uint8Array, family: IpFamily): number | null {
  const header = family === 4 ? 4 * (u8(quote, 0) & 0xf) : ipv6.headerLength
  return quote.length >= header + 8 ? header : null
}

