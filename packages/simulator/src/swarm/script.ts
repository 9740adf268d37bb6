/** Phase one: work and faults, as the seed has it. */
import { SeededRandom, type Random } from '@weft/core'
import { pick, type FaultKind } from './swarm-options.ts'
import type { Swarm } from './swarm.ts'
import type { SwarmNode } from './swarm-node.ts'

/** How long a node that said goodbye runs on, in ms. */
export const GOODBYE_MS = 5000

const TABLES = ['endpoint_table', 'overlay_peer_table', 'weft_test'] as const
const KEYS = 12
const BLOCK_MS = [300, 1500, 6000, 20_000] as const
const CLOCK_STEP_MS = [500, 5000, 60_000] as const
/** Running nodes that no fault takes away. */
const RUNNING_MIN = 2

type Action = (script: Script, random: Random) => void

const WORK: readonly (readonly [weight: number, action: Action])[] = [
  [3, (script, random) => script.attach(random)],
  [1, (script, random) => script.detach(random)],
  [8, (script, random) => script.put(random)],
  [4, (script, random) => script.update(random)],
  [2, (script, random) => script.remove(random)],
  [1, (script) => script.rotate()],
  [2, (script, random) => script.startSome(random)],
]

const FAULT: Readonly<Record<FaultKind, Action>> = {
  crash: (script, random) => script.crash(random),
  restart: (script, random) => script.restart(random, false),
  rename: (script, random) => script.restart(random, true),
  leave: (script, random) => script.leave(random),
  cut: (script, random) => script.cut(random),
  partition: (script, random) => script.partition(random),
  block: (script, random) => script.block(random),
  'clock-step': (script, random) => script.stepClock(random),
  'clock-rate': () => undefined,
}

/** Draws one thing after the other and does it. */
export class Script {
  readonly #swarm: Swarm
  readonly #random: SeededRandom
  readonly #actions: readonly Action[]

  constructor(swarm: Swarm) {
    this.#swarm = swarm
    this.#random = new SeededRandom(`${swarm.options.seed}/script`)
    const work = WORK.flatMap(([weight, action]) => Array<Action>(weight).fill(action))
    const faults = [...swarm.options.faults].map((kind) => FAULT[kind])
    const heal: Action = (script) => script.heal()
    this.#actions = [...work, ...faults, ...faults, heal]
  }

  /** Start all, and let them find each other. */
  begin(): void {
    for (const node of this.#swarm.nodes) {
      this.#swarm.start(node, { isRenamed: true, memory: null })
      this.#swarm.step(20)
    }
  }

  /** Do one thing, then let some time go by. */
  step(): void {
    pick(this.#random, this.#actions)(this, this.#random)
    this.#endGoodbyes()
    this.#swarm.step(1 + this.#random.below(this.#swarm.options.stepMsMax))
  }

  attach(random: Random): void {
    const node = this.#any(random)
    const networkId = `net-${random.below(this.#swarm.options.networks)}`
    if (node !== null) this.#swarm.attach(node, networkId)
  }

  detach(random: Random): void {
    const node = this.#any(random)
    const networks = [...(node?.observer?.networks ?? [])]
    if (node !== null && networks.length > 0) this.#swarm.detach(node, pick(random, networks))
  }

  put(random: Random): void {
    const node = this.#any(random)
    const networks = [...(node?.observer?.networks ?? [])]
    const number = random.below(KEYS)
    if (node === null || networks.length === 0) return
    const key = `${node.name}-${number}`
    this.#swarm.put(node, { networkId: pick(random, networks), table: pick(random, TABLES), key })
  }

  update(random: Random): void {
    const node = this.#any(random)
    const rows = [...(node?.rows.values() ?? [])]
    if (node === null || rows.length === 0) return
    const { networkId, table, key } = pick(random, rows)
    this.#swarm.put(node, { networkId, table, key })
  }

  remove(random: Random): void {
    const node = this.#any(random)
    const rows = [...(node?.rows.values() ?? [])]
    if (node === null || rows.length === 0) return
    const { networkId, table, key } = pick(random, rows)
    this.#swarm.remove(node, { networkId, table, key })
  }

  rotate(): void {
    this.#swarm.rotate()
  }

  /** Whatever lies down comes back under a name of its own. */
  startSome(random: Random): void {
    const down = this.#swarm.nodes.filter(({ state }) => state === 'down')
    if (down.length > 0) this.#swarm.start(pick(random, down), { isRenamed: true, memory: null })
  }

  crash(random: Random): void {
    const node = this.#spare(random)
    if (node !== null) this.#swarm.crash(node)
  }

  restart(random: Random, isRenamed: boolean): void {
    const node = this.#spare(random)
    const remembers = random.below(2) === 0
    if (node === null) return
    this.#swarm.crash(node)
    const memory = isRenamed || !remembers ? null : node.memory
    this.#swarm.start(node, { isRenamed, memory })
  }

  leave(random: Random): void {
    const node = this.#spare(random)
    if (node === null) return
    this.#swarm.leave(node)
    node.busyUntil = this.#swarm.ring.world.now + GOODBYE_MS
  }

  cut(random: Random): void {
    const { nodes, ring } = this.#swarm
    const [from, to] = [random.below(nodes.length), random.below(nodes.length)]
    if (from === to) return
    this.#swarm.say(`cut ${from}>${to}`)
    ring.world.model.cut(from, to)
  }

  partition(random: Random): void {
    const { nodes, ring } = this.#swarm
    const sides = nodes.map(() => random.below(2))
    this.#swarm.say(`partition ${sides.join('')}`)
    sides.forEach((side, host) => ring.world.model.partition(host, side))
  }

  heal(): void {
    this.#swarm.say('heal the network')
    this.#swarm.ring.world.model.heal()
  }

  block(random: Random): void {
    const node = this.#any(random)
    if (node !== null) this.#swarm.block(node, pick(random, BLOCK_MS))
  }

  stepClock(random: Random): void {
    const node = this.#any(random)
    const ms = pick(random, CLOCK_STEP_MS)
    if (node === null) return
    this.#swarm.say(`step the clock of ${node.name} by ${ms} ms`)
    this.#swarm.ring.world.stepClock(node.host, ms)
  }

  /** A node that runs and does not stand still. */
  #any(random: Random): SwarmNode | null {
    const now = this.#swarm.ring.world.now
    const ready = this.#swarm.nodes.filter(
      ({ state, busyUntil }) => state === 'running' && busyUntil <= now,
    )
    return ready.length === 0 ? null : pick(random, ready)
  }

  /** One that the ring can do without. */
  #spare(random: Random): SwarmNode | null {
    const running = this.#swarm.nodes.filter(({ state }) => state === 'running')
    return running.length <= RUNNING_MIN ? null : this.#any(random)
  }

  #endGoodbyes(): void {
    const now = this.#swarm.ring.world.now
    for (const node of this.#swarm.nodes) {
      if (node.state === 'leaving' && node.busyUntil <= now) this.#swarm.crash(node)
    }
  }
}
