/** Asking now and then whether the kernel changed something: no thread waits for it. */
import { errno } from './errno.ts'
import { openMonitorFd, type MonitorOptions } from './monitor.ts'
import { MSG } from './socket-numbers.ts'
import { receive, sys } from './syscalls.ts'

/** Notifications that one look takes; those of a torrent are left for the next. */
export const POLLED_NOTICES_MAX = 4096

/** Notifications are thrown away unread, so the least that a call can take is enough. */
const PIECE = new Uint8Array(16)

/**
 * For those who look at things regularly anyway, and whom it suffices to know that something
 * changed. A thread of its own, as `openMonitor` has, takes ten megabytes.
 */
export class PolledMonitor implements Disposable {
  #fd: number

  private constructor(fd: number) {
    this.#fd = fd
  }

  /** Remember from now on what changes. Throws ERR_KERNEL. */
  static open(options: MonitorOptions): PolledMonitor {
    return new PolledMonitor(openMonitorFd(options))
  }

  /** Whether something changed since the last call, or may have; costs one system call if not. */
  takeChanged(): boolean {
    let changed = false
    for (let i = 0; this.#fd >= 0 && i < POLLED_NOTICES_MAX; i++) {
      const result = receive(this.#fd, PIECE, MSG.DONTWAIT)
      if (result === -errno.EAGAIN) return changed
      // What was lost (ENOBUFS), and whatever else goes wrong, may have been a change.
      if (result !== -errno.EINTR) changed = true
    }
    return changed
  }

  /** Idempotent. */
  close(): void {
    if (this.#fd >= 0) sys.close(this.#fd)
    this.#fd = -1
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
