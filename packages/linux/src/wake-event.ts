/** Waking a thread that waits: an eventfd that both sides know by its number. */
import { checked } from './errors.ts'
import { EFD } from './socket-numbers.ts'
import { sys } from './syscalls.ts'

/** eventfd(2) takes and gives a 64-bit number. */
const ONE = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)

/**
 * Made by one thread, adopted by another through its descriptor, waited for in a `PollSet`. Wakes
 * add up until they are cleared, so none is lost.
 */
export class WakeEvent implements Disposable {
  readonly fd: number
  readonly #owned: boolean
  #open = true

  private constructor(fd: number, owned: boolean) {
    this.fd = fd
    this.#owned = owned
  }

  /** A new one, which its maker closes. Throws ERR_KERNEL. */
  static open(): WakeEvent {
    const fd = checked(sys.eventfd(0, EFD.CLOEXEC | EFD.NONBLOCK), 'open eventfd', 'wake')
    return new WakeEvent(fd, true)
  }

  /** One that another thread has opened, and will close. */
  static adopt(fd: number): WakeEvent {
    return new WakeEvent(fd, false)
  }

  /** Wake whoever waits, now or next time. From any thread; at exit too, as it is synchronous. */
  wake(): void {
    // It can fail only when so many wakes wait that one more makes no difference.
    if (this.#open) sys.write(this.fd, ONE, ONE.length)
  }

  /** Forget the wakes up to now; false when there was none. */
  clear(): boolean {
    return this.#open && sys.read(this.fd, new Uint8Array(8), 8) > 0
  }

  /** Idempotent. After it, waking does nothing. */
  close(): void {
    if (this.#open && this.#owned) sys.close(this.fd)
    this.#open = false
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
