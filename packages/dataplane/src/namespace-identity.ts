/** Whether the namespace that a path leads to is the one that was meant. */
import { dataplaneError } from './dataplane.ts'
import type { NetnsAttachment } from './desired-state.ts'
import type { ItemError } from './item-errors.ts'

/** A namespace that was opened, and the one that it must not be; each as `device:inode`. */
export interface FoundNamespace {
  readonly identity: string
  /** The namespace whose addresses carry the tunnels. */
  readonly underlay: string
}

/**
 * ERR_ATTACHMENT_MISSING when an opened namespace is not what an endpoint wants; null when it is.
 * The host's own is never wanted: a number in /proc goes to another process after its first has
 * ended, and that one is most often the host's.
 */
export function namespaceError(
  item: string,
  { identity, path }: NetnsAttachment,
  found: FoundNamespace,
): ItemError | null {
  const refuse = (problem: string): ItemError =>
    dataplaneError('ERR_ATTACHMENT_MISSING', problem, { item, attachment: path })
  if (found.identity === found.underlay) {
    return refuse('the network namespace is the host’s own, not a container’s')
  }
  if (identity === undefined || identity === found.identity) return null
  return refuse('the path leads to another network namespace by now')
}
