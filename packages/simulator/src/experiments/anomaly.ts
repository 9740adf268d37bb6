/** Lifeguard's controlled experiment (arXiv:1707.00788 §V): slow members, and who dies of them. */
import { SeededRandom, silentLogger } from '@weft/core'
import { SimEntropy } from '@weft/core/testing'
import type { KnownMember, MembershipProfile } from '@weft/gossip'
import { calm, NetworkModel } from '../engine/network-model.ts'
import { exactClock } from '../engine/node-clock.ts'
import { hostAddress } from '../ring-address.ts'
import type { Blockage, SimProcess } from '../engine/sim-process.ts'
import { World } from '../engine/world.ts'
import { insecureSimAead } from '../insecure-sim-aead.ts'
import { MembershipNode } from './membership-node.ts'

/** One run of the experiment. */
export interface AnomalyRun {
  readonly seed: string
  readonly profile: MembershipProfile
  readonly nodes: number
  /** Members that are slow at the same time (C). */
  readonly slow: number
  /** What of them stands still. */
  readonly blocked: Blockage
  /** How long they stand still, in ms (D). */
  readonly blockedMs: number
  /** How long they run between that, in ms (I). */
  readonly runningMs: number
  /** How long the anomalies go on. */
  readonly durationMs: number
  /** Members that crash for good, one after the other in the middle third; none of the slow. */
  readonly crashes: number
}

/** What came of it. */
export interface AnomalyResult {
  /** Members that ran and were held for dead by some member, once for each member that did (FP). */
  readonly falsePositives: number
  /** Those of them at members that were not slow (FP⁻). */
  readonly atHealthy: number
  /** From a crash until the first healthy member holds it for dead, in ms. */
  readonly firstDetectionMs: readonly number[]
  /** From a crash until the last healthy member does, in ms; Infinity: some never did. */
  readonly disseminationMs: readonly number[]
  readonly packetsSent: number
  /** UDP payload. */
  readonly packetBytesSent: number
}

/** Quiet before the anomalies begin, as in the paper; timers have drifted apart by then. */
export const QUIESCE_MS = 15_000

/** How long a crash is waited for after the anomalies are over. */
const AFTERMATH_MS = 60_000

/** What Docker's nodes say that they speak (docker-wire §2.2). */
const VERSIONS: KnownMember['vsn'] = [1, 5, 2, 0, 0, 0]

interface Crash {
  readonly at: number
  readonly toldAt: Map<number, number>
}

/** A ring in which the last members are slow, or crash. */
class AnomalyRing {
  readonly #run: AnomalyRun
  readonly #world: World<MembershipNode>
  readonly #crashes = new Map<string, Crash>()
  #falsePositives = 0
  #atHealthy = 0

  constructor(run: AnomalyRun) {
    this.#run = run
    this.#world = new World(new NetworkModel(run.seed, run.nodes, calm), {})
    const random = new SeededRandom(run.seed)
    const known = knownMembers(run.nodes)
    for (const _ of known) this.#world.addHost(hostAddress(this.#world.hosts.length), exactClock)
    for (const host of this.#world.hosts) {
      this.#start(host, random.fork(`host ${host.index}`), known)
    }
  }

  play(): AnomalyResult {
    const { durationMs, crashes } = this.#run
    this.#world.run(QUIESCE_MS)
    this.#block()
    this.#crashLater()
    this.#world.run(QUIESCE_MS + durationMs + (crashes > 0 ? AFTERMATH_MS : 0))
    const { failure } = this.#world
    if (failure !== null) throw failure.error
    return this.#result()
  }

  #start(
    host: SimProcess<MembershipNode>,
    random: SeededRandom,
    known: readonly KnownMember[],
  ): void {
    const name = nameOf(host.index)
    const options = {
      name,
      advertise: host.address,
      meta: new Uint8Array(0),
      label: '',
      keys: null,
      profile: this.#run.profile,
      known: known.filter((member) => member.name !== name),
    }
    const ports = {
      random: random.fork('choices'),
      entropy: new SimEntropy(random.fork('nonces')),
      aead: insecureSimAead,
      log: silentLogger,
    }
    const onDeath = ({ name: dead }: { name: string }): void => this.#hear(host.index, dead)
    this.#world.start(host, (now) => new MembershipNode(now, options, { ports, onDeath }))
  }

  /** All slow members stand still at once, again and again, as long as the experiment lasts. */
  #block(): void {
    const { blocked, blockedMs, runningMs, durationMs } = this.#run
    const { now } = this.#world
    for (let at = 0; at < durationMs; at += blockedMs + runningMs) {
      this.#world.at(now + at, () => {
        for (const host of this.#world.hosts) {
          if (this.#isSlow(host.index)) this.#world.block(host, blocked, blockedMs)
        }
      })
    }
  }

  /** Each by itself: those that crash together would also miss each other's probes. */
  #crashLater(): void {
    const { durationMs, crashes } = this.#run
    const third = durationMs / 3
    this.#world.hosts.slice(1, 1 + crashes).forEach((host, i) => {
      const at = this.#world.now + third + (i * third) / crashes
      this.#world.at(at, () => this.#crash(host))
    })
  }

  #crash(host: SimProcess<MembershipNode>): void {
    this.#world.crash(host)
    this.#crashes.set(nameOf(host.index), { at: this.#world.now, toldAt: new Map() })
  }

  #hear(at: number, dead: string): void {
    const crash = this.#crashes.get(dead)
    if (crash !== undefined) {
      if (!crash.toldAt.has(at)) crash.toldAt.set(at, this.#world.now - crash.at)
      return
    }
    // Somebody who stands still is rightly missed; the experiment asks about those who do not.
    if (this.#isSlow(indexOf(dead))) return
    this.#falsePositives++
    if (!this.#isSlow(at)) this.#atHealthy++
  }

  #isSlow(index: number): boolean {
    return index >= this.#run.nodes - this.#run.slow
  }

  #result(): AnomalyResult {
    const healthy = this.#world.hosts.filter(
      ({ index, core }) => core !== null && !this.#isSlow(index),
    )
    const told = [...this.#crashes.values()].map(({ toldAt }) =>
      healthy.map(({ index }) => toldAt.get(index) ?? Infinity),
    )
    const traffic = this.#world.hosts.map((host) => host.traffic)
    return {
      falsePositives: this.#falsePositives,
      atHealthy: this.#atHealthy,
      firstDetectionMs: told.map((times) => Math.min(...times)),
      disseminationMs: told.map((times) => Math.max(...times)),
      packetsSent: traffic.reduce((sum, { packetsSent }) => sum + packetsSent, 0),
      packetBytesSent: traffic.reduce((sum, { packetBytesSent }) => sum + packetBytesSent, 0),
    }
  }
}

/** Play one run. Throws what a core threw. */
export function playAnomaly(run: AnomalyRun): AnomalyResult {
  return new AnomalyRing(run).play()
}

function knownMembers(count: number): readonly KnownMember[] {
  return Array.from({ length: count }, (_, index) => ({
    name: nameOf(index),
    address: hostAddress(index),
    meta: new Uint8Array(0),
    vsn: VERSIONS,
    incarnation: 1,
  }))
}

function nameOf(index: number): string {
  return `node-${index}`
}

function indexOf(name: string): number {
  return Number(name.slice('node-'.length))
}
