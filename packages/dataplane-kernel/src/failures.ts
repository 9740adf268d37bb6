/** Failures of one pass, one per item, and how the kernel's refusals become them. */
import {
  dataplaneError,
  type DataplaneErrors,
  type ItemFailure,
} from '@weft/dataplane'
import type { ErrorsOf } from '@weft/core'
import { isKernelError, type KernelFault } from '@weft/linux'

/** Any error an item can fail with. */
export type ItemError = ErrorsOf<DataplaneErrors>

/** Gathers failures; the first of an item is the one that tells why. */
export class FailureLog {
  readonly #failures = new Map<string, ItemFailure>()

  /** Record a failure under the item. */
  add(item: string, error: ItemError): void {
    if (!this.#failures.has(item)) this.#failures.set(item, { item, error })
  }

  /** True when the item has failed in this pass. */
  has(item: string): boolean {
    return this.#failures.has(item)
  }

  /** All, in the order they happened. */
  list(): readonly ItemFailure[] {
    return [...this.#failures.values()]
  }

  /**
   * Do something for an item; what the kernel refuses becomes the item's failure. True when it
   * went well. Errors that are already an item's pass through; all others are bugs and thrown.
   */
  attempt(item: string, work: () => void): boolean {
    try {
      work()
      return true
    } catch (error) {
      this.add(item, itemErrorOf(item, error))
      return false
    }
  }
}

/** The item's error for something thrown; throws what is no failed operation. */
export function itemErrorOf(item: string, error: unknown): ItemError {
  if (isItemError(error)) return error
  if (!isKernelError(error)) throw error
  const { diagnostic, errno, object, operation } = error.details
  return hostError(item, { operation: `${operation} ${object}`, errno, diagnostic }, error)
}

/** ERR_HOST in the kernel's words; a missing privilege is told as what it is. */
export function hostError(
  item: string,
  refusal: KernelFault & { readonly operation: string },
  cause?: unknown,
): ItemError {
  const { diagnostic, errno, operation } = refusal
  if (errno === 'EPERM' || errno === 'EACCES') {
    const capability = `privilege to ${operation}`
    return dataplaneError('ERR_UNSUPPORTED', 'not permitted', { item, capability }, cause)
  }
  const details = { item, operation, diagnostic: `${errno}: ${diagnostic}` }
  return dataplaneError('ERR_HOST', 'the kernel refused', details, cause)
}

/** ERR_CONFLICT. */
export function conflict(item: string, owner: string, cause?: unknown): ItemError {
  return dataplaneError('ERR_CONFLICT', 'what the item needs is taken', { item, owner }, cause)
}

/** ERR_DEPENDENCY. */
export function dependency(item: string, dependsOn: string): ItemError {
  return dataplaneError('ERR_DEPENDENCY', 'what the item needs has failed', { item, dependsOn })
}

function isItemError(error: unknown): error is ItemError {
  const details = (error as { details?: { item?: unknown } } | null)?.details
  return error instanceof Error && typeof details?.item === 'string'
}
