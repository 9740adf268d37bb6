/** A named network namespace of the lab, with a netlink socket inside. */
import { createNamespace, deleteNamespace, inNamespace, Kernel } from '@weft/linux'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { atExit } from './at-exit.ts'

/**
 * Nobody but the lab speaks on its wires: no duplicate address detection to wait for, no router
 * solicitations, no advertised routes.
 */
const QUIET: readonly (readonly [key: string, value: string])[] = [
  ['net.ipv6.conf.default.accept_dad', '0'],
  ['net.ipv6.conf.default.accept_ra', '0'],
  ['net.ipv6.conf.default.router_solicitations', '0'],
]

/**
 * One namespace. It exists under its name from `create` to `close`, and is removed when the
 * process exits without closing it.
 */
export class LabNamespace implements Disposable {
  readonly name: string
  /** Where it is mounted, for others to enter. */
  readonly path: string
  /** Links, addresses and tables inside. */
  readonly kernel: Kernel
  readonly #guard: Disposable
  #closed = false

  private constructor(name: string, path: string) {
    this.name = name
    this.path = path
    this.#guard = atExit(() => void deleteNamespace({ name }))
    this.kernel = Kernel.open(path)
  }

  /**
   * Make a namespace with `lo` up and its network settings (`net.…`, as sysctl names them) as
   * given. Throws ERR_KERNEL: EEXIST for a name taken.
   */
  static create(name: string, settings: { readonly [key: string]: string } = {}): LabNamespace {
    const path = createNamespace({ name }, () => {
      for (const [key, value] of [...QUIET, ...Object.entries(settings)]) writeSetting(key, value)
    })
    const namespace = new LabNamespace(name, path)
    namespace.kernel.links.change('lo', { up: true })
    return namespace
  }

  /** Call `body`, which must be synchronous, with this thread in the namespace. */
  run<Result>(body: () => Result): Result {
    return inNamespace(this.kernel.namespace.fd, body)
  }

  /** Change a network setting (`net.…`, as sysctl names them). Throws the file system's error. */
  set(key: string, value: string): void {
    this.run(() => writeSetting(key, value))
  }

  /** Remove the name; the namespace ends with its last user. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.kernel.close()
    deleteNamespace({ name: this.name })
    this.#guard[Symbol.dispose]()
  }

  /** Let go and leave the namespace there, for a lab that outlives this process. Idempotent. */
  abandon(): void {
    if (this.#closed) return
    this.#closed = true
    this.kernel.close()
    this.#guard[Symbol.dispose]()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** `/proc/sys/net` is that of the namespace the thread is in. */
function writeSetting(key: string, value: string): void {
  writeFileSync(join('/proc/sys', key.replaceAll('.', '/')), value)
}
