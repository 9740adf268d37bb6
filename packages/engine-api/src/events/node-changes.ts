/** A node of the swarm that changed, as an event of Docker's: what was, and what is. */
import type { Node } from '@weft/swarm'
import { availabilityText, reachabilityText, roleText, stateText } from '../objects/node-object.ts'

/** Attributes of an event about a node. `before` is null when nothing is known of it. */
export function nodeAttributes(node: Node, before: Node | null): Record<string, string> {
  const name = node.spec?.annotations?.name
  const attributes = { name: name === undefined || name === '' ? hostnameOf(node) : name }
  if (before === null) return attributes
  const [was, is] = [facetsOf(before), facetsOf(node)]
  const changed = Object.keys(is).filter((facet) => was[facet] !== is[facet])
  const entries = changed.flatMap((facet) => [
    [`${facet}.new`, is[facet] ?? ''],
    [`${facet}.old`, was[facet] ?? ''],
  ])
  return { ...attributes, ...(Object.fromEntries(entries) as Record<string, string>) }
}

function hostnameOf(node: Node): string {
  return node.description?.hostname ?? ''
}

function facetsOf({ spec, status, managerStatus }: Node): Record<string, string> {
  return {
    availability: availabilityText(spec?.availability),
    role: roleText(spec?.desiredRole),
    state: stateText(status?.state),
    ...(managerStatus === undefined
      ? {}
      : {
          leader: String(managerStatus.leader),
          reachability: reachabilityText(managerStatus.reachability),
        }),
  }
}
