/** The timers of a membership core, on a clock that stands still when the process does. */
import { TaskQueue, type Instant } from '@weft/core'

/** For so long after a stall nothing fires: what waits in the sockets is heard first, in ms. */
export const STALL_HEARING_MS = 50

/**
 * Timers that count the time in which this process ran. When it wakes from a stall, the operating
 * system offers expired timers before the datagrams that came meanwhile, answers and refutations
 * among them. So a stall moves every timer back by its length: what was left of it before is left
 * of it now.
 */
export class Timers {
  readonly #queue = new TaskQueue()
  readonly #stallMs: number
  #now: Instant
  #lostMs = 0
  #holdUntil: number
  #stalls = 0

  /** Delays beyond `stallMs` count as stalls; 0: none do. */
  constructor(now: Instant, stallMs: number) {
    this.#now = now
    this.#holdUntil = now
    this.#stallMs = stallMs
  }

  /** The present, as whoever called the core told it. */
  get now(): Instant {
    return this.#now
  }

  /** Milliseconds for which this process ran; only differences mean something. */
  get ranMs(): number {
    return this.#now - this.#lostMs
  }

  /** Stalls noticed so far. */
  get stalls(): number {
    return this.#stalls
  }

  /** Run `task` once, `ms` after now. Disposing cancels. */
  after(ms: number, task: () => void): Disposable {
    return this.#queue.add(this.ranMs + ms, task)
  }

  /** When the next task is due; null when none waits. */
  nextAt(): number | null {
    const at = this.#queue.nextAt()
    return at === null ? null : Math.max(at + this.#lostMs, this.#holdUntil)
  }

  /** It is `now`. True when that comes so late that this process must have stood still. */
  advance(now: Instant): boolean {
    const next = this.nextAt()
    this.#now = now
    if (this.#stallMs === 0 || next === null || now - next <= this.#stallMs) return false
    this.#lostMs += now - next
    this.#holdUntil = now + STALL_HEARING_MS
    this.#stalls++
    return true
  }

  /** Run what is due. */
  run(): void {
    if (this.#now < this.#holdUntil) return
    for (;;) {
      // As in `nextAt`, to the last bit: a deadline that is past must not stay.
      const at = this.#queue.nextAt()
      if (at === null || at + this.#lostMs > this.#now) return
      this.#queue.take(at)?.run()
    }
  }
}
