/** The way into a container: whether the namespace behind a path is the one that was meant. */
import { hasCode } from '@weft/core'
import { dataplaneError } from './dataplane.ts'
import type { NetnsAttachment } from './desired-state.ts'

/** A namespace that was opened, as the door to the kernel has it. */
export interface OpenedNamespace {
  readonly namespace: { readonly identity: string }
  close(): void
}

/** How a backend opens namespaces. */
export interface NamespaceDoor<Opened extends OpenedNamespace> {
  /** Throws ERR_KERNEL where there is none. */
  open(path: string): Opened
  /** `device:inode` of the namespace whose addresses carry the tunnels: no container's. */
  readonly underlay: string
}

/**
 * The namespace that an endpoint is to be attached in. Throws ERR_ATTACHMENT_MISSING when it is not
 * there, or is not the one meant, or is the host's own: a number in /proc goes to another process
 * after its first has ended, and that one is most often the host's.
 */
export function openContainer<Opened extends OpenedNamespace>(
  item: string,
  attachment: NetnsAttachment,
  door: NamespaceDoor<Opened>,
): Opened {
  const opened = openOrMissing(item, attachment.path, door)
  const problem = problemOf(attachment, opened.namespace.identity, door.underlay)
  if (problem === null) return opened
  opened.close()
  const details = { item, attachment: attachment.path }
  throw dataplaneError('ERR_ATTACHMENT_MISSING', problem, details)
}

function openOrMissing<Opened extends OpenedNamespace>(
  item: string,
  path: string,
  door: NamespaceDoor<Opened>,
): Opened {
  try {
    return door.open(path)
  } catch (error) {
    if (!hasCode(error, 'ERR_KERNEL')) throw error
    const details = { item, attachment: path }
    throw dataplaneError('ERR_ATTACHMENT_MISSING', 'no such network namespace', details, error)
  }
}

function problemOf(
  { identity }: NetnsAttachment,
  found: string,
  underlay: string,
): string | null {
  if (found === underlay) return 'the network namespace is the host’s own, not a container’s'
  if (identity === undefined || identity === found) return null
  return 'the path leads to another network namespace by now'
}
