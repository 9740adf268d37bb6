/** Namespaces with a name: a mount in a directory, as iproute2 keeps them. */
import { lstatSync, mkdirSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { valueError } from '@weft/core'
import { errno } from './errno.ts'
import { checked, kernelError, kernelFault } from './errors.ts'
import {
  assertSynchronous,
  CURRENT_NAMESPACE,
  inNamespace,
  inNewNamespace,
  NSFS_MAGIC,
} from './namespaces.ts'
import { O } from './socket-numbers.ts'
import { sys } from './syscalls.ts'

/** Where `ip netns` keeps names. */
export const NAMESPACE_DIRECTORY = '/run/netns'

/** Mount flags (linux/mount.h). */
const MS = { BIND: 0x1000, REC: 0x4000, SHARED: 0x100000 } as const

/** MNT_DETACH (linux/fs.h): gone from the tree at once, from memory with its last user. */
const MNT_DETACH = 2

/** UMOUNT_NOFOLLOW: a symbolic link is not followed. */
const UMOUNT_NOFOLLOW = 8

/** How a namespace is named. */
export interface NamespaceName {
  readonly name: string
  /** NAMESPACE_DIRECTORY when left out. */
  readonly directory?: string
}

/**
 * Make a namespace with a name and return its path. `prepare` runs inside before anybody can see
 * the name: what it sets up is there from the first moment. When it throws, nothing stays. Must
 * be synchronous. Throws ERR_INVALID_VALUE for a name that is no file name, ERR_KERNEL: EEXIST
 * for one taken.
 */
export function createNamespace(where: NamespaceName, prepare?: () => unknown): string {
  const path = namespacePath(where)
  prepareDirectory(where.directory ?? NAMESPACE_DIRECTORY)
  inNewNamespace(() => {
    assertSynchronous(prepare?.())
    mountCurrent(path)
  })
  return path
}

/**
 * Give a namespace that is held open a name, and return its path. Throws ERR_INVALID_VALUE for a
 * name that is no file name, ERR_KERNEL: EEXIST for one taken.
 */
export function nameNamespace(where: NamespaceName, namespace: number): string {
  const path = namespacePath(where)
  prepareDirectory(where.directory ?? NAMESPACE_DIRECTORY)
  inNamespace(namespace, () => mountCurrent(path))
  return path
}

/**
 * Remove the name of a namespace; it ends with its last user. False when there was none. Throws
 * ERR_KERNEL: EINVAL for a file that is no namespace.
 */
export function deleteNamespace(where: NamespaceName): boolean {
  const path = namespacePath(where)
  const file = lstatSync(path, { throwIfNoEntry: false })
  if (file === undefined) return false
  if (isNamespace(path)) {
    checked(sys.umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW), 'unmount namespace', path)
  } else if (!file.isFile() || file.size > 0) {
    // An empty file is a name whose mount a crash prevented. Anything else is not ours.
    checked(-errno.EINVAL, 'delete namespace', path)
  }
  rmSync(path, { force: true })
  return true
}

/** Names of the namespaces in a directory, sorted; other files are passed over. */
export function listNamespaces(directory: string = NAMESPACE_DIRECTORY): string[] {
  try {
    return readdirSync(directory).filter((name) => isNamespace(join(directory, name))).sort()
  } catch {
    return []
  }
}

/** Where a named namespace is, or would be. Throws ERR_INVALID_VALUE. */
export function namespacePath({ name, directory = NAMESPACE_DIRECTORY }: NamespaceName): string {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name) || name.length > 255) {
    throw valueError('ERR_INVALID_VALUE', 'not a namespace name', {
      kind: 'namespace-name',
      text: name,
      expected: 'a file name of at most 255 bytes',
    })
  }
  return join(directory, name)
}

function isNamespace(path: string): boolean {
  try {
    return statfsSync(path).type === NSFS_MAGIC
  } catch {
    return false
  }
}

/** Give the namespace of this thread a name. */
function mountCurrent(path: string): void {
  const flags = O.RDONLY | O.CREAT | O.EXCL | O.CLOEXEC
  sys.close(checked(sys.open(path, flags, 0o444), 'name namespace', path))
  const mounted = sys.mount(CURRENT_NAMESPACE, path, null, MS.BIND, null)
  if (mounted < 0) {
    rmSync(path, { force: true })
    throw kernelError({ operation: 'mount namespace', object: path }, kernelFault(mounted))
  }
}

/**
 * As iproute2 does: the directory is a shared mount, so that names made here reach the mount
 * namespaces of others. Where that is not allowed names are only visible here, which is bearable.
 */
function prepareDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  if (sys.mount('', directory, 'none', MS.SHARED | MS.REC, null) === 0) return
  if (sys.mount(directory, directory, 'none', MS.BIND | MS.REC, null) < 0) return
  sys.mount('', directory, 'none', MS.SHARED | MS.REC, null)
}
