/** Why a cluster refused: the same few kinds on every road, with Docker's words as the message. */
import { defineErrors, WeftError } from '@weft/core'

/**
 * Failed operations of a cluster. Each kind is one gRPC status (docker-wire §7.5, §7.6) and one
 * HTTP status of the Engine API; the message is what Docker says, so that scripts go on working.
 */
export type SwarmErrors = {
  /** The request itself is wrong. gRPC 3, HTTP 400. */
  ERR_INVALID_ARGUMENT: { readonly subject: string }
  /** No such object. gRPC 5, HTTP 404. */
  ERR_NOT_FOUND: { readonly subject: string }
  /** A name, a subnet or an address that something else has. gRPC 6, HTTP 409. */
  ERR_ALREADY_EXISTS: { readonly subject: string; readonly owner: string }
  /** No certificate, one of the wrong role, or one that was taken back. gRPC 7, HTTP 403. */
  ERR_PERMISSION_DENIED: { readonly subject: string }
  /** A pool or a rate limit is used up. gRPC 8, HTTP 503. */
  ERR_EXHAUSTED: { readonly subject: string }
  /** Not as things are: in use, not a manager, part of a swarm already. gRPC 9, HTTP 400 or 503. */
  ERR_PRECONDITION: { readonly subject: string }
  /** The object changed since it was read (Docker: "update out of sequence"). gRPC 2, HTTP 500. */
  ERR_OUT_OF_SEQUENCE: { readonly subject: string }
  /** The server ends the conversation: "node must disconnect", "dispatcher is stopped". gRPC 10. */
  ERR_ABORTED: { readonly subject: string }
  /** The method or feature is not there. gRPC 12, HTTP 501. */
  ERR_UNIMPLEMENTED: { readonly subject: string }
  /** Nobody answers, or not in time. gRPC 14 and 4, HTTP 503. */
  ERR_UNAVAILABLE: { readonly subject: string }
  /** The other side's identity is not what it must be: digest, name, validity, clock. */
  ERR_UNTRUSTED: { readonly subject: string; readonly problem: string }
}

/** Makes errors of clusters. */
export const swarmError = defineErrors<SwarmErrors>()

/** Codes of SwarmErrors. */
export type SwarmErrorCode = keyof SwarmErrors

/** gRPC status of each kind (google.golang.org/grpc/codes). ERR_UNTRUSTED never travels. */
export const GRPC_STATUS = {
  ERR_INVALID_ARGUMENT: 3,
  ERR_NOT_FOUND: 5,
  ERR_ALREADY_EXISTS: 6,
  ERR_PERMISSION_DENIED: 7,
  ERR_EXHAUSTED: 8,
  ERR_PRECONDITION: 9,
  ERR_OUT_OF_SEQUENCE: 2,
  ERR_ABORTED: 10,
  ERR_UNIMPLEMENTED: 12,
  ERR_UNAVAILABLE: 14,
  ERR_UNTRUSTED: 16,
} as const satisfies { readonly [Code in SwarmErrorCode]: number }

/** True for a WeftError of this family. */
export function isSwarmError(error: unknown): error is WeftError<SwarmErrorCode> {
  return error instanceof WeftError && error.code in GRPC_STATUS
}
