/** A ring, what is done to it, and what is known to be true of it. */
import { assert, formatSocketAddress, SeededRandom, type Instant, type Random } from '@weft/core'
import { TranscriptRing } from '../engine/transcript-ring.ts'
import { productionNode, Ring, type NodeFactory } from '../ring.ts'
import { CLOCK_RATE_PPM_MAX, exactClock, type ClockError } from '../engine/node-clock.ts'
import { KeyRotation } from './key-rotation.ts'
import { Ledger } from './ledger.ts'
import { NodeObserver } from './node-observer.ts'
import { Referee } from './referee.ts'
import { swarmNode, type Memory, type SwarmNode } from './swarm-node.ts'
import type { SwarmOptions } from './swarm-options.ts'
import { WireWatch } from './wire-watch.ts'

/** Lines of a transcript that are kept for whoever has to understand a failure. */
export const LINES_KEPT = 400

/** Packets a node may send per second of a step, on average over steps of a second and more. */
export const PACKETS_PER_SECOND_MAX = 2000

/** Streams a node may hold. memberlist accepts 128 at once and opens some. */
export const STREAMS_HELD_MAX = 400

const CLOCK_OFFSET_MS = 10_000_000

/** The verbs of a run; each keeps ring, truth and transcript together. */
export class Swarm {
  readonly options: SwarmOptions
  readonly ring: Ring
  readonly nodes: readonly SwarmNode[]
  readonly referee: Referee
  readonly ledger = new Ledger()
  readonly transcript = new TranscriptRing(LINES_KEPT)
  readonly #rotation: KeyRotation
  readonly #keysEverUsed: Uint8Array[] = []
  #names = 0

  constructor(options: SwarmOptions, createNode: NodeFactory = productionNode) {
    this.options = options
    const random = new SeededRandom(`${options.seed}/ring`)
    this.#rotation = new KeyRotation(random.fork('keys'), options.isSealed)
    const now = (): number => this.ring.world.now
    this.referee = new Referee(now)
    const limits = {
      packetBytesMax: options.profile.packetBytesMax,
      secrets: { keys: this.#keysEverUsed },
    }
    const court = { referee: this.referee, transcript: this.transcript, now }
    this.ring = new Ring({
      seed: options.seed,
      hostsMax: options.nodes,
      profile: options.profile,
      weather: options.weather,
      label: '',
      watch: new WireWatch(limits, court),
      log: (at, node, line) => this.transcript.add(at, `${node} ${line}`),
      createNode,
    })
    this.nodes = this.#addNodes(random.fork('clocks'))
    this.#rememberKeys()
  }

  /** Write a line. */
  say(text: string): void {
    this.transcript.add(this.ring.world.now, text)
  }

  /** The user of a node does something with it; what it throws is a violation. */
  act(node: SwarmNode, act: (now: Instant, core: NodeCore) => void): void {
    const { host } = node
    assert(host.core !== null, 'something is done with nodes that run')
    try {
      this.ring.world.act(host, (core, now) => act(now, core))
    } catch (error) {
      this.referee.report('no-throw', node.name, inFull(error))
    }
  }

  /** Start a process: under a new name, or that of its predecessor; with its memory, or nothing. */
  start(node: SwarmNode, how: { isRenamed: boolean; memory: Memory | null }): void {
    if (how.isRenamed || node.name === '') node.name = `node-${this.#names++}`
    const { name, host } = node
    this.say(`start ${name} on host ${host.index}${how.memory === null ? '' : ' from memory'}`)
    this.ledger.started(name, formatSocketAddress(host.address))
    const known = how.memory?.known ?? []
    const knownAttachments = how.memory?.knownAttachments ?? []
    const core = this.ring.start(host, { name, keys: this.#rotation.keys, known, knownAttachments })
    node.state = 'running'
    node.observer = new NodeObserver(name, core, { ledger: this.ledger, referee: this.referee })
    this.act(node, (now) => core.join(now, this.ring.bootstrap(host)))
  }

  /** The host falls silent; what its user did is undone by that. */
  crash(node: SwarmNode): void {
    this.say(`crash ${node.name}`)
    if (node.host.core !== null) node.memory = node.host.core.snapshot()
    this.ring.world.crash(node.host)
    node.state = 'down'
    node.busyUntil = 0
    node.observer = null
    node.rows.clear()
  }

  /** The next step of a key rotation, on every node that runs. */
  rotate(): void {
    const step = this.#rotation.next()
    if (step === null) return
    this.say(`rotate to ${this.#rotation.keys.map(({ tag }) => tag).join(', ')}`)
    this.#rememberKeys()
    for (const { host } of this.nodes) {
      const keys = host.core === null ? null : this.ring.keysOf(host)
      if (keys !== null) step(keys)
    }
  }

  /** Let time go by, then look at everything that can be looked at. */
  step(ms: number): void {
    const { world } = this.ring
    const before = this.nodes.map(({ host }) => host.traffic.packetsSent)
    world.run(world.now + ms)
    if (world.failure !== null) {
      const { host, error } = world.failure
      this.referee.report('no-throw', this.nodes[host]?.name ?? '?', inFull(error))
      return
    }
    const packetsMax = (Math.max(ms, 1000) / 1000) * PACKETS_PER_SECOND_MAX
    this.nodes.forEach(({ host, name, observer }, i) => {
      const packets = host.traffic.packetsSent - (before[i] ?? 0)
      if (packets > packetsMax) this.referee.report('bounded-rate', name, `${packets} in ${ms} ms`)
      if (host.streams.size > STREAMS_HELD_MAX) {
        this.referee.report('bounded-streams', name, `${host.streams.size} streams`)
      }
      observer?.check()
    })
  }

  #addNodes(random: Random): readonly SwarmNode[] {
    const { nodes, faults } = this.options
    return Array.from({ length: nodes }, () => {
      const drawn: ClockError = {
        offsetMs: random.below(CLOCK_OFFSET_MS),
        ratePpm: random.below(2 * CLOCK_RATE_PPM_MAX + 1) - CLOCK_RATE_PPM_MAX,
      }
      return swarmNode(this.ring.addHost(faults.has('clock-rate') ? drawn : exactClock))
    })
  }

  #rememberKeys(): void {
    for (const { bytes } of this.#rotation.keys) {
      if (!this.#keysEverUsed.includes(bytes)) this.#keysEverUsed.push(bytes)
    }
  }
}

/** A node that runs. */
export type NodeCore = NonNullable<SwarmNode['host']['core']>

function inFull(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
