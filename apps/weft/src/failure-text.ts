/** What a failed command prints, in the words that Docker's client has for it. */
import { describeError, WeftError } from '@weft/core'
import { CommandFailure, EXIT_FAILURE } from './command-failure.ts'

/** Status of a command that the user interrupted (128 and SIGINT). */
export const EXIT_INTERRUPTED = 130

/** An object that was asked for by name. */
export interface Sought {
  readonly kind: 'network' | 'node'
  readonly name: string
}

/**
 * One or more lines, without an end; empty when there is nothing to say. When `sought` is not
 * there Docker's client says so itself, and not what the daemon said.
 */
export function failureText(error: unknown, host: string, sought?: Sought): string {
  if (error instanceof CommandFailure) return error.message
  if (isInterruption(error)) return ''
  if (!(error instanceof WeftError)) return error instanceof Error ? error.message : String(error)
  if (isUnreachable(error)) return unreachableText(error, host)
  if (error.code === 'ERR_ENGINE_ANSWER') return `${host}: ${describeError(error)}`
  if (error.code === 'ERR_KERNEL' || error.cause !== undefined) return describeError(error)
  if (sought !== undefined && error.code === 'ERR_NOT_FOUND') {
    return `Error: No such ${sought.kind}: ${sought.name}`
  }
  return `Error response from daemon: ${error.message.trim()}`
}

/** The exit status that goes with it. */
export function failureStatus(error: unknown): number {
  if (error instanceof CommandFailure) return error.status
  return isInterruption(error) ? EXIT_INTERRUPTED : EXIT_FAILURE
}

/** True when no daemon answered; a daemon that cannot reach a manager says so without a cause. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof WeftError && error.code === 'ERR_UNAVAILABLE' && error.cause !== undefined
}

function isInterruption(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

function unreachableText({ cause }: WeftError, host: string): string {
  const code = (cause as { readonly code?: unknown }).code
  if (code === 'EACCES' || code === 'EPERM') {
    const what = 'Got permission denied while trying to connect to the Weft daemon socket at'
    return `${what} ${host}: be root, or in the group that the socket belongs to`
  }
  return `Cannot connect to the Weft daemon at ${host}. Is weftd running?`
}
