/** Restoring entries that vanished, at once and without reading everything back. */
import { itemPath } from '@weft/dataplane'
import { MessageWriter, writeForwarding, writeNeighbour } from '@weft/linux'
import type { LostEntry } from './notice-judge.ts'
import { FORWARDING_STATE } from './shape.ts'
import type { NetworkSite } from './site.ts'

/**
 * Write lost entries again, except those that are there: a notice may be about something we did
 * ourselves and have since undone. Returns the observed paths of those that were missing.
 */
export function restoreEntries(site: NetworkSite, lost: readonly LostEntry[]): readonly string[] {
  const writer = new MessageWriter()
  const owners: string[] = []
  for (const entry of lost) {
    const item = writeRestore(writer, site, entry)
    while (item !== null && owners.length < writer.count) owners.push(item)
  }
  const { faults } = site.kernel.transact(writer)
  return [...new Set(owners.filter((_, index) => !faults.has(index)))]
}

/** The item, or null when the entry is no longer wanted. */
function writeRestore(writer: MessageWriter, site: NetworkSite, entry: LostEntry): string | null {
  const { subnet } = entry
  const { vni, vxlanIndex: linkIndex } = subnet
  if (entry.kind === 'neighbour') {
    const { ip } = entry
    const mac = subnet.neighbours.get(ip)
    if (mac === undefined) return null
    writeNeighbour(writer, 'create', { linkIndex, ip, mac })
    return itemPath.neighbour(site.id, vni, ip)
  }
  const { mac } = entry
  const to = subnet.forwarding.get(mac)
  if (to === undefined) return null
  const place = { linkIndex, mac, state: FORWARDING_STATE }
  const port = to.port === subnet.port ? {} : { port: to.port }
  writeForwarding(writer, 'create', { ...place, table: 'self', destination: to.ip, ...port })
  writeForwarding(writer, 'create', { ...place, table: 'master' })
  return itemPath.forwarding(site.id, vni, mac)
}
