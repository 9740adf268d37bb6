/** Replay windows in the kernel: states and rules for the runs of senders, look by look. */
import { ipFamily, type Logger } from '@weft/core'
import { isKernelError, type XfrmState } from '@weft/linux'
import { createState, type AssociationPlan, type AssociationPort } from './associations.ts'
import type { RunTable } from './run-table.ts'
import { SenderRuns, type Opening } from './sender-runs.ts'

/** IPsec as far as this needs it. */
type StatePort = Pick<AssociationPort, 'deleteState' | 'putState'>

/**
 * Only ever adds refusals: whatever fails here, packets are opened by the state without a window,
 * as on Docker's engines, and the next look tries again.
 */
export class RunWindows {
  readonly #xfrm: StatePort
  readonly #table: RunTable
  readonly #log: Logger
  readonly #runs = new SenderRuns()
  #isFirst = true

  constructor(xfrm: StatePort, table: RunTable, log: Logger) {
    this.#xfrm = xfrm
    this.#table = table
    this.#log = log
  }

  /** Follow a plan, and what the kernel had of it just now. */
  look(plan: AssociationPlan, states: readonly XfrmState[]): void {
    try {
      // The first table sends what a predecessor told apart to the states that all have.
      if (this.#isFirst) this.#write(plan)
      const seen = this.#isFirst ? [] : this.#table.seen()
      this.#isFirst = false
      const { create, remove } = this.#runs.look(plan.inbound, { states, seen })
      for (const opening of create) this.#create(opening)
      this.#write(plan)
      for (const state of remove) this.#xfrm.deleteState(state)
    } catch (error) {
      if (!isKernelError(error)) throw error
      this.#log.warn('replay windows cannot be kept, tried again', { error })
    }
  }

  #write({ inbound, local }: AssociationPlan): void {
    const spis = [...new Set(inbound.map(({ spi }) => spi))]
    const { current, past } = this.#runs
    this.#table.write({ family: ipFamily(local), spis, current, past })
  }

  #create(opening: Opening): void {
    try {
      createState(this.#xfrm, opening)
    } catch (error) {
      this.#runs.undo(opening)
      throw error
    }
  }
}
