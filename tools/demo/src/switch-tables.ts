/** Looking at, and damaging, what a host's userspace switch has programmed. */
import type { Mac } from '@weft/core'
import { itemPath } from '@weft/dataplane'
import { eventually } from '@weft/lab'
import { NETWORKS } from './cast.ts'
import type { HostOwners } from './host-owners.ts'
import { kernelTables } from './kernel-tables.ts'
import type { NetworkPlace, WorldTables } from './world.ts'

const RETURN_WITHIN_MS = 5_000

/** Tables wherever a host has them: in its kernel, or in its owner's switch. */
export function tablesOf(owners: HostOwners): WorldTables {
  const isSwitch = ({ host }: NetworkPlace): boolean => owners.backendOf(host) === 'userspace'
  return {
    deleteForwarding: async (place, mac) => {
      if (!isSwitch(place)) return kernelTables.deleteForwarding(place, mac)
      await owners.deleteForwarding(place, mac)
      return 'a load of tables without it'
    },
    forwardingReturned: (place, mac) =>
      isSwitch(place)
        ? returned(owners, place, mac)
        : kernelTables.forwardingReturned(place, mac),
    fingerprint: (host) => kernelTables.fingerprint(host),
  }
}

/** Milliseconds until the switch has the entry again; null for too long. */
async function returned(
  owners: HostOwners,
  { host, network }: NetworkPlace,
  mac: Mac,
): Promise<number | null> {
  const vni = NETWORKS.find(({ name }) => name === network)?.vni
  if (vni === undefined) throw new Error(`bug: no network ${network}`)
  const path = itemPath.forwarding(network, vni, mac)
  const start = performance.now()
  const has = async (): Promise<void> => {
    const { items } = await owners.observe(host)
    if (!items.has(path)) throw new Error(`no forwarding entry for ${mac}`)
  }
  try {
    await eventually(has, { withinMs: RETURN_WITHIN_MS })
    return performance.now() - start
  } catch {
    return null
  }
}
