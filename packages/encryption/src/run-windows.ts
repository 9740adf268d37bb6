/** Replay windows for a sender that may begin anew: one for each of its runs. */
import type { ReplayFault } from './replay-window.ts'
import { ReplayWindow } from './replay-window.ts'

/** Runs of one sender that each have a window: the one that is, and those just before it. */
export const RUNS_MAX = 4

/** Runs before those, of which only the highest sequence number is kept. */
export const PAST_RUNS_MAX = 256

/** One life of a sender, from a start to the next. */
interface Run {
  high: number
  low: number
  /** Up to here everything is too old: the run was put away once. */
  floor: number
  readonly window: ReplayWindow
  /** The latest is the largest. */
  used: number
}

/**
 * A sender that restarts begins with sequence number 1 again, and stock engines cannot say so. But
 * its vectors say it: Linux's and ours are the sequence number under a mask of 64 random bits that
 * is drawn at each start (seqiv, RFC 4106 §3), so that vector and number tell the run. Both are
 * authenticated. A mask of zero is that of a sender without any: its runs look alike, and it gets
 * no window. Only what is authentic makes a run.
 */
export class RunWindows {
  readonly #packets: number
  readonly #runs: Run[] = []
  /** Triples of mask, high and low, and the highest sequence number. Made when it is needed. */
  #past: Float64Array | null = null
  #pastNext = 0
  #clock = 0

  /** Windows of this many packets: see ReplayWindow. */
  constructor(packets: number) {
    this.#packets = packets
    this.#runs.push(emptyRun(packets))
  }

  /** Why a packet of the run with this mask must not be received, or null. Changes nothing. */
  refusal(sequence: number, high: number, low: number): ReplayFault | null {
    if (high === 0 && low === 0) return null
    const run = this.#find(high, low)
    if (run !== null) return sequence <= run.floor ? 'late' : run.window.refusal(sequence)
    return sequence <= this.#pastTop(high, low) ? 'late' : null
  }

  /** Mark a number as received. Only for packets that are authentic, and that nothing refused. */
  accept(sequence: number, high: number, low: number): void {
    if (high === 0 && low === 0) return
    const run = this.#find(high, low) ?? this.#begin(high, low)
    run.used = ++this.#clock
    run.window.accept(sequence)
  }

  #find(high: number, low: number): Run | null {
    // By index: an iterator would be an object for each packet.
    for (let i = 0; i < this.#runs.length; i++) {
      const run = this.#runs[i] as Run
      if (run.low === low && run.high === high && run.used > 0) return run
    }
    return null
  }

  #begin(high: number, low: number): Run {
    const floor = this.#pastTop(high, low)
    const run = this.#free()
    if (run.used > 0) this.#putAway(run)
    run.window.clear()
    return Object.assign(run, { high, low, floor })
  }

  /** One that was never used, or the one that was used the longest time ago. */
  #free(): Run {
    let oldest = this.#runs[0] as Run
    for (const run of this.#runs) if (run.used < oldest.used) oldest = run
    if (oldest.used === 0 || this.#runs.length === RUNS_MAX) return oldest
    const made = emptyRun(this.#packets)
    this.#runs.push(made)
    return made
  }

  #putAway({ high, low, floor, window }: Run): void {
    this.#past ??= new Float64Array(3 * PAST_RUNS_MAX)
    const at = this.#pastAt(high, low)
    const slot = at >= 0 ? at : this.#pastNext
    if (at < 0) this.#pastNext = (this.#pastNext + 3) % this.#past.length
    this.#past[slot] = high
    this.#past[slot + 1] = low
    this.#past[slot + 2] = Math.max(floor, window.top)
  }

  /** The highest number of a run that was put away; 0 for one that nobody remembers. */
  #pastTop(high: number, low: number): number {
    const at = this.#pastAt(high, low)
    return at < 0 ? 0 : (this.#past?.[at + 2] ?? 0)
  }

  #pastAt(high: number, low: number): number {
    const past = this.#past
    if (past === null) return -1
    for (let at = 0; at < past.length; at += 3) {
      if (past[at + 1] === low && past[at] === high && past[at + 2] !== 0) return at
    }
    return -1
  }
}

function emptyRun(packets: number): Run {
  return { high: 0, low: 0, floor: 0, window: new ReplayWindow(packets), used: 0 }
}
