/** Waiting for several descriptors at once, for a worker thread of one's own. */
import { assert, setU16le, setU32le, u16le } from '@weft/core'
import { errno } from './errno.ts'
import { checked } from './errors.ts'
import { PinnedMemory } from './pinned-memory.ts'
import { POLL } from './socket-numbers.ts'
import { pinned } from './syscalls.ts'

/** Descriptors of one set: endpoints of a host, sockets, and a way to be woken. */
export const POLL_ENTRIES_MAX = 8192

/**
 * The longest wait. A thread in poll() cannot be terminated, and `process.exit` waits for it: what
 * is to end promptly has a `WakeEvent` in its set, and this is the backstop.
 */
export const POLL_WAIT_MS_MAX = 10_000

/** What to wait for. */
export type PollInterest = 'readable' | 'writable' | 'both'

const EVENTS: { readonly [interest in PollInterest]: number } = {
  readable: POLL.IN,
  writable: POLL.OUT,
  both: POLL.IN | POLL.OUT,
}

/** `struct pollfd`: descriptor, events at 4, what happened at 6. */
const ENTRY_BYTES = 8
const ENTRIES_AT_FIRST = 64

/**
 * A set for poll(). Blocks its thread: never for the main one. Nothing is allocated per wait.
 * Invariant: entries lie without gaps; the one removed makes room for the last.
 */
export class PollSet {
  #memory = PinnedMemory.allocate(ENTRIES_AT_FIRST * ENTRY_BYTES)
  readonly #indexes = new Map<number, number>()
  readonly #fds: number[] = []

  /** Wait for this descriptor too, or for something else of it. */
  add(fd: number, interest: PollInterest): void {
    const index = this.#indexes.get(fd) ?? this.#append(fd)
    const at = index * ENTRY_BYTES
    setU32le(this.#memory.bytes, at, fd)
    setU16le(this.#memory.bytes, at + 4, EVENTS[interest])
    setU16le(this.#memory.bytes, at + 6, 0)
  }

  /** Wait for it no more: before it is closed, or a stranger may get its number. */
  remove(fd: number): void {
    const index = this.#indexes.get(fd)
    if (index === undefined) return
    const last = this.#fds.length - 1
    const moved = this.#fds[last] as number
    const { bytes } = this.#memory
    bytes.copyWithin(index * ENTRY_BYTES, last * ENTRY_BYTES, (last + 1) * ENTRY_BYTES)
    this.#fds[index] = moved
    this.#indexes.set(moved, index)
    this.#indexes.delete(fd)
    this.#fds.pop()
  }

  /**
   * Wait until something happens, at most `timeoutMs`. Of how many descriptors something did; 0
   * after a signal as well. Throws ERR_KERNEL.
   */
  wait(timeoutMs: number): number {
    assert(timeoutMs >= 0 && timeoutMs <= POLL_WAIT_MS_MAX, 'a wait has an end')
    const result = pinned.poll(this.#memory.addressAt(0), this.#fds.length, timeoutMs)
    if (result === -errno.EINTR) return this.#forget()
    // What is only said of errors is not made for each wait.
    return result < 0 ? checked(result, 'poll', `${this.#fds.length} descriptors`) : result
  }

  /** After `wait`: there is something to read, or an error that reading will tell. */
  isReadable(fd: number): boolean {
    return (this.#happened(fd) & (POLL.IN | POLL.ERR | POLL.HUP)) !== 0
  }

  /** After `wait`: there is room to write. */
  isWritable(fd: number): boolean {
    return (this.#happened(fd) & POLL.OUT) !== 0
  }

  /** After `wait`: it is good for nothing any more: closed, or its device is gone. */
  isBroken(fd: number): boolean {
    return (this.#happened(fd) & (POLL.ERR | POLL.HUP | POLL.NVAL)) !== 0
  }

  #happened(fd: number): number {
    const index = this.#indexes.get(fd)
    return index === undefined ? 0 : u16le(this.#memory.bytes, index * ENTRY_BYTES + 6)
  }

  #append(fd: number): number {
    const index = this.#fds.length
    assert(index < POLL_ENTRIES_MAX, 'there are too many descriptors to wait for')
    if ((index + 1) * ENTRY_BYTES > this.#memory.bytes.length) {
      const grown = PinnedMemory.allocate(2 * this.#memory.bytes.length)
      grown.bytes.set(this.#memory.bytes)
      this.#memory = grown
    }
    this.#fds.push(fd)
    this.#indexes.set(fd, index)
    return index
  }

  /** An interrupted poll leaves what happened before. */
  #forget(): number {
    this.#fds.forEach((_, i) => setU16le(this.#memory.bytes, i * ENTRY_BYTES + 6, 0))
    return 0
  }
}
