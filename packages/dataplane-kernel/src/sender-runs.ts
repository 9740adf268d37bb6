/**
 * Which runs of senders have a state of their own. A sender that begins anew, as stock engines do
 * when they are restarted, counts from 1 again; the mask of its vectors tells (seqiv, RFC 4106 §3).
 */
import type { TunnelKey } from '@weft/dataplane'
import type { XfrmState, XfrmStateRef } from '@weft/linux'
import { isSameKey } from './associations.ts'
import { isOfRun, RUN_SLOTS_MAX, slotMark, stateKey } from './run-states.ts'

/** Runs that nothing authentic was heard of yet, at most so many of a sender at a time. */
export const CANDIDATES_MAX = 3

/** Runs of each sender that are over, and not opened again; the oldest is forgotten. */
export const PAST_RUNS_MAX = 64

/** A state that opens under a key. */
export interface Opening extends XfrmStateRef {
  readonly key: TunnelKey
}

/** A run of a sender: its SPI, and the first word of its vectors. */
export type RunName = readonly [spi: number, vector: number]

interface Run {
  readonly vector: number
  readonly slot: number
  /** The look that found it. */
  readonly since: number
  /** The last look that found more packets of it; 0 before any. */
  grown: number
  packets: number
}

interface Sender {
  readonly opening: Opening
  readonly runs: Run[]
  readonly past: number[]
}

/** What a look at the kernel leads to, in this order: create, write the table, remove. */
export interface RunChanges {
  readonly create: readonly Opening[]
  readonly remove: readonly XfrmStateRef[]
}

/** What the kernel has: all our states, and runs that came by the state without a window. */
export interface RunReading {
  readonly states: readonly XfrmState[]
  readonly seen: readonly RunName[]
}

/**
 * Decides from one look at the kernel to the next. A run that was seen gets a state; a packet that
 * the state opened is what proves it. Invariant: no two runs of a sender have one slot.
 */
export class SenderRuns {
  readonly #senders = new Map<number, Sender>()
  #look = 0

  /** Runs that have a state, with their marks. */
  get current(): readonly { readonly name: RunName; readonly mark: number }[] {
    return [...this.#senders].flatMap(([spi, { runs }]) =>
      runs.map(({ slot, vector }) => {
        const name: RunName = [spi, vector]
        return { name, mark: slotMark(slot).value }
      }),
    )
  }

  /** Runs that are over. */
  get past(): readonly RunName[] {
    return [...this.#senders].flatMap(([spi, { past }]) =>
      past.map((vector): RunName => [spi, vector]),
    )
  }

  /** Follow what opens now, and what was read. */
  look(openings: readonly Opening[], { seen, states }: RunReading): RunChanges {
    this.#look++
    this.#follow(openings)
    const known = new Map(states.map((state) => [stateKey(state), state]))
    for (const sender of this.#senders.values()) {
      for (const run of [...sender.runs]) {
        if (!this.#judge(run, known.get(stateKey(stateOf(sender, run))))) drop(sender, run)
      }
    }
    const create = seen.flatMap(([spi, vector]) => {
      const sender = this.#senders.get(spi)
      const made = sender === undefined ? null : this.#admit(sender, vector, known)
      return made ?? []
    })
    return { create, remove: this.#strangers(states) }
  }

  /** A state could not be made: its run is as if it had not been seen. */
  undo({ mark, spi }: XfrmStateRef): void {
    const sender = this.#senders.get(spi)
    const run = sender?.runs.find(({ slot }) => slotMark(slot).value === mark?.value)
    if (sender !== undefined && run !== undefined) drop(sender, run)
  }

  #follow(openings: readonly Opening[]): void {
    const wanted = new Map(openings.map((opening) => [opening.spi, opening]))
    for (const [spi, { opening }] of this.#senders) {
      const now = wanted.get(spi)
      const isSame = now !== undefined && stateKey(now) === stateKey(opening)
      if (!isSame || !isSameKey(now.key, opening.key)) this.#senders.delete(spi)
    }
    for (const [spi, opening] of wanted) {
      if (!this.#senders.has(spi)) this.#senders.set(spi, { opening, runs: [], past: [] })
    }
  }

  /** False for a run whose state is gone, and for one that somebody has made up. */
  #judge(run: Run, state: XfrmState | undefined): boolean {
    if (state === undefined) return false
    if (state.packets > run.packets) run.grown = this.#look
    run.packets = state.packets
    return run.grown > 0 || state.forged === 0
  }

  #admit(sender: Sender, vector: number, known: ReadonlyMap<string, XfrmState>): Opening | null {
    const { past, runs } = sender
    // Some network cards make vectors without a mask: their runs look alike.
    if (vector === 0 || past.includes(vector)) return null
    if (runs.some((run) => run.vector === vector)) return null
    if (!this.#makeRoom(sender)) return null
    // A slot whose state is still to be removed is not free.
    const isFree = (slot: number): boolean =>
      !runs.some((run) => run.slot === slot) && !known.has(stateKey(stateOf(sender, { slot })))
    const slot = SLOTS.find(isFree)
    if (slot === undefined) return null
    const run: Run = { vector, slot, since: this.#look, grown: 0, packets: 0 }
    runs.push(run)
    return stateOf(sender, run)
  }

  #makeRoom(sender: Sender): boolean {
    const { past, runs } = sender
    const candidates = runs.filter(({ grown }) => grown === 0)
    if (candidates.length >= CANDIDATES_MAX) {
      const oldest = candidates.find(({ since }) => since < this.#look)
      if (oldest === undefined) return false
      drop(sender, oldest)
    } else if (runs.length === RUN_SLOTS_MAX) {
      const quietest = runs.filter(({ grown }) => grown > 0).sort((a, b) => a.grown - b.grown)[0]
      if (quietest === undefined) return false
      drop(sender, quietest)
      past.push(quietest.vector)
      if (past.length > PAST_RUNS_MAX) past.shift()
    }
    return true
  }

  /** States of runs that nobody here knows, or no more. */
  #strangers(states: readonly XfrmState[]): readonly XfrmState[] {
    const ours = [...this.#senders.values()].flatMap((sender) =>
      sender.runs.map((run) => stateKey(stateOf(sender, run))),
    )
    const known = new Set(ours)
    return states.filter((state) => isOfRun(state) && !known.has(stateKey(state)))
  }
}

const SLOTS = Array.from({ length: RUN_SLOTS_MAX }, (_, i) => i + 1)

function stateOf({ opening }: Sender, { slot }: Pick<Run, 'slot'>): Opening {
  return { ...opening, mark: slotMark(slot) }
}

function drop({ runs }: Sender, run: Run): void {
  const at = runs.indexOf(run)
  if (at >= 0) runs.splice(at, 1)
}
