/** What a program's calls can fail with. */
import { defineErrors, type ErrorFactory, type Ip } from '@weft/core'

/**
 * Why there is no way to an address: the stack has no addresses yet; none of that family; the
 * address is on no prefix of ours and there is no gateway; it stands for no single host.
 */
export type RouteProblem = 'unconfigured' | 'no-address' | 'no-gateway' | 'not-unicast'

/**
 * Why a packet did not arrive: nobody answered for the next hop; or what an ICMP message said
 * (RFC 792, RFC 4443 §3).
 */
export type UnreachableReason =
  | 'no-neighbour'
  | 'network'
  | 'host'
  | 'protocol'
  | 'port'
  | 'too-big'
  | 'prohibited'
  | 'time-exceeded'
  | 'other'

/** A packet of ours that did not arrive. */
export type Unreachable = {
  /** Where it was going. */
  readonly destination: Ip
  readonly reason: UnreachableReason
  /** Who says so; null when we found out ourselves. */
  readonly reportedBy: Ip | null
  /** What the way there carries, in bytes; only with 'too-big'. */
  readonly mtuBytes: number | null
}

/** Errors of the stack and its sockets. */
export type StackErrors = {
  ERR_NO_ROUTE: { readonly destination: Ip; readonly reason: RouteProblem }
  /** The network's MTU leaves `bytesMax` for what was given; nothing here is cut in fragments. */
  ERR_MESSAGE_TOO_LONG: { readonly bytes: number; readonly bytesMax: number }
  ERR_UNREACHABLE: Unreachable
  ERR_NO_ANSWER: { readonly destination: Ip; readonly timeoutMs: number }
  ERR_TOO_MANY: { readonly what: 'pings' | 'sockets'; readonly max: number }
  ERR_CLOSED: { readonly what: 'stack' | 'socket' }
}

/** Makes the errors of the stack. */
export const stackError: ErrorFactory<StackErrors> = defineErrors<StackErrors>()
