/** Failures of one pass, one per item, and how the kernel's refusals become them. */
import type { ErrorsOf } from '@weft/core'
import { dataplaneError, type DataplaneErrors, type ItemFailure } from '@weft/dataplane'
import { isKernelError } from '@weft/linux'

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

  /** Do something for an item; what the host refuses is its failure. True when it went well. */
  async attempt(item: string, work: () => Promise<void> | void): Promise<boolean> {
    try {
      await work()
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
  const attempted = `${operation} ${object}`
  if (errno === 'EPERM' || errno === 'EACCES') {
    const capability = `privilege to ${attempted}`
    return dataplaneError('ERR_UNSUPPORTED', 'not permitted', { item, capability }, error)
  }
  const details = { item, operation: attempted, diagnostic: `${errno}: ${diagnostic}` }
  return dataplaneError('ERR_HOST', 'the kernel refused', details, error)
}

/** ERR_CONFLICT. */
export function conflict(item: string, owner: string, cause?: unknown): ItemError {
  return dataplaneError('ERR_CONFLICT', 'what the item needs is taken', { item, owner }, cause)
}

/** ERR_DEPENDENCY. */
export function dependency(item: string, dependsOn: string): ItemError {
  return dataplaneError('ERR_DEPENDENCY', 'what the item needs has failed', { item, dependsOn })
}

/** ERR_ATTACHMENT_MISSING. */
export function missing(item: string, attachment: string, cause?: unknown): ItemError {
  const details = { item, attachment }
  return dataplaneError('ERR_ATTACHMENT_MISSING', 'the attachment is not there', details, cause)
}

function isItemError(error: unknown): error is ItemError {
  const details = (error as { details?: { item?: unknown } } | null)?.details
  return error instanceof Error && typeof details?.item === 'string'
}
