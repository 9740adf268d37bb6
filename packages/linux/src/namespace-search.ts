/** All network namespaces one can get at: through processes and through names. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { listNamespaces, NAMESPACE_DIRECTORY } from './named-namespaces.ts'
import { namespaceIdentity } from './namespaces.ts'

/** A namespace and the ways to it. */
export interface ReachableNamespace {
  /** `device:inode`. */
  readonly identity: string
  /** A path that `openNamespace` takes: a name if it has one. */
  readonly path: string
  /** Paths of its names. */
  readonly names: readonly string[]
  /** Processes that live in it (by their main thread). */
  readonly pids: readonly number[]
}

/**
 * Who has which namespace, as far as permissions let one see. A snapshot: processes come and go.
 * A namespace held only by a descriptor or by a socket does not show. Never throws.
 */
export function findNamespaces(
  directories: readonly string[] = [NAMESPACE_DIRECTORY],
): ReachableNamespace[] {
  const found = new Map<string, { names: string[]; pids: number[] }>()
  const entry = (identity: string): { names: string[]; pids: number[] } => {
    const present = found.get(identity) ?? { names: [], pids: [] }
    found.set(identity, present)
    return present
  }
  for (const directory of directories) {
    for (const name of listNamespaces(directory)) {
      const path = join(directory, name)
      const identity = identityOrNull(path)
      if (identity !== null) entry(identity).names.push(path)
    }
  }
  for (const pid of processes()) {
    const identity = identityOrNull(`/proc/${pid}/ns/net`)
    if (identity !== null) entry(identity).pids.push(pid)
  }
  return [...found].map(([identity, { names, pids }]) => {
    return { identity, path: names[0] ?? `/proc/${pids[0] ?? 'self'}/ns/net`, names, pids }
  })
}

function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
}

/** Null also for what one may not look at, or what has just gone. */
function identityOrNull(path: string): string | null {
  try {
    return namespaceIdentity(path)
  } catch {
    return null
  }
}
