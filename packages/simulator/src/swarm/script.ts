/** Phase one: work and faults, as the seed has it. */
import { SeededRandom, type Random } from '@weft/core'
import { anyReady, FAULT_ACTIONS, type Action } from './faults.ts'
import type { Swarm } from './swarm.ts'
import { pick } from './swarm-options.ts'
import { attach, detach, put, remove, type RowPlace } from './work.ts'

const TABLES = ['endpoint_table', 'overlay_peer_table', 'weft_test'] as const
const KEYS = 12

/** What users do, by how often they do it. */
const WORK: readonly (readonly [weight: number, action: Action])[] = [
  [3, attachOne],
  [1, detachOne],
  [8, putOne],
  [4, (swarm, random) => withOwnRow(swarm, random, put)],
  [2, (swarm, random) => withOwnRow(swarm, random, remove)],
  [1, (swarm) => swarm.rotate()],
  [2, startOne],
]

/** Draws one thing after the other and does it. */
export class Script {
  readonly #swarm: Swarm
  readonly #random: SeededRandom
  readonly #actions: readonly Action[]

  constructor(swarm: Swarm) {
    this.#swarm = swarm
    this.#random = new SeededRandom(`${swarm.options.seed}/script`)
    const work = WORK.flatMap(([weight, action]) => Array<Action>(weight).fill(action))
    const faults = [...swarm.options.faults].map((kind) => FAULT_ACTIONS[kind])
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
    pick(this.#random, this.#actions)(this.#swarm, this.#random)
    this.#endGoodbyes()
    this.#swarm.step(1 + this.#random.below(this.#swarm.options.stepMsMax))
  }

  #endGoodbyes(): void {
    const { now } = this.#swarm.ring.world
    for (const node of this.#swarm.nodes) {
      if (node.state === 'leaving' && node.busyUntil <= now) this.#swarm.crash(node)
    }
  }
}

function attachOne(swarm: Swarm, random: Random): void {
  const node = anyReady(swarm, random)
  const networkId = `net-${random.below(swarm.options.networks)}`
  if (node !== null) attach(swarm, node, networkId)
}

function detachOne(swarm: Swarm, random: Random): void {
  const node = anyReady(swarm, random)
  const networks = [...(node?.observer?.networks ?? [])]
  if (node !== null && networks.length > 0) detach(swarm, node, pick(random, networks))
}

function putOne(swarm: Swarm, random: Random): void {
  const node = anyReady(swarm, random)
  const networks = [...(node?.observer?.networks ?? [])]
  const number = random.below(KEYS)
  if (node === null || networks.length === 0) return
  const key = `${node.name}-${number}`
  put(swarm, node, { networkId: pick(random, networks), table: pick(random, TABLES), key })
}

function withOwnRow(
  swarm: Swarm,
  random: Random,
  act: (swarm: Swarm, node: NonNullable<ReturnType<typeof anyReady>>, where: RowPlace) => void,
): void {
  const node = anyReady(swarm, random)
  const rows = [...(node?.rows.values() ?? [])]
  if (node === null || rows.length === 0) return
  const { networkId, table, key } = pick(random, rows)
  act(swarm, node, { networkId, table, key })
}

/** Whatever lies down comes back under a name of its own. */
function startOne(swarm: Swarm, random: Random): void {
  const down = swarm.nodes.filter(({ state }) => state === 'down')
  if (down.length > 0) swarm.start(pick(random, down), { isRenamed: true, memory: null })
}

function heal(swarm: Swarm): void {
  swarm.say('heal the network')
  swarm.ring.world.model.heal()
}
