/** SwarmErrors and gRPC statuses, one kind each, both ways; the text travels as it is. */
import { Code, ConnectError } from '@connectrpc/connect'
import type { WeftError } from '@weft/core'
import { GRPC_STATUS, isSwarmError, swarmError, type SwarmErrorCode } from '@weft/swarm'

/** Docker's words for a version that is not the current one; its status is Unknown. */
const OUT_OF_SEQUENCE = 'update out of sequence'

const CODES: ReadonlyMap<number, Code> = new Map(
  Object.values(Code).flatMap((code) => (typeof code === 'number' ? [[code, code]] : [])),
)

/** What statuses of the other side mean; the rest, Unknown too, is ERR_UNAVAILABLE. */
const KINDS: ReadonlyMap<number, SwarmErrorCode> = new Map<number, SwarmErrorCode>([
  ...(Object.keys(GRPC_STATUS) as SwarmErrorCode[]).map(
    (kind) => [GRPC_STATUS[kind], kind] as const,
  ),
  [Code.Unknown, 'ERR_UNAVAILABLE'],
  [Code.Unauthenticated, 'ERR_PERMISSION_DENIED'],
])

/** The status that a caller gets; null for what is no business of callers: a bug, a full disk. */
export function toStatus(error: unknown): ConnectError | null {
  if (error instanceof ConnectError) return error
  if (!isSwarmError(error)) return null
  return new ConnectError(error.message, CODES.get(GRPC_STATUS[error.code]))
}

/**
 * What a failed call means to who called. Only what the other side said itself is taken at its
 * word: connections that break look like statuses too, and are ERR_UNAVAILABLE.
 */
export function fromStatus(error: unknown, subject: string): WeftError {
  const status = ConnectError.from(error)
  const kind = kindOf(status)
  const details = kind === 'ERR_ALREADY_EXISTS' ? { subject, owner: '' } : { subject }
  return swarmError(kind, status.rawMessage, details, error)
}

function kindOf(status: ConnectError): SwarmErrorCode {
  // Servers that speak no gRPC at all answer with HTTP's 404.
  if (status.code === Code.Unimplemented) return 'ERR_UNIMPLEMENTED'
  if (!status.isWireError) return 'ERR_UNAVAILABLE'
  const isUnknown = status.code === Code.Unknown
  if (isUnknown && status.rawMessage.includes(OUT_OF_SEQUENCE)) return 'ERR_OUT_OF_SEQUENCE'
  return KINDS.get(status.code) ?? 'ERR_UNAVAILABLE'
}
