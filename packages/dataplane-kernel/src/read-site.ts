/** Reading a network's namespace back, and putting right in place what no item stands for. */
import {
  hostError,
  itemPath,
  type AcceptedNetwork,
  type Encapsulation,
  type FailureLog,
} from '@weft/dataplane'
import {
  MessageWriter,
  writeAddress,
  writeChangeLink,
  writeDeleteLink,
  writeForwarding,
} from '@weft/linux'
import type { Host } from './host.ts'
import { networkMark } from './mark.ts'
import { setRouting } from './networks.ts'
import { readNetwork, type NetworkReading } from './reading.ts'
import type { NetworkSite } from './site.ts'
import { takeSnapshot, type NetworkSnapshot } from './snapshot.ts'

/** What a network's namespace holds now. `wanted` is what it should be, if it should be. */
export function lookAtSite(
  { options, search }: Host,
  site: NetworkSite,
  wanted: AcceptedNetwork | null,
): NetworkReading {
  const { instance } = options
  const hints = { instance, search, local: wanted?.local ?? null }
  const snapshot = takeSnapshot(site.kernel, hints)
  const encapsulation = encapsulationOf(instance, snapshot)
  return readNetwork({ instance, id: site.id, encapsulation, wanted }, snapshot)
}

/** Look, and let what there is replace what the site believed. Throws ERR_KERNEL. */
export function readSite(
  host: Host,
  site: NetworkSite,
  wanted: AcceptedNetwork | null,
): NetworkReading {
  const reading = lookAtSite(host, site, wanted)
  replace(site.subnets, reading.subnets)
  replace(site.endpoints, reading.endpoints)
  return reading
}

function encapsulationOf(instance: string, { links }: NetworkSnapshot): Encapsulation {
  const alias = links.find(({ name }) => name === 'lo')?.alias ?? null
  return networkMark(instance, alias)?.encapsulation ?? 'vxlan'
}

function replace<Key, Value>(map: Map<Key, Value>, by: ReadonlyMap<Key, Value>): void {
  map.clear()
  for (const [key, value] of by) map.set(key, value)
}

/**
 * Put right what a reading found amiss beside the items: switches of ports, devices that are down,
 * leftovers. Returns the items concerned.
 */
export function applyMends(
  site: NetworkSite,
  reading: NetworkReading,
  { wanted, failures }: { readonly wanted: AcceptedNetwork; readonly failures: FailureLog },
): readonly string[] {
  const batch = new MessageWriter()
  const owners: string[] = []
  const own = (item: string): void => {
    while (owners.length < batch.count) owners.push(item)
  }
  const network = itemPath.network(site.id)
  for (const { linkIndex } of reading.debris) writeDeleteLink(batch, linkIndex)
  for (const { linkIndex, mac } of reading.strays) {
    writeForwarding(batch, 'delete', { linkIndex, mac, table: 'master' })
  }
  own(network)
  for (const mend of reading.mends) {
    if (mend.kind === 'address') writeAddress(batch, 'replace', mend.address)
    else writeChangeLink(batch, mend.linkIndex, mend.change)
    own(mend.item)
  }
  for (const [index, fault] of site.kernel.transact(batch).faults) {
    const item = owners[index] ?? network
    failures.add(item, hostError(item, { ...fault, operation: 'mend' }))
  }
  const routing = wanted.subnets.length > 1
  if (reading.routing !== routing) {
    failures.attempt(network, () => setRouting(site, routing))
    owners.push(network)
  }
  return [...new Set(owners)]
}
