/** The one error of this package: what the kernel refused, and in which words. */
import { defineErrors, type WeftError } from '@weft/core'
import { errnoName, errnoText } from './errno.ts'

/** Errors of asking the kernel for something. */
export type LinuxErrors = {
  /**
   * The kernel refused. `operation` is what was tried (`create link`), `object` on what (`vxlan0`),
   * `errno` the symbolic number (`EEXIST`), `diagnostic` the kernel's own words: its extended
   * acknowledgement when it gave one, the C library's text for the number otherwise.
   */
  ERR_KERNEL: {
    readonly operation: string
    readonly object: string
    readonly errno: string
    readonly diagnostic: string
  }
}

/** Makes errors of this package; `kernelError` is the usual way. */
export const linuxError = defineErrors<LinuxErrors>()

/** An ERR_KERNEL as it is thrown. */
export type KernelError = WeftError<'ERR_KERNEL', LinuxErrors['ERR_KERNEL']>

/** What the kernel said about one request that it refused. */
export interface KernelFault {
  /** Symbolic number, like `EEXIST`. */
  readonly errno: string
  /** The kernel's own words. */
  readonly diagnostic: string
}

/** The fault for an error number, positive or negative; `words` replace the C library's text. */
export function kernelFault(code: number, words?: string): KernelFault {
  const number = Math.abs(code)
  return { errno: errnoName(number), diagnostic: words ?? errnoText(number) }
}

/** What was tried, and on what: the head of every kernel error. */
export interface Attempt {
  readonly operation: string
  readonly object: string
}

/** The error for a refused attempt. */
export function kernelError(attempt: Attempt, fault: KernelFault): KernelError {
  return linuxError('ERR_KERNEL', 'the kernel refused', {
    operation: attempt.operation,
    object: attempt.object,
    errno: fault.errno,
    diagnostic: fault.diagnostic,
  })
}

/** Hand on the result of a system call; throws ERR_KERNEL when it is a negative error number. */
export function checked(result: number, operation: string, object: string): number {
  if (result < 0) throw kernelError({ operation, object }, kernelFault(result))
  return result
}

/** True when a caught value is an ERR_KERNEL with one of these error numbers (`'ENODEV'`, …). */
export function isKernelError(error: unknown, ...errnos: readonly string[]): error is KernelError {
  const details = (error as { details?: { errno?: unknown } } | null)?.details
  const code = (error as { code?: unknown } | null)?.code
  if (code !== 'ERR_KERNEL' || typeof details?.errno !== 'string') return false
  return errnos.length === 0 || errnos.includes(details.errno)
}
