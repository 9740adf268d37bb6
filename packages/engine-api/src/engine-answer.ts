/** Errors as Docker's API tells them: `{message}` with a status, and ours beside it. */
import { describeError, WeftError, type Logger } from '@weft/core'
import { GRPC_STATUS, isSwarmError, type SwarmErrorCode } from '@weft/swarm'

/**
 * Where an error came from. What the control plane refuses, dockerd hears by gRPC and hands on with
 * gRPC's words; scripts know them so.
 */
export type ErrorRoad = 'node' | 'control'

/** An answer that is an error. `code` and `details` are ours: Docker's clients pass them over. */
export interface ErrorAnswer {
  readonly status: number
  readonly body: { readonly message: string; readonly code?: string; readonly details?: object }
}

const STATUS: Readonly<Record<SwarmErrorCode, number>> = {
  ERR_INVALID_ARGUMENT: 400,
  ERR_NOT_FOUND: 404,
  ERR_ALREADY_EXISTS: 409,
  ERR_PERMISSION_DENIED: 403,
  ERR_EXHAUSTED: 503,
  ERR_PRECONDITION: 503,
  ERR_OUT_OF_SEQUENCE: 500,
  ERR_ABORTED: 500,
  ERR_UNIMPLEMENTED: 501,
  ERR_UNAVAILABLE: 503,
  ERR_UNTRUSTED: 500,
}

/** What a dataplane says of an endpoint that was asked for. */
const ENDPOINT_STATUS: ReadonlyMap<string, number> = new Map([
  ['ERR_ATTACHMENT_MISSING', 404],
  ['ERR_CONFLICT', 409],
  ['ERR_INVALID_ITEM', 400],
  ['ERR_UNSUPPORTED', 501],
])

/** Names of google.golang.org/grpc/codes, as they stand in its errors. */
const GRPC_NAME: Readonly<Record<number, string>> = {
  2: 'Unknown',
  3: 'InvalidArgument',
  5: 'NotFound',
  6: 'AlreadyExists',
  7: 'PermissionDenied',
  8: 'ResourceExhausted',
  9: 'FailedPrecondition',
  10: 'Aborted',
  12: 'Unimplemented',
  14: 'Unavailable',
  16: 'Unauthenticated',
}

/** The answer to a request that failed. What is no WeftError is a bug: logged, and not told. */
export function errorAnswer(error: unknown, road: ErrorRoad, log: Logger): ErrorAnswer {
  if (!(error instanceof WeftError)) {
    log.error('a request failed unexpectedly', { error })
    return { status: 500, body: { message: 'internal error: see the log of weftd' } }
  }
  const { code, details } = error
  if (!isSwarmError(error)) {
    const status = ENDPOINT_STATUS.get(code) ?? 500
    return { status, body: { message: describeError(error), code, details } }
  }
  const known = error.code
  if (road === 'node') {
    return { status: STATUS[known], body: { message: error.message, code, details } }
  }
  const name = GRPC_NAME[GRPC_STATUS[known]] ?? 'Unknown'
  const message = `rpc error: code = ${name} desc = ${error.message}`
  const status = known === 'ERR_PRECONDITION' ? 400 : STATUS[known]
  return { status, body: { message, code, details } }
}
