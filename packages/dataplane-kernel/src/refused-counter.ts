/** Datagrams whose tag is not what their key gives: the kernel counts them by state. */
import type { XfrmState, XfrmStateRef } from '@weft/linux'
import { stateKey } from './associations.ts'

/** Adds up what states counted, those that are gone by now too. */
export class ForgedCounter {
  #seen: ReadonlyMap<string, number> = new Map()
  #total = 0

  /** Forged datagrams up to the last update. */
  get total(): number {
    return this.#total
  }

  /** Take what these states say into account; a state that was made anew counts from nothing. */
  update(states: readonly (XfrmStateRef & Pick<XfrmState, 'forged'>)[]): void {
    const seen = new Map<string, number>()
    for (const state of states) {
      const name = stateKey(state)
      const before = this.#seen.get(name) ?? 0
      this.#total += state.forged < before ? state.forged : state.forged - before
      seen.set(name, state.forged)
    }
    this.#seen = seen
  }
}
