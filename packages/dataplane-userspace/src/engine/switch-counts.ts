/** What a switch counts. */
import type { NetworkCounters, NetworkId } from '@weft/dataplane'
import { DROP_REASONS, type DropReason } from './drop-reason.ts'
import type { SwitchCounters } from './engine-state.ts'

/** Datagrams of one network. */
export class NetworkCounts {
  transmitted = 0
  received = 0
}

/** Counts of a switch, kept as numbers in objects that live as long as it. */
export class SwitchCounts {
  transmitted = 0
  received = 0
  readonly #dropped = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as {
    [Reason in DropReason]: number
  }
  readonly #networks = new Map<NetworkId, NetworkCounts>()

  /** Count what is not forwarded: frames, or as many datagrams. */
  drop(reason: DropReason, count = 1): void {
    this.#dropped[reason] += count
  }

  /** The counts of a network; they outlive it, for they only grow. */
  ofNetwork(id: NetworkId): NetworkCounts {
    const known = this.#networks.get(id)
    if (known !== undefined) return known
    const made = new NetworkCounts()
    this.#networks.set(id, made)
    return made
  }

  /** A copy; networks that are not in `present` are left out. */
  read(present: ReadonlySet<NetworkId>): SwitchCounters {
    const dropped = DROP_REASONS.flatMap((reason) => {
      const count = this.#dropped[reason]
      return count === 0 ? [] : [[reason, count] as const]
    })
    const networks = [...this.#networks].flatMap(([id, { transmitted, received }]) => {
      const counters: NetworkCounters = { transmitted, received }
      return present.has(id) ? [[id, counters] as const] : []
    })
    const { transmitted, received } = this
    return { transmitted, received, dropped: new Map(dropped), networks: new Map(networks) }
  }
}
