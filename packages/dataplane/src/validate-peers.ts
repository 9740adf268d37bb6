/** Which peers can be reached from this node's tunnel. */
import type { SocketAddress } from '@weft/core'
import type { NodeId, PeerSpec } from './desired-state.ts'
import { nameProblem, portProblem, tunnelAddressProblem } from './item-checks.ts'
import { conflictError, invalidItem, type ItemError } from './item-errors.ts'
import { readIpText } from './ip-text.ts'
import { itemPath } from './items.ts'
import { samePeer, sameSocketAddress } from './same.ts'

/** Peers that can be, and why the others cannot; the same objects while nothing changes. */
export interface PeerVerdicts {
  readonly good: ReadonlyMap<NodeId, PeerSpec>
  readonly errors: ReadonlyMap<NodeId, ItemError>
}

/** Judges peers and keeps the verdicts while peers are equal by value. */
export class PeerJudge {
  #given: ReadonlyMap<NodeId, PeerSpec> | null = null
  #tunnel: SocketAddress | null = null
  #verdicts: PeerVerdicts = { good: new Map(), errors: new Map() }

  judge(peers: ReadonlyMap<NodeId, PeerSpec>, tunnel: SocketAddress): PeerVerdicts {
    const sameTunnel = this.#tunnel !== null && sameSocketAddress(this.#tunnel, tunnel)
    const same = sameTunnel && this.#given !== null && samePeers(this.#given, peers)
    if (!same) this.#verdicts = verdictsOf(peers, tunnel)
    this.#given = peers
    this.#tunnel = tunnel
    return this.#verdicts
  }
}

function samePeers(a: ReadonlyMap<NodeId, PeerSpec>, b: ReadonlyMap<NodeId, PeerSpec>): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [id, peer] of a) {
    const other = b.get(id)
    if (other === undefined || !samePeer(peer, other)) return false
  }
  return true
}

function verdictsOf(peers: ReadonlyMap<NodeId, PeerSpec>, tunnel: SocketAddress): PeerVerdicts {
  const errors = new Map<NodeId, ItemError>()
  for (const [id, peer] of peers) {
    const error = peerError(id, peer.tunnel, tunnel)
    if (error !== null) errors.set(id, error)
  }
  if (errors.size === 0) return { good: peers, errors }
  return { good: new Map([...peers].filter(([id]) => !errors.has(id))), errors }
}

function peerError(id: NodeId, theirs: SocketAddress, ours: SocketAddress): ItemError | null {
  const item = itemPath.peer(id)
  const problem = nameProblem(id) ?? addressProblem(theirs, ours) ?? portProblem(theirs.port)
  if (problem !== null) return invalidItem(item, problem)
  return sameSocketAddress(theirs, ours) ? conflictError(item, itemPath.tunnel) : null
}

function addressProblem(
  theirs: SocketAddress,
  ours: SocketAddress,
): { problem: string; expected: string } | null {
  const problem = tunnelAddressProblem(theirs.ip)
  if (problem !== null) return problem
  if (readIpText(theirs.ip) === readIpText(ours.ip)) return null
  return { problem: 'the peer is of another family', expected: 'the family of our own tunnel' }
}
