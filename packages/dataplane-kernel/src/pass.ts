/** One pass of convergence over networks: from memory where it can be trusted, else by reading. */
import {
  diff,
  diffProgrammed,
  FailureLog,
  itemPath,
  order,
  removedItems,
  type AcceptedState,
  type Change,
  type ItemFailure,
  type NetworkId,
  type ProgrammedNetwork,
  type ProgrammedState,
} from '@weft/dataplane'
import type { Host } from './host.ts'
import { adoptNamed, namedStill, refreshSites } from './networks.ts'
import { applyMends, lookAtSite, readSite } from './read-site.ts'
import { Transition } from './transition.ts'

/** What a pass did. */
export interface PassOutcome {
  /** Items that differed, by desired path, or observed path when nobody desires them. */
  readonly items: ReadonlySet<string>
  /** Of those, the ones that nobody desires. */
  readonly removed: readonly string[]
  readonly failures: readonly ItemFailure[]
}

/** From one accepted state to the next, when the first is known to be programmed completely. */
export function passFromMemory(
  host: Host,
  from: AcceptedState,
  to: AcceptedState,
): PassOutcome {
  const changes = diff(from, to)
  if (changes.length === 0) return { items: new Set(), removed: [], failures: [] }
  return outcomeOf(changes, new Transition(host, to).run(order(changes)), [])
}

/** From what the kernel says, for some networks or (null) for all, to an accepted state. */
export function passByReading(
  host: Host,
  to: AcceptedState,
  only: ReadonlySet<NetworkId> | null,
): PassOutcome {
  const mended = refreshSites(host).map(itemPath.network)
  const failures = new FailureLog()
  const programmed = new Map<NetworkId, ProgrammedNetwork>()
  const chosen = (id: NetworkId): boolean => only === null || only.has(id)
  const unread = new Set<NetworkId>()
  for (const site of [...host.sites.values()].filter(({ id }) => chosen(id))) {
    const wanted = to.networks.get(site.id) ?? null
    const read = failures.attempt(itemPath.network(site.id), () => {
      const reading = readSite(host, site, wanted)
      if (wanted !== null) mended.push(...applyMends(site, reading, { wanted, failures }))
      programmed.set(site.id, reading.programmed)
    })
    if (!read) unread.add(site.id)
  }
  const networks = [...to.networks].filter(([id]) => chosen(id) && !unread.has(id))
  const state = { ...to, networks: new Map(networks) }
  const changes = diffProgrammed({ networks: programmed }, state)
  const failed = new Transition(host, to).run(order(changes))
  return outcomeOf(changes, [...failures.list(), ...failed], mended)
}

function outcomeOf(
  changes: readonly Change[],
  failures: readonly ItemFailure[],
  mended: readonly string[],
): PassOutcome {
  const items = new Set(mended)
  let removes = false
  for (const { item, to } of changes) {
    items.add(item)
    if (to === null) removes = true
  }
  return { items, removed: removes ? removedItems(changes) : [], failures }
}

/** How many items a pass changed: those that differed less those that failed. */
export function changedOf({ items, failures }: PassOutcome): number {
  const failed = new Set(failures.map(({ item }) => item))
  return items.size - [...failed].filter((item) => items.has(item)).length
}

/**
 * What the kernel holds under our names. Sites go on believing what they did: what is found to
 * differ is a repair's to find, and to count.
 */
export function lookAtAll(
  host: Host,
  accepted: AcceptedState | null,
): { readonly state: ProgrammedState; readonly foreign: readonly string[] } {
  const networks = new Map<NetworkId, ProgrammedNetwork>()
  const foreign: string[] = []
  for (const site of host.sites.values()) {
    if (!namedStill(site)) continue
    const reading = lookAtSite(host, site, accepted?.networks.get(site.id) ?? null)
    networks.set(site.id, reading.programmed)
    const debris = reading.debris.map(({ name }) => name)
    foreign.push(...[...reading.foreign, ...debris].map((name) => `${site.path}/${name}`))
  }
  return { state: { networks }, foreign }
}

/** Find what a predecessor left, and know it. */
export function adoptAll(host: Host): void {
  adoptNamed(host)
  for (const site of host.sites.values()) {
    readSite(host, site, null)
    host.traffic.adopt(site)
  }
}
