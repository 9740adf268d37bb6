/** What goes wrong, by kind: each draws its victim and says what it did. */
import type { Random } from '@weft/core'
import type { Swarm } from './swarm.ts'
import type { SwarmNode } from './swarm-node.ts'
import { pick, type FaultKind } from './swarm-options.ts'
import { leave } from './work.ts'

/** How long a node that said goodbye runs on, in ms. */
export const GOODBYE_MS = 5000

const BLOCK_MS = [300, 1500, 6000, 20_000] as const
const BLOCKAGES = ['process', 'network'] as const
const CLOCK_STEP_MS = [500, 5000, 60_000] as const
/** Running nodes that no fault takes away. */
const RUNNING_MIN = 2

/** Does one thing to a swarm. */
export type Action = (swarm: Swarm, random: Random) => void

/** A fault of each kind; a clock's rate is wrong from the start. */
export const FAULT_ACTIONS: Readonly<Record<FaultKind, Action>> = {
  crash: (swarm, random) => {
    const node = anySpare(swarm, random)
    if (node !== null) swarm.crash(node)
  },
  restart: (swarm, random) => restart(swarm, random, false),
  rename: (swarm, random) => restart(swarm, random, true),
  leave: (swarm, random) => {
    const node = anySpare(swarm, random)
    if (node !== null) leave(swarm, node, GOODBYE_MS)
  },
  cut,
  partition,
  block: (swarm, random) => {
    const node = anyReady(swarm, random)
    const ms = pick(random, BLOCK_MS)
    if (node === null) return
    swarm.say(`block ${node.name} for ${ms} ms`)
    node.busyUntil = swarm.ring.world.now + ms
    swarm.ring.world.block(node.host, pick(random, BLOCKAGES), ms)
  },
  'clock-step': (swarm, random) => {
    const node = anyReady(swarm, random)
    const ms = pick(random, CLOCK_STEP_MS)
    if (node === null) return
    swarm.say(`step the clock of ${node.name} by ${ms} ms`)
    swarm.ring.world.stepClock(node.host, ms)
  },
  'clock-rate': () => undefined,
}

/** A node that runs and does not stand still; null: there is none. */
export function anyReady(swarm: Swarm, random: Random): SwarmNode | null {
  const { now } = swarm.ring.world
  const isReady = ({ state, busyUntil }: SwarmNode): boolean =>
    state === 'running' && busyUntil <= now
  const ready = swarm.nodes.filter(isReady)
  return ready.length === 0 ? null : pick(random, ready)
}

/** One that the ring can do without. */
function anySpare(swarm: Swarm, random: Random): SwarmNode | null {
  const running = swarm.nodes.filter(({ state }) => state === 'running')
  return running.length <= RUNNING_MIN ? null : anyReady(swarm, random)
}

/** A process ends and its successor begins: under its name, with its memory or without, or anew. */
function restart(swarm: Swarm, random: Random, isRenamed: boolean): void {
  const node = anySpare(swarm, random)
  const remembers = random.below(2) === 0
  if (node === null) return
  swarm.crash(node)
  swarm.start(node, { isRenamed, memory: isRenamed || !remembers ? null : node.memory })
}

function cut(swarm: Swarm, random: Random): void {
  const hosts = swarm.nodes.length
  const [from, to] = [random.below(hosts), random.below(hosts)]
  if (from === to) return
  swarm.say(`cut ${from}>${to}`)
  swarm.ring.world.model.cut(from, to)
}

function partition(swarm: Swarm, random: Random): void {
  const sides = swarm.nodes.map(() => random.below(2))
  swarm.say(`partition ${sides.join('')}`)
  sides.forEach((side, host) => swarm.ring.world.model.partition(host, side))
}
