/** A ring that has long been converged when the simulation begins. */
import type { GossipProfile, KnownMember, NetworkEntry } from '@weft/gossip'
import type { LinkWeather } from '../engine/network-model.ts'
import { exactClock } from '../engine/node-clock.ts'
import {
  productionNode,
  Ring,
  type GossipNode,
  type NodeStart,
  type RingHost,
} from '../ring.ts'
import { hostAddress } from '../ring-address.ts'

/** What such a ring consists of. */
export interface PopulatedOptions {
  readonly seed: string
  readonly nodes: number
  readonly profile: GossipProfile
  readonly weather: LinkWeather
  /** The networks that a node attends, by its number. */
  readonly networksOf: (index: number) => readonly string[]
  /** Seal everything, as Docker does. */
  readonly isSealed: boolean
}

/** The Lamport time of all attachments that were there before the beginning. */
const ATTACHED_AT = 1

/** The name of the node on this host. */
export function nodeName(index: number): string {
  return `node-${index}`
}

/** Start all nodes from what they would have written down in a quiet ring. */
export function populatedRing(options: PopulatedOptions): Ring {
  const { nodes, networksOf } = options
  const ring = emptyRing(options)
  const numbers = Array.from({ length: nodes }, (_, index) => index)
  const known = numbers.map(knownMember(options))
  const attachments = numbers.flatMap((index) =>
    networksOf(index).map((networkId) => attachment(index, networkId)),
  )
  const knownAttachments = writtenDown(options, known, attachments)
  for (const index of numbers) {
    const host = ring.addHost(exactClock)
    const others = known.filter((_, other) => other !== index)
    ring.start(host, {
      name: nodeName(index),
      keys: options.isSealed ? [KEY] : [],
      known: others,
      knownAttachments,
    })
  }
  for (const host of ring.world.hosts) {
    for (const networkId of networksOf(host.index)) attach(ring, host, networkId)
  }
  return ring
}

/** The node on this host, which runs. */
export function coreOf(host: RingHost): GossipNode {
  if (host.core === null) throw new Error(`bug: no process on host ${host.index}`)
  return host.core
}

/** Attach a node to a network. */
export function attach(ring: Ring, host: RingHost, networkId: string): void {
  ring.world.act(host, (core, now) => core.tables.attach(now, networkId))
}

/** Throw what a core threw. */
export function assertRunning(ring: Ring): void {
  const { failure } = ring.world
  if (failure !== null) throw failure.error
}

function emptyRing({ seed, nodes, profile, weather }: PopulatedOptions): Ring {
  return new Ring({
    seed,
    hostsMax: nodes,
    profile,
    weather,
    label: '',
    watch: {},
    log: null,
    createNode: productionNode,
  })
}

const KEY = { tag: 'the only one', bytes: Uint8Array.from({ length: 16 }, (_, i) => 7 * i + 1) }

function attachment(index: number, networkId: string): NetworkEntry {
  return { networkId, lTime: ATTACHED_AT, nodeName: nodeName(index), leaving: false }
}

/** Attachments as a node has them, which others may share: twenty bytes instead of a hundred. */
function writtenDown(
  options: PopulatedOptions,
  known: readonly KnownMember[],
  knownAttachments: readonly NetworkEntry[],
): readonly NetworkEntry[] {
  return startAlone(options, { known, knownAttachments }).snapshot().knownAttachments
}

function startAlone(
  options: PopulatedOptions,
  start: Pick<NodeStart, 'known' | 'knownAttachments'>,
): GossipNode {
  const ring = emptyRing({ ...options, nodes: 1 })
  return ring.start(ring.addHost(exactClock), { name: 'alone', keys: [], ...start })
}

/** Members say of themselves what a node of this profile says when it is alone. */
function knownMember(options: PopulatedOptions): (index: number) => KnownMember {
  const { membership } = startAlone(options, { known: [], knownAttachments: [] })
  const { meta, vsn, incarnation } = membership.roster.self
  return (index) => ({
    name: nodeName(index),
    address: hostAddress(index),
    meta,
    vsn,
    incarnation,
  })
}
