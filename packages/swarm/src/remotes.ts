/** The managers that a node knows, and which of them to ask next (docker-wire §7.6). */
import type { Random } from '@weft/core'
import type { WeightedPeer } from './generated/docker/swarmkit/v1/types_pb.ts'

/** A manager by its address; its node ID is empty until a session names it. */
export interface Remote {
  readonly nodeId: string
  readonly address: string
}

/** Managers that a node remembers; a list beyond that is cut. */
export const REMOTES_MAX = 64

/** Characters of an address (a DNS name has 253, and the port) and of a node's ID. */
export const REMOTE_CHARACTERS_MAX = 260

/** Weight of a manager that does as well as any. Docker's managers send 10. */
const WEIGHT_WHOLE = 64

interface Entry extends Remote {
  weight: number
}

/**
 * Managers with how well they did lately. One that failed is halved down to 1, one that worked is
 * whole again; so all are tried in turn when all are down, and the dead are asked seldom.
 */
export class Remotes {
  #entries: Entry[] = []

  constructor(addresses: readonly string[] = []) {
    this.replace(addresses.map((address) => ({ nodeId: '', address })))
  }

  /** Exactly these from now on. What is known of an address stays known. */
  replace(remotes: readonly Remote[]): void {
    const weights = new Map(this.#entries.map(({ address, weight }) => [address, weight]))
    const byAddress = new Map(
      remotes.filter(({ address }) => address !== '').map((remote) => [remote.address, remote]),
    )
    this.#entries = [...byAddress.values()].slice(0, REMOTES_MAX).map(({ nodeId, address }) => {
      return { nodeId, address, weight: weights.get(address) ?? WEIGHT_WHOLE }
    })
  }

  list(): readonly Remote[] {
    return this.#entries.map(({ nodeId, address }) => ({ nodeId, address }))
  }

  /** One of them, by weight and chance; null when there is none. */
  choose(random: Random): Remote | null {
    const total = this.#entries.reduce((sum, { weight }) => sum + weight, 0)
    if (total === 0) return null
    let draw = random.below(total)
    for (const { nodeId, address, weight } of this.#entries) {
      if (draw < weight) return { nodeId, address }
      draw -= weight
    }
    return null
  }

  /** What came of asking it. Unknown addresses are left alone. */
  observe(address: string, worked: boolean): void {
    for (const entry of this.#entries) {
      if (entry.address !== address) continue
      entry.weight = worked ? WEIGHT_WHOLE : Math.max(1, entry.weight >> 1)
    }
  }
}

/** The managers of a session message, without those whose address is none or has no end. */
export function remotesOf(peers: readonly WeightedPeer[]): readonly Remote[] {
  return peers.flatMap(({ peer }) => {
    if (peer === undefined || peer.addr === '') return []
    const { nodeId, addr: address } = peer
    const isBounded = Math.max(nodeId.length, address.length) <= REMOTE_CHARACTERS_MAX
    return isBounded ? [{ nodeId, address }] : []
  })
}
