/** Which networks a list is asked for. */
import { swarmError, type ClusterNode, type Control } from '@weft/swarm'
import { nameOf } from '../lookup.ts'
import type { NetworkSight } from '../objects/network-object.ts'
import type { FilterSet } from '../query.ts'

/** Names of filters that GET /networks knows. */
export const NETWORK_FILTERS: readonly string[] = [
  'dangling',
  'driver',
  'id',
  'label',
  'name',
  'scope',
  'type',
]

/**
 * What fits all filters. On a manager a name has to be whole, as Docker has it for networks of a
 * swarm; on a worker a part of it will do. Throws ERR_INVALID_ARGUMENT for terms that mean nothing.
 */
export function networkFilter(
  filters: FilterSet,
  node: ClusterNode,
): (sight: NetworkSight) => boolean {
  const dangling = filters.flag('dangling')
  const odd = filters.get('type').find((term) => term !== 'custom' && term !== 'builtin')
  if (odd !== undefined) {
    const message = `invalid filter: 'type'='${odd}'`
    throw swarmError('ERR_INVALID_ARGUMENT', message, { subject: 'type' })
  }
  const whole = node.control !== null
  const used = dangling === null ? new Set() : usedNetworks(node.control, node)
  return ({ network }) =>
    filters.match('driver', (term) => term === 'overlay') &&
    filters.match('scope', (term) => term === 'swarm') &&
    filters.match('type', (term) => term === 'custom') &&
    filters.match('id', (term) => network.id.startsWith(term)) &&
    filters.match('name', (term) => nameFits(nameOf(network), term, whole)) &&
    filters.matchLabels('label', network.spec?.annotations?.labels ?? {}) &&
    (dangling === null || used.has(network.id) !== dangling)
}

/** `^name$` is how scripts ask for a whole name; other patterns are not understood. */
function nameFits(name: string, term: string, whole: boolean): boolean {
  const [starts, ends] = [term.startsWith('^'), term.endsWith('$')]
  const text = term.slice(starts ? 1 : 0, ends ? -1 : undefined)
  if (whole || (starts && ends)) return name === text
  if (starts) return name.startsWith(text)
  return ends ? name.endsWith(text) : name.includes(text)
}

/** IDs of networks with an endpoint somewhere, as far as is known here. */
export function usedNetworks(control: Control | null, node: ClusterNode): ReadonlySet<string> {
  const here = node
    .networks()
    .filter(({ attachments, remote }) => attachments.length + remote.length > 0)
    .map(({ network }) => network.id)
  const tasks = control?.tasks() ?? []
  const attached = tasks.flatMap(({ networks }) => networks.map(({ network }) => network?.id ?? ''))
  const wanted = tasks.flatMap(({ spec }) => (spec?.networks ?? []).map(({ target }) => target))
  return new Set([...here, ...attached, ...wanted])
}
