/** How long until the last node knows: Docker's own perturbations, on virtual time. */
import { assert, SeededRandom, utf8Bytes } from '@weft/core'
import type { AttachmentChange, GossipProfile, Road, RowChange } from '@weft/gossip'
import { calm, type LinkWeather } from '../engine/network-model.ts'
import type { Ring, RingHost } from '../ring.ts'
import { percent } from '../swarm/swarm-options.ts'
import { fillRing, type ChangingProfile } from './filled-ring.ts'
import { assertRunning, attach, coreOf, nodeName, populatedRing } from './populated-ring.ts'

/** What is done; each is told to everybody else, but `join-populated` to the one who joins. */
export const PERTURBATIONS = [
  'create',
  'update',
  'delete',
  'join',
  'write-after-join',
  'join-populated',
  'leave',
] as const

/** The name of a perturbation. */
export type Perturbation = (typeof PERTURBATIONS)[number]

/** One cell of the table. */
export interface ConvergenceCell {
  readonly seed: string
  readonly perturbation: Perturbation
  readonly nodes: number
  readonly profile: GossipProfile
  readonly lossPercent: number
  readonly trials: number
}

/** What came of a cell. */
export interface ConvergenceResult {
  /** Until the last node knew, for each trial that came to that, in ms. */
  readonly convergedMs: readonly number[]
  /** Times that a node had to be told, over all trials. */
  readonly tellings: number
  /** Of them: told by anti-entropy, because gossip did not come, or came later. */
  readonly notByGossip: number
  /** Of them: not told after UNTOLD_MS. */
  readonly untold: number
}

/** After so long, whoever does not know yet counts as untold. */
export const UNTOLD_MS = 5000

/** A trial ends after so long, as in Docker's harness. */
export const CEILING_MS = 180_000

/** Rows of each node in a populated network: endpoints, as the bandwidth table has. */
export const ROWS_EACH = 10

/** Fresh timers, fresh chance: so many trials in one ring. */
const TRIALS_PER_RING = 20
const NETWORK = 'network'
const TABLE = 'endpoint_table'
/** About as much as Docker writes of an endpoint: its name, its service, addresses and ports. */
const VALUE_BYTES = 110
/** Timers have found their phases, and what came with the start is over. */
const WARM_UP_MS = 3000
/** What was said about one trial is forgotten before the next one begins. */
const SETTLE_MS = 4000
const LOOK_MS = 100

/** Play a cell. Throws what a core threw. */
export function playConvergence(cell: ConvergenceCell): ConvergenceResult {
  const tally: Tally = { convergedMs: [], tellings: 0, notByGossip: 0, untold: 0 }
  for (let done = 0; done < cell.trials; done += TRIALS_PER_RING) {
    const bench = new ConvergenceBench(cell, `${cell.seed}/${done}`, tally)
    for (let i = done; i < Math.min(done + TRIALS_PER_RING, cell.trials); i++) bench.trial()
  }
  return tally
}

interface Tally {
  readonly convergedMs: number[]
  tellings: number
  notByGossip: number
  untold: number
}

/** Who still has to hear of what. */
interface Awaited {
  readonly since: number
  readonly pending: Set<number>
  readonly isRow: (change: RowChange) => boolean
  readonly isAttachment: (change: AttachmentChange) => boolean
}

/** A ring in which one perturbation follows the other. */
class ConvergenceBench {
  readonly #cell: ConvergenceCell
  readonly #tally: Tally
  readonly #ring: Ring
  readonly #random: SeededRandom
  readonly #roads = new Map<number, Road>()
  #awaited: Awaited | null = null
  /** Undoes what the last trial did. */
  #undo: (() => void) | null = null
  #lastToldAt = 0
  #keys = 0
  #values = 0

  constructor(cell: ConvergenceCell, seed: string, tally: Tally) {
    this.#cell = cell
    this.#tally = tally
    this.#random = new SeededRandom(`${seed}/trials`)
    const weather = { ...calm, loss: percent(cell.lossPercent) }
    const profile: ChangingProfile = { ...cell.profile }
    this.#ring = populatedRing({
      seed,
      nodes: cell.nodes,
      profile,
      weather,
      networksOf: () => [NETWORK],
      isSealed: false,
    })
    for (const host of this.#hosts) {
      const { tables } = coreOf(host)
      tables.watchRows({ networkId: NETWORK }, (change) => this.#hear(host, change))
      tables.watchAttachments((change) => this.#hearAttachment(host, change))
    }
    if (cell.perturbation === 'join-populated') this.#populate(profile, weather)
    this.#run(WARM_UP_MS)
  }

  trial(): void {
    this.#undo?.()
    const host = this.#hosts[this.#random.below(this.#hosts.length)]
    assert(host !== undefined, 'a ring has hosts')
    const key = `key-${this.#keys++}`
    this.#prepare(host, key)
    this.#run(this.#random.below(1_000_000) / 1000)
    this.#perturb(host, key)
    this.#measure()
    this.#undo = () => {
      this.#restore(host, key)
      this.#run(SETTLE_MS)
    }
  }

  get #hosts(): readonly RingHost[] {
    return this.#ring.world.hosts
  }

  #populate(profile: ChangingProfile, weather: LinkWeather): void {
    fillRing(this.#ring, {
      profile,
      weather,
      networks: new Map([[NETWORK, this.#hosts]]),
      write: () => {
        for (const host of this.#hosts) this.#putAll(host)
      },
      isFull: () => this.#isPopulated(),
    })
  }

  #putAll(host: RingHost): void {
    for (let i = 0; i < ROWS_EACH; i++) this.#put(host, `${nodeName(host.index)}-${i}`)
  }

  #isPopulated(): boolean {
    return this.#hosts.every((host) => this.#hasAllRows(host, this.#hosts.length))
  }

  /** Make true what the perturbation starts from, and wait until everybody knows. */
  #prepare(host: RingHost, key: string): void {
    switch (this.#cell.perturbation) {
      case 'create':
      case 'leave':
        return
      case 'update':
      case 'delete':
        this.#await(host, (change) => change.row.key === key)
        this.#put(host, key)
        return this.#untilTold()
      case 'join':
      case 'write-after-join':
      case 'join-populated':
        this.#awaitAttachment(host, 'detach')
        this.#ring.world.act(host, (core, now) => core.tables.detach(now, NETWORK))
        return this.#untilTold()
    }
  }

  #perturb(host: RingHost, key: string): void {
    const { world } = this.#ring
    switch (this.#cell.perturbation) {
      case 'create':
      case 'update':
        this.#await(host, ({ type, row }) => type !== 'delete' && row.key === key)
        return this.#put(host, key)
      case 'delete':
        this.#await(host, ({ type, row }) => type === 'delete' && row.key === key)
        return world.act(host, (core, now) =>
          core.tables.remove(now, { networkId: NETWORK, table: TABLE, key }),
        )
      case 'join':
        this.#awaitAttachment(host, 'attach')
        return attach(this.#ring, host, NETWORK)
      case 'write-after-join':
        this.#await(host, ({ type, row }) => type === 'create' && row.key === key)
        attach(this.#ring, host, NETWORK)
        return this.#put(host, key)
      case 'join-populated':
        this.#awaitRows(host)
        return attach(this.#ring, host, NETWORK)
      case 'leave':
        this.#awaitAttachment(host, 'detach')
        return world.act(host, (core, now) => core.tables.detach(now, NETWORK))
    }
  }

  /** Back to what the next trial begins with. */
  #restore(host: RingHost, key: string): void {
    const { perturbation } = this.#cell
    if (perturbation === 'leave') {
      this.#awaitAttachment(host, 'attach')
      attach(this.#ring, host, NETWORK)
      return this.#untilTold()
    }
    if (perturbation === 'join-populated') {
      this.#putAll(host)
      return this.#untilAll(() => this.#isPopulated())
    }
    const holds = perturbation === 'create' || perturbation === 'update'
    if (!holds && perturbation !== 'write-after-join') return
    this.#await(host, ({ type, row }) => type === 'delete' && row.key === key)
    this.#ring.world.act(host, (core, now) =>
      core.tables.remove(now, { networkId: NETWORK, table: TABLE, key }),
    )
    this.#untilTold()
  }

  #put(host: RingHost, key: string): void {
    const value = utf8Bytes(`value ${this.#values++} `.padEnd(VALUE_BYTES, '.'))
    const row = { networkId: NETWORK, table: TABLE, key, value }
    this.#ring.world.act(host, (core, now) => core.tables.put(now, row))
  }

  #hasAllRows(host: RingHost, owners: number): boolean {
    const view = coreOf(host).tables.networks().find(({ networkId }) => networkId === NETWORK)
    return (view?.rows ?? 0) >= owners * ROWS_EACH
  }

  #await(host: RingHost, isRow: Awaited['isRow']): void {
    this.#expect(this.#others(host), { isRow, isAttachment: () => false })
  }

  #awaitAttachment(host: RingHost, type: AttachmentChange['type']): void {
    const name = nodeName(host.index)
    const isAttachment = (change: AttachmentChange): boolean =>
      change.type === type && change.nodeName === name && change.networkId === NETWORK
    this.#expect(this.#others(host), { isRow: () => false, isAttachment })
  }

  /** The one who joins is told when it holds the rows of all others; the last road counts. */
  #awaitRows(host: RingHost): void {
    const isRow = (): boolean => this.#hasAllRows(host, this.#hosts.length - 1)
    this.#expect(new Set([host.index]), { isRow, isAttachment: () => false })
  }

  #others(host: RingHost): Set<number> {
    return new Set(this.#hosts.filter((other) => other !== host).map(({ index }) => index))
  }

  #expect(pending: Set<number>, what: Pick<Awaited, 'isRow' | 'isAttachment'>): void {
    this.#awaited = { since: this.#ring.world.now, pending, ...what }
    this.#roads.clear()
  }

  #hear(host: RingHost, change: RowChange): void {
    if (this.#awaited?.pending.has(host.index) !== true || !this.#awaited.isRow(change)) return
    this.#tell(host, change.road)
  }

  #hearAttachment(host: RingHost, change: AttachmentChange): void {
    if (this.#awaited?.pending.has(host.index) !== true) return
    if (this.#awaited.isAttachment(change)) this.#tell(host, change.road)
  }

  #tell(host: RingHost, road: Road): void {
    this.#awaited?.pending.delete(host.index)
    this.#roads.set(host.index, road)
    this.#lastToldAt = this.#ring.world.now
  }

  #measure(): void {
    const awaited = this.#awaited
    assert(awaited !== null, 'something was perturbed')
    const count = awaited.pending.size + this.#roads.size
    this.#tally.tellings += count
    this.#until(() => awaited.pending.size === 0, UNTOLD_MS)
    this.#tally.untold += awaited.pending.size
    this.#untilTold()
    const isPopulated = this.#cell.perturbation === 'join-populated'
    const byGossip = [...this.#roads.values()].filter((road) => road === 'gossip').length
    // Whoever joins is brought up to date by a sync: that is not a failure of gossip.
    if (!isPopulated) this.#tally.notByGossip += count - byGossip
    if (awaited.pending.size === 0) this.#tally.convergedMs.push(this.#lastToldAt - awaited.since)
    this.#awaited = null
  }

  #untilTold(): void {
    const awaited = this.#awaited
    this.#untilAll(() => awaited === null || awaited.pending.size === 0)
  }

  #untilAll(done: () => boolean): void {
    this.#until(done, CEILING_MS)
  }

  #until(done: () => boolean, msMax: number): void {
    const end = this.#ring.world.now + msMax
    while (!done() && this.#ring.world.now < end) this.#run(LOOK_MS)
  }

  #run(ms: number): void {
    this.#ring.world.run(this.#ring.world.now + ms)
    assertRunning(this.#ring)
  }
}
