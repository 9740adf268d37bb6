/** Failures of one pass, one per item, and how a live host's refusals become them. */
import { hasCode, WeftError } from '@weft/core'
import { dataplaneError, type ItemFailure } from './dataplane.ts'
import type { ItemError } from './item-errors.ts'

/** What a host said to a request that it refused; an ERR_KERNEL has it among its details. */
export interface HostRefusal {
  /** What was tried. */
  readonly operation: string
  /** Symbolic number, like `EEXIST`. */
  readonly errno: string
  /** The host's own words. */
  readonly diagnostic: string
}

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
   * Do something for an item; what the host refuses becomes the item's failure. True when it went
   * well. Errors that are already an item's pass through; all others are bugs and thrown.
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

  /** The same for work that takes its time. */
  async attemptAsync(item: string, work: () => Promise<void>): Promise<boolean> {
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
  const refusal = refusalIn(error)
  if (refusal === null) throw error
  return hostError(item, refusal, error)
}

/** ERR_HOST in the host's words; a missing privilege is told as what it is. */
export function hostError(item: string, refusal: HostRefusal, cause?: unknown): ItemError {
  const { diagnostic, errno, operation } = refusal
  if (errno === 'EPERM' || errno === 'EACCES') {
    const capability = `privilege to ${operation}`
    return dataplaneError('ERR_UNSUPPORTED', 'not permitted', { item, capability }, cause)
  }
  const details = { item, operation, diagnostic: `${errno}: ${diagnostic}` }
  return dataplaneError('ERR_HOST', 'the host refused', details, cause)
}

function isItemError(error: unknown): error is ItemError {
  return error instanceof WeftError && typeof error.details['item'] === 'string'
}

/** The door to the kernel is no neighbour of this package: its one error is known by its code. */
function refusalIn(error: unknown): HostRefusal | null {
  if (!hasCode(error, 'ERR_KERNEL')) return null
  const { diagnostic, errno, object, operation } = error.details
  if (typeof errno !== 'string' || typeof diagnostic !== 'string') return null
  return { operation: `${String(operation)} ${String(object)}`, errno, diagnostic }
}
