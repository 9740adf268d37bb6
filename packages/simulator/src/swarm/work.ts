/** What the users of nodes do: each keeps the node and the truth about it together. */
import { rowId } from './ledger.ts'
import type { Swarm } from './swarm.ts'
import type { SwarmNode } from './swarm-node.ts'

/** Where a row is. */
export interface RowPlace {
  readonly networkId: string
  readonly table: string
  readonly key: string
}

/** Attach a node to a network. */
export function attach(swarm: Swarm, node: SwarmNode, networkId: string): void {
  swarm.say(`attach ${node.name} to ${networkId}`)
  swarm.ledger.attached(node.name, networkId)
  node.observer?.networks.add(networkId)
  swarm.act(node, (now, core) => core.tables.attach(now, networkId))
}

/** Detach a node from a network, and with it all rows that it has there. */
export function detach(swarm: Swarm, node: SwarmNode, networkId: string): void {
  swarm.say(`detach ${node.name} from ${networkId}`)
  swarm.act(node, (now, core) => core.tables.detach(now, networkId))
  node.observer?.detached(networkId)
  for (const [id, row] of node.rows) if (row.networkId === networkId) node.rows.delete(id)
}

/** Write a row: a new one, or a new value for one. */
export function put(swarm: Swarm, node: SwarmNode, where: RowPlace): void {
  const id = rowId(where)
  const value = swarm.ledger.value(node.name, id, id.length % 97)
  swarm.say(`put ${id} at ${node.name}`)
  node.rows.set(id, { ...where, value })
  swarm.act(node, (now, core) => core.tables.put(now, { ...where, value: value.slice() }))
}

/** Remove a row. */
export function remove(swarm: Swarm, node: SwarmNode, where: RowPlace): void {
  swarm.say(`remove ${rowId(where)} at ${node.name}`)
  node.rows.delete(rowId(where))
  swarm.act(node, (now, core) => core.tables.remove(now, where))
}

/** Say goodbye; the process goes on for `goodbyeMs`. */
export function leave(swarm: Swarm, node: SwarmNode, goodbyeMs: number): void {
  swarm.say(`leave ${node.name}`)
  if (node.observer !== null) node.observer.hasLeft = true
  node.state = 'leaving'
  node.busyUntil = swarm.ring.world.now + goodbyeMs
  node.rows.clear()
  swarm.act(node, (now, core) => core.leave(now))
}
