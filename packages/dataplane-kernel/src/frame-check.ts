/** A cheap look at a network's devices, without its tables: are they as they should be? */
import { diffProgrammed, type AcceptedNetwork, type AcceptedState } from '@weft/dataplane'
import type { ForwardingEntry } from '@weft/linux'
import type { Host } from './host.ts'
import { readNetwork } from './reading.ts'
import { FORWARDING_STATE } from './shape.ts'
import type { NetworkSite } from './site.ts'
import { readFrame } from './snapshot.ts'

/**
 * True when nothing is amiss except items in `failed`, which are known not to be there. Entries
 * are taken to be what the site believes: they have notices of their own.
 */
export function isFrameSound(
  { options, search }: Host,
  site: NetworkSite,
  {
    accepted,
    wanted,
    failed,
  }: {
    readonly accepted: AcceptedState
    readonly wanted: AcceptedNetwork
    readonly failed: ReadonlySet<string>
  },
): boolean {
  const { instance } = options
  const { encapsulation, local } = wanted
  const snapshot = {
    ...readFrame(site.kernel, { instance, search, local }),
    neighbours: [],
    forwarding: believedPortEntries(site),
  }
  const reading = readNetwork({ instance, id: site.id, encapsulation, wanted }, snapshot)
  const { debris, mends, programmed, routing } = reading
  if (debris.length > 0 || mends.length > 0) return false
  if (routing !== wanted.subnets.length > 1) return false
  const bare = { ...wanted, remote: new Map() }
  const networks = new Map([[site.id, bare]])
  const from = { networks: new Map([[site.id, programmed]]) }
  const changes = diffProgrammed(from, { ...accepted, networks })
  return changes.every(({ item }) => failed.has(item))
}

function believedPortEntries(site: NetworkSite): readonly ForwardingEntry[] {
  return [...site.endpoints.values()].map(({ hostIndex, mac, vni }) => ({
    linkIndex: hostIndex,
    mac,
    table: 'master',
    masterIndex: site.subnets.get(vni)?.bridgeIndex ?? null,
    destination: null,
    port: null,
    vni: null,
    sourceVni: null,
    viaIndex: null,
    state: FORWARDING_STATE,
    flags: 0,
  }))
}

