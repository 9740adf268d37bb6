/** Errors as plain data, so that they cross a process boundary and arrive as what they were. */
import { WeftError, type ErrorDetails } from '@weft/core'

/** Causes of causes that are kept; a longer chain is cut. */
export const ERROR_CAUSES_MAX = 8

/** An error that structured clone carries whole. */
export interface ErrorRecord {
  /** Set for a WeftError. */
  readonly code: string | null
  readonly message: string
  readonly details: ErrorDetails
  readonly stack: string
  readonly cause: ErrorRecord | null
}

/** Write an error down. Details must be values that structured clone takes. */
export function recordError(error: unknown, causesMax = ERROR_CAUSES_MAX): ErrorRecord {
  const known = error instanceof WeftError
  const cause = error instanceof Error ? error.cause : undefined
  return {
    code: known ? error.code : null,
    message: error instanceof Error ? error.message : String(error),
    details: known ? error.details : {},
    stack: error instanceof Error ? (error.stack ?? '') : '',
    cause: cause === undefined || causesMax === 0 ? null : recordError(cause, causesMax - 1),
  }
}

/** The error that was written down: a WeftError with its code and details, or a plain Error. */
export function reviveError(record: ErrorRecord): Error {
  const { code, message, details } = record
  const cause = record.cause === null ? undefined : reviveError(record.cause)
  const error =
    code === null ? new Error(message, { cause }) : new WeftError(code, message, details, cause)
  error.stack = record.stack
  return error
}
