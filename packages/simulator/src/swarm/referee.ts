/** Whoever checks a ring reports here; the first violation ends the run. */

/** What must hold after each step (safety), and soon after all is healed (liveness: `agree`). */
export const CHECKS = {
  'no-throw': 'no node throws, whatever happens to it',
  'incarnation-monotone': 'nobody sees an incarnation go back',
  'self-alive': 'a node that has not left holds itself for alive',
  'known-members': 'members are nodes that were started, at their addresses',
  'no-invention': 'a row was written by its owner, with this value, at this Lamport time',
  'known-attachments': 'nodes are told of networks only if they attached to them',
  'lamport-monotone': 'rows never go back in Lamport time',
  isolation: 'rows are told only to nodes that are attached to their network',
  'no-resurrection': 'a row whose deletion was seen does not come back',
  'watch-replay': 'what a watch told adds up to what the tables hold',
  sealed: 'nothing is sent in the clear where keys are set',
  'packet-size': 'no datagram is larger than the profile allows',
  'bounded-rate': 'a node sends a bounded number of packets',
  'bounded-streams': 'a node holds a bounded number of streams',
  'agree-members': 'once healed, all nodes know the living and only them',
  'agree-attachments': 'once healed, all nodes of a network know who else attends it',
  'agree-rows': 'once healed, all nodes of a network hold the rows of its living owners, no others',
} as const

/** The name of a check. */
export type CheckName = keyof typeof CHECKS

/** What did not hold. */
export interface Violation {
  readonly check: CheckName
  /** Virtual milliseconds. */
  readonly at: number
  /** At which node it was seen. */
  readonly node: string
  readonly what: string
}

/** Keeps the first violation. */
export class Referee {
  readonly #now: () => number
  #violation: Violation | null = null

  constructor(now: () => number) {
    this.#now = now
  }

  get violation(): Violation | null {
    return this.#violation
  }

  report(check: CheckName, node: string, what: string): void {
    this.#violation ??= { check, at: this.#now(), node, what }
  }
}
