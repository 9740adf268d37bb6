/** Datagrams that IPsec refused: the kernel counts them by state, and states come and go. */
import type { XfrmState, XfrmStateRef } from '@weft/linux'
import { stateKey } from './run-states.ts'

/** Not authentic, seen before, too old for the window. */
export type Refused = Pick<XfrmState, 'forged' | 'replayed' | 'tooOld'>

const NONE: Refused = { forged: 0, replayed: 0, tooOld: 0 }

/** Adds up what states counted, those that are gone by now too. */
export class RefusedCounter {
  #seen: ReadonlyMap<string, Refused> = new Map()
  #total = NONE

  /** Refused datagrams up to the last update. */
  get total(): Refused {
    return this.#total
  }

  /** Take what these states say into account; a state that was made anew counts from nothing. */
  update(states: readonly (XfrmStateRef & Refused)[]): void {
    const seen = new Map<string, Refused>()
    for (const state of states) {
      const name = stateKey(state)
      this.#add(state, this.#seen.get(name) ?? NONE)
      seen.set(name, state)
    }
    this.#seen = seen
  }

  #add(now: Refused, before: Refused): void {
    const { forged, replayed, tooOld } = this.#total
    // One that was made anew has no more than before of anything, and less of something.
    const isAnew =
      now.forged < before.forged || now.replayed < before.replayed || now.tooOld < before.tooOld
    const from = isAnew ? NONE : before
    this.#total = {
      forged: forged + now.forged - from.forged,
      replayed: replayed + now.replayed - from.replayed,
      tooOld: tooOld + now.tooOld - from.tooOld,
    }
  }
}
