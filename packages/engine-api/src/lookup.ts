/** From what people type to an object: ID, name, or the beginning of an ID, as Docker has it. */
import { swarmError, type Control, type Network, type Node } from '@weft/swarm'
import type { NetworkSight } from './objects/network-object.ts'

/**
 * The node that is meant: by ID, host name, prefix of an ID, or `self`. Throws ERR_NOT_FOUND, or
 * ERR_INVALID_ARGUMENT when it may be several.
 */
export function findNode(control: Control, term: string, selfId: string): Node {
  const nodes = control.nodes()
  const exact = nodes.find(({ id }) => id === term)
  if (exact !== undefined) return exact
  const named = nodes.filter(({ description }) => description?.hostname === term)
  const found = named.length > 0 ? named : nodes.filter(({ id }) => startsWith(id, term))
  const [first, ...others] = found
  if (first !== undefined && others.length === 0) return first
  if (first !== undefined) {
    const message = `node ${term} is ambiguous (${found.length} matches found)`
    throw swarmError('ERR_INVALID_ARGUMENT', message, { subject: term })
  }
  const own = term === 'self' ? nodes.find(({ id }) => id === selfId) : undefined
  if (own !== undefined) return own
  throw swarmError('ERR_NOT_FOUND', `node ${term} not found`, { subject: term })
}

/** Docker tells of an ambiguous network in two ways, depending on what was to be done. */
export type NetworkPurpose = 'inspect' | 'remove'

/**
 * The network that is meant: by ID, name, or prefix of an ID. Throws ERR_NOT_FOUND, or
 * ERR_INVALID_ARGUMENT when it may be several.
 */
export function findNetwork(
  sights: readonly NetworkSight[],
  term: string,
  purpose: NetworkPurpose,
): NetworkSight {
  const exact = sights.find(({ network }) => network.id === term)
  if (exact !== undefined) return exact
  const named = sights.filter(({ network }) => nameOf(network) === term)
  const by = named.length > 0 ? 'name' : 'ID prefix'
  const found =
    named.length > 0 ? named : sights.filter(({ network }) => startsWith(network.id, term))
  const [first, ...others] = found
  if (first === undefined) {
    throw swarmError('ERR_NOT_FOUND', `network ${term} not found`, { subject: term })
  }
  if (others.length === 0) return first
  const matches = `${found.length} matches found based on ${by}`
  const words = {
    inspect: `${matches}: network ${term} is ambiguous`,
    remove: `network ${term} is ambiguous (${matches})`,
  }
  throw swarmError('ERR_INVALID_ARGUMENT', words[purpose], { subject: term })
}

/** A network's name. */
export function nameOf(network: Network): string {
  return network.spec?.annotations?.name ?? ''
}

/** Nothing begins with nothing: an empty term means no object. */
function startsWith(id: string, term: string): boolean {
  return term !== '' && id.startsWith(term)
}
