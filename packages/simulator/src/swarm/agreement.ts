/** Liveness: does every node know what its owners hold? */
import { equalBytes } from '@weft/core'
import type { GossipNode } from '../ring.ts'
import { rowId, type RowId } from './ledger.ts'
import type { CheckName } from './referee.ts'
import type { OwnRow, SwarmNode } from './swarm-node.ts'

/** What a node does not know yet, or still believes. */
export interface Disagreement {
  readonly check: CheckName
  readonly node: string
  readonly what: string
}

/** What is true of a ring. */
interface Truth {
  readonly names: ReadonlySet<string>
  readonly nodesOf: ReadonlyMap<string, ReadonlySet<string>>
  readonly rowsOf: ReadonlyMap<string, ReadonlyMap<RowId, OwnRow & { owner: string }>>
}

/** The first thing on which these nodes, all of them running, differ from the truth. */
export function findDisagreement(nodes: readonly SwarmNode[]): Disagreement | null {
  const running = nodes.filter((node) => node.state === 'running')
  const truth = truthOf(running)
  for (const { name, host, observer } of running) {
    if (host.core === null || observer === null) continue
    const found =
      findMembers(host.core, truth.names) ??
      findAttachments(host.core, observer.networks, truth) ??
      findRows(host.core, observer.networks, truth)
    if (found !== null) return { ...found, node: name }
  }
  return null
}

function truthOf(running: readonly SwarmNode[]): Truth {
  const nodesOf = new Map<string, Set<string>>()
  const rowsOf = new Map<string, Map<RowId, OwnRow & { owner: string }>>()
  for (const { name, observer, rows } of running) {
    for (const networkId of observer?.networks ?? []) {
      const nodes = nodesOf.get(networkId) ?? new Set()
      nodesOf.set(networkId, nodes.add(name))
    }
    for (const [id, row] of rows) {
      const there = rowsOf.get(row.networkId) ?? new Map<RowId, OwnRow & { owner: string }>()
      rowsOf.set(row.networkId, there.set(id, { ...row, owner: name }))
    }
  }
  return { names: new Set(running.map(({ name }) => name)), nodesOf, rowsOf }
}

type Found = Omit<Disagreement, 'node'>

function findMembers(node: GossipNode, names: ReadonlySet<string>): Found | null {
  const alive = new Set<string>()
  for (const { name, state } of node.membership.roster.all()) {
    if (state === 'suspect' && names.has(name)) {
      return { check: 'agree-members', what: `${name} is under suspicion` }
    }
    if (state === 'alive') alive.add(name)
  }
  const what = difference(alive, names)
  return what === null ? null : { check: 'agree-members', what: `members: ${what}` }
}

function findAttachments(
  node: GossipNode,
  networks: ReadonlySet<string>,
  truth: Truth,
): Found | null {
  const views = new Map(node.tables.networks().map((view) => [view.networkId, view]))
  for (const networkId of networks) {
    const seen = new Set(views.get(networkId)?.nodes ?? [])
    const what = difference(seen, truth.nodesOf.get(networkId) ?? new Set())
    if (what !== null) return { check: 'agree-attachments', what: `nodes of ${networkId}: ${what}` }
  }
  return null
}

function findRows(node: GossipNode, networks: ReadonlySet<string>, truth: Truth): Found | null {
  const expected = new Map([...networks].flatMap((id) => [...(truth.rowsOf.get(id) ?? [])]))
  const seen = new Set<RowId>()
  for (const row of node.tables.rows({})) {
    const id = rowId(row)
    const own = expected.get(id)
    if (own === undefined) continue
    if (own.owner !== row.owner || !equalBytes(own.value, row.value)) {
      return { check: 'agree-rows', what: `${id} is not what ${own.owner} wrote last` }
    }
    seen.add(id)
  }
  const held = [...node.tables.rows({})].map(rowId)
  const what = difference(new Set(held), new Set(expected.keys()))
  return what === null ? null : { check: 'agree-rows', what: `rows: ${what}` }
}

/** In words; null when the sets are equal. */
function difference(seen: ReadonlySet<string>, expected: ReadonlySet<string>): string | null {
  const missing = [...expected].filter((item) => !seen.has(item))
  const surplus = [...seen].filter((item) => !expected.has(item))
  if (missing.length + surplus.length === 0) return null
  const some = (items: readonly string[]): string => items.slice(0, 5).join(', ')
  const parts = [
    missing.length > 0 ? `${missing.length} missing (${some(missing)})` : '',
    surplus.length > 0 ? `${surplus.length} too many (${some(surplus)})` : '',
  ]
  return parts.filter((part) => part !== '').join(', ')
}
