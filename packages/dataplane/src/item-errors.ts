/** Errors of single items, as validation and the backends make them. */
import type { ErrorsOf } from '@weft/core'
import { dataplaneError, type DataplaneErrors, type ItemFailure } from './dataplane.ts'
import type { Problem } from './item-checks.ts'

/** Any error that an item can fail with. */
export type ItemError = ErrorsOf<DataplaneErrors>

/** The failure that reports an error under the item it names. */
export function failureOf(error: ItemError): ItemFailure {
  const { details } = error
  return { item: 'item' in details ? details.item : '', error }
}

/** ERR_INVALID_ITEM from a problem. */
export function invalidItem(item: string, problem: Problem): ItemError {
  return dataplaneError('ERR_INVALID_ITEM', 'the item is not well-formed', { item, ...problem })
}

/** ERR_DEPENDENCY. */
export function dependencyError(item: string, dependsOn: string): ItemError {
  return dataplaneError('ERR_DEPENDENCY', 'what the item needs has failed', { item, dependsOn })
}

/** ERR_CONFLICT. */
export function conflictError(item: string, owner: string, cause?: unknown): ItemError {
  return dataplaneError('ERR_CONFLICT', 'what the item needs is taken', { item, owner }, cause)
}

/** ERR_ATTACHMENT_MISSING. */
export function missingError(item: string, attachment: string, cause?: unknown): ItemError {
  const details = { item, attachment }
  return dataplaneError('ERR_ATTACHMENT_MISSING', 'the attachment is not there', details, cause)
}

/** ERR_UNSUPPORTED. */
export function unsupportedError(item: string, capability: string): ItemError {
  return dataplaneError('ERR_UNSUPPORTED', 'the backend lacks what the item needs', {
    item,
    capability,
  })
}
