/** Two endpoints cannot be plugged in at the same place, whatever networks they are on. */
import type { Attachment, EndpointId, LocalEndpoint, NetworkId } from './desired-state.ts'
import { conflictError, type ItemError } from './item-errors.ts'
import { itemPath } from './items.ts'

/** A network with local endpoints that are well-formed. */
export interface Plugged {
  readonly id: NetworkId
  readonly local: ReadonlyMap<EndpointId, LocalEndpoint>
}

/** Endpoints whose place is taken, by network; smaller network names go first, then endpoints. */
export function localLosers(
  networks: readonly Plugged[],
): ReadonlyMap<NetworkId, ReadonlyMap<EndpointId, ItemError>> {
  const losers = new Map<NetworkId, Map<EndpointId, ItemError>>()
  const contested = contestedPlaces(networks)
  if (contested.size === 0) return losers
  const owners = new Map<unknown, string>()
  for (const { id, local } of [...networks].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    for (const [name, spec] of [...local].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const place = placeOf(spec.attachment)
      const item = itemPath.local(id, name)
      const owner = owners.get(place)
      if (owner === undefined) owners.set(place, item)
      else {
        const here = losers.get(id) ?? new Map<EndpointId, ItemError>()
        losers.set(id, here.set(name, conflictError(item, owner)))
      }
    }
  }
  return losers
}

/** Nearly always none: then nothing needs sorting. */
function contestedPlaces(networks: readonly Plugged[]): ReadonlySet<unknown> {
  const seen = new Set<unknown>()
  const contested = new Set<unknown>()
  for (const { local } of networks) {
    for (const { attachment } of local.values()) {
      const place = placeOf(attachment)
      if (seen.has(place)) contested.add(place)
      seen.add(place)
    }
  }
  return contested
}

/** Equal for equal places: a text for namespaces, the port itself for ports. */
function placeOf(attachment: Attachment): unknown {
  if (attachment.kind === 'port') return attachment.port
  return `${attachment.path}\0${attachment.ifname}`
}
