/** Rings in which everybody has the rows of the others: they are handed out. */
import { encodeNetworkDb, type GossipProfile, type Row, type TableEvent } from '@weft/gossip'
import { calm, type LinkWeather } from '../engine/network-model.ts'
import type { Ring, RingHost } from '../ring.ts'
import { assertRunning, coreOf, nodeName } from './populated-ring.ts'

/** A profile that nodes have been given, which may be changed under them. */
export type ChangingProfile = { -readonly [Name in keyof GossipProfile]: GossipProfile[Name] }

/** How a ring comes to be full. */
export interface Filling {
  /** The one that the nodes of the ring have; when the ring is full it is as it was. */
  readonly profile: ChangingProfile
  /** The ring's own, which it has back then. */
  readonly weather: LinkWeather
  readonly networks: ReadonlyMap<string, readonly RingHost[]>
  /** Writes the rows. */
  readonly write: () => void
  readonly isFull: () => boolean
}

/** While a ring is filled, each node passes on what it took in once, to one, at once. */
const EMPTYING: Partial<GossipProfile> = {
  tableRetransmitMult: 0,
  tableGossipNodes: 1,
  tableGossipPacketsMax: 50,
}
/** Everybody has it already: it gets lost, which takes the simulator less time. */
const STORM: LinkWeather = { ...calm, loss: { numerator: 1, denominator: 1 } }
/** A tick of table gossip, and no more: probes that are lost are repeated. */
const STORM_MS = 201
const LULL_MS = 799
/** So many networks are handed out at a time: what waits to be passed on takes memory. */
const WAVE_NETWORKS = 100
const FILL_MS = 2000
const FILL_TRIES = 60

/**
 * Write rows, and hand those of each network to its nodes by a bulk sync: gossip would tell each of
 * them dozens of times, which takes the simulator longer than what is then measured. Throws what a
 * core threw.
 */
export function fillRing(ring: Ring, filling: Filling): void {
  const { profile, weather, write, isFull } = filling
  const { model } = ring.world
  const own = { ...profile }
  Object.assign(profile, EMPTYING)
  write()
  const networks = [...filling.networks]
  for (let first = 0; first < networks.length; first += WAVE_NETWORKS) {
    const wave = networks.slice(first, first + WAVE_NETWORKS)
    for (const [networkId, hosts] of wave) handOut(ring, networkId, hosts)
    model.setWeather(STORM)
    run(ring, STORM_MS)
    model.setWeather(calm)
    run(ring, LULL_MS)
  }
  for (let i = 0; i < FILL_TRIES && !isFull(); i++) run(ring, FILL_MS)
  model.setWeather(weather)
  Object.assign(profile, own)
}

/** Every node of a network takes in what all others of it wrote, as a bulk sync says it. */
function handOut(ring: Ring, networkId: string, hosts: readonly RingHost[]): void {
  const events = hosts.flatMap((host) => [...coreOf(host).tables.rows({ networkId })].map(eventOf))
  const lTime = events.reduce((latest, event) => Math.max(latest, event.lTime), 0)
  const [first] = hosts
  if (first === undefined) return
  const bytes = encodeNetworkDb({
    kind: 'bulk-sync',
    lTime,
    unsolicited: false,
    nodeName: nodeName(first.index),
    networks: [networkId],
    events,
  })
  for (const host of hosts) {
    ring.world.act(host, (core, now) => core.tables.delegate.userMessage(now, bytes, 'stream'))
  }
}

function eventOf({ networkId, table, key, owner, value, lTime }: Row): TableEvent {
  const says = { kind: 'table', type: 'create', residualReapTimeSeconds: 0 } as const
  return { ...says, lTime, nodeName: owner, networkId, tableName: table, key, value }
}

function run(ring: Ring, ms: number): void {
  ring.world.run(ring.world.now + ms)
  assertRunning(ring)
}
