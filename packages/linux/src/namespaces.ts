/** Network namespaces: being in one for the time of a synchronous call, and holding one open. */
import { access, fstatSync, statfsSync, statSync, writeSync } from 'node:fs'
import { assert } from '@weft/core'
import { errno } from './errno.ts'
import { checked } from './errors.ts'
import { O } from './socket-numbers.ts'
import { sys } from './syscalls.ts'

/** CLONE_NEWNET (linux/sched.h). */
export const CLONE_NEWNET = 0x4000_0000

/** Type of the file system that namespaces are files of (linux/magic.h). */
export const NSFS_MAGIC = 0x6e73_6673

/** The namespace of this thread; `/proc/self` would be that of the main thread. */
export const CURRENT_NAMESPACE = '/proc/thread-self/ns/net'

/** A namespace held open. It lives as long as this, whatever its name does. */
export interface NamespaceHandle extends Disposable {
  /** Good for `namespaceFd` of links and for `inNamespace`. */
  readonly fd: number
  /** `device:inode`: the same for every way to this namespace. */
  readonly identity: string
  /** Idempotent. */
  close(): void
}

/**
 * Open the namespace behind a path (`/run/netns/blue`, `/proc/7/ns/net`). Throws ERR_KERNEL: EINVAL
 * for what is no namespace. That is not opened: opening is a deed to a device, and to a pipe a wait
 * without end, also when it takes a namespace's place just now.
 */
export function openNamespace(path: string = CURRENT_NAMESPACE): NamespaceHandle {
  if (path !== CURRENT_NAMESPACE && isSomethingElse(path)) {
    checked(-errno.EINVAL, 'open namespace', path)
  }
  const flags = O.RDONLY | O.CLOEXEC | O.NONBLOCK
  const fd = checked(sys.open(path, flags, 0), 'open namespace', path)
  const { dev, ino } = fstatSync(fd)
  let closed = false
  const close = (): void => {
    if (!closed) sys.close(fd)
    closed = true
  }
  return { fd, identity: `${dev}:${ino}`, close, [Symbol.dispose]: close }
}

/** True for a file of another file system; false for a namespace, and where nothing is. */
function isSomethingElse(path: string): boolean {
  try {
    return statfsSync(path).type !== NSFS_MAGIC
  } catch {
    return false
  }
}

/** `device:inode` of the namespace behind a path; null when nothing is there. */
export function namespaceIdentity(path: string = CURRENT_NAMESPACE): string | null {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? null : `${stat.dev}:${stat.ino}`
}

/**
 * Call `body` with this thread in another namespace, and come back whatever happens. `body` must
 * be synchronous: a promise would go on at home, so returning one is a bug and asserted. Sockets
 * opened inside stay inside. Mind that Node defers much (`listen`, `bind`, `connect`): open the
 * descriptor inside and let Node adopt it. Throws ERR_KERNEL when the namespace cannot be entered.
 */
export function inNamespace<Result>(namespace: string | number, body: () => Result): Result {
  warmThreadPool()
  if (typeof namespace === 'number') return visit(namespace, `descriptor ${namespace}`, body)
  const handle = openNamespace(namespace)
  try {
    return visit(handle.fd, namespace, body)
  } finally {
    handle.close()
  }
}

/**
 * Call `body` in a namespace made for it. It vanishes afterwards unless `body` keeps it alive by a
 * mount, a descriptor or a process. The same rules as `inNamespace`. Throws ERR_KERNEL.
 */
export function inNewNamespace<Result>(body: () => Result): Result {
  warmThreadPool()
  const home = openNamespace()
  try {
    checked(sys.unshare(CLONE_NEWNET), 'create namespace', 'network')
    return finishVisit(home, body)
  } finally {
    home.close()
  }
}

function visit<Result>(fd: number, object: string, body: () => Result): Result {
  const home = openNamespace()
  try {
    checked(sys.setns(fd, CLONE_NEWNET), 'enter namespace', object)
    return finishVisit(home, body)
  } finally {
    home.close()
  }
}

function finishVisit<Result>(home: NamespaceHandle, body: () => Result): Result {
  let result: Result
  try {
    result = body()
  } finally {
    if (sys.setns(home.fd, CLONE_NEWNET) < 0) dieAbroad()
  }
  assertSynchronous(result)
  return result
}

/** A thread that cannot come home would do everything else in the wrong network. */
function dieAbroad(): never {
  writeSync(2, 'weft: the thread cannot return to its network namespace: aborting\n')
  process.abort()
}

/** What goes on later goes on at home: a bug where it was meant for another namespace. */
export function assertSynchronous(result: unknown): void {
  const promise = typeof (result as { then?: unknown } | null | undefined)?.then === 'function'
  assert(!promise, 'what was to happen in another namespace returned a promise')
}

let warm = false

/**
 * Threads of libuv's pool are made at its first use and stay in the namespace they were made in,
 * so that use must happen at home.
 */
function warmThreadPool(): void {
  if (warm) return
  warm = true
  access('/', () => undefined)
}
