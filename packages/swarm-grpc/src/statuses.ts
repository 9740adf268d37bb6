/** SwarmErrors and gRPC statuses, one kind each, both ways; the text travels as it is. */
import { Code, ConnectError } from '@connectrpc/connect'
import {
  GRPC_STATUS,
  isSwarmError,
  swarmError,
  type SwarmErrorCode,
  type SwarmErrors,
} from '@weft/swarm'
import type { WeftError } from '@weft/core'

/** Docker's words for a version that is not the current one; its status is Unknown. */
const OUT_OF_SEQUENCE = 'update out of sequence'

type ToError = (message: string, subject: string, cause: unknown) => WeftError

const plain =
  (code: Exclude<SwarmErrorCode, 'ERR_ALREADY_EXISTS' | 'ERR_UNTRUSTED'>): ToError =>
  (message, subject, cause) =>
    swarmError<keyof SwarmErrors>(code, message, { subject } as SwarmErrors[typeof code], cause)

const FROM_STATUS: ReadonlyMap<Code, ToError> = new Map<Code, ToError>([
  [Code.InvalidArgument, plain('ERR_INVALID_ARGUMENT')],
  [Code.NotFound, plain('ERR_NOT_FOUND')],
  [
    Code.AlreadyExists,
    (message, subject, cause) =>
      swarmError('ERR_ALREADY_EXISTS', message, { subject, owner: '' }, cause),
  ],
  [Code.PermissionDenied, plain('ERR_PERMISSION_DENIED')],
  [Code.Unauthenticated, plain('ERR_PERMISSION_DENIED')],
  [Code.ResourceExhausted, plain('ERR_EXHAUSTED')],
  [Code.FailedPrecondition, plain('ERR_PRECONDITION')],
  [Code.Aborted, plain('ERR_ABORTED')],
  [Code.Unimplemented, plain('ERR_UNIMPLEMENTED')],
])
const unavailable = plain('ERR_UNAVAILABLE')

/** The status that a caller gets; null for what is no business of callers: a bug, a full disk. */
export function toStatus(error: unknown): ConnectError | null {
  if (error instanceof ConnectError) return error
  if (!isSwarmError(error)) return null
  return new ConnectError(error.message, GRPC_STATUS[error.code])
}

/**
 * What a failed call means to who called. Only what the other side said itself is taken at its
 * word: connections that break look like statuses too, and are ERR_UNAVAILABLE.
 */
export function fromStatus(error: unknown, subject: string): WeftError {
  const status = ConnectError.from(error)
  const isTold = status.isWireError || status.code === Code.Unimplemented
  if (!isTold) return unavailable(status.rawMessage, subject, error)
  if (status.code === Code.Unknown && status.rawMessage.includes(OUT_OF_SEQUENCE)) {
    return plain('ERR_OUT_OF_SEQUENCE')(status.rawMessage, subject, error)
  }
  return (FROM_STATUS.get(status.code) ?? unavailable)(status.rawMessage, subject, error)
}
