/** The state of one run: the world, who is where, and the desired state of every host. */
import { describeError } from '@weft/core'
import type { ApplyReport, Attachment } from '@weft/dataplane'
import { castContainers, desiredFor, type CastContainer, type Placement } from './cast.ts'
import type { CheckResult } from './report.ts'
import type { World } from './world.ts'

/** A part of the scenario: plays and says what it found. */
export type Act = (play: Play) => Promise<readonly CheckResult[]>

/** How a run is played. */
export interface PlayOptions {
  /** Bytes of each transfer. */
  readonly transferBytes: number
  /** Takes a word about how far a long act has come. */
  readonly progress: (words: string) => void
}

/** One run in progress. */
export class Play {
  readonly world: World
  readonly options: PlayOptions
  readonly containers: CastContainer[]
  readonly #attachments = new Map<CastContainer, Attachment>()
  #generation = 0

  constructor(world: World, options: PlayOptions) {
    this.world = world
    this.options = options
    this.containers = castContainers(world.hosts.map((host) => host.name))
  }

  /** Place every container and tell every dataplane. */
  async begin(): Promise<void> {
    for (const container of this.containers) {
      this.#attachments.set(container, await this.world.containers.place(container))
    }
    await this.applyEverywhere()
  }

  /** The container of this name. */
  container(name: string): CastContainer {
    const found = this.containers.find((candidate) => candidate.name === name)
    if (found === undefined) throw new Error(`bug: no container ${name}`)
    return found
  }

  /** Members of one network that have a counterpart in the other, in order of host. */
  members(network: string): CastContainer[] {
    return this.containers.filter((c) => c.network === network && c.name !== 'green-only')
  }

  /** Tell these hosts (all, when not named) what is now desired, one generation on. */
  async applyEverywhere(hosts: readonly string[] = this.hostNames()): Promise<ApplyReport[]> {
    this.#generation++
    const reports = await Promise.all(hosts.map((host) => this.apply(host)))
    for (const [i, report] of reports.entries()) {
      const [failure] = report.failures
      if (failure === undefined) continue
      const what = `${hosts[i] ?? ''}: ${failure.item}: ${describeError(failure.error)}`
      throw new Error(`the dataplane could not do what it was told: ${what}`)
    }
    return reports
  }

  /** Tell one host the present state again, under the present generation. */
  async apply(host: string): Promise<ApplyReport> {
    return this.world.control.apply(host, desiredFor(host, this.#generation, this.#placement()))
  }

  /** Put a container on another host; nobody is told yet. Returns the host it left. */
  async carry(container: CastContainer, to: string): Promise<string> {
    const from = container.host
    container.host = to
    this.#attachments.set(container, await this.world.containers.place(container))
    return from
  }

  hostNames(): string[] {
    return this.world.hosts.map((host) => host.name)
  }

  #placement(): Placement {
    const vteps = new Map(this.world.hosts.map((host) => [host.name, host.vtep]))
    return { vteps, containers: this.containers, attachments: this.#attachments }
  }
}

/** All ordered pairs of different members. */
export function pairsOf<T>(members: readonly T[]): [T, T][] {
  return members.flatMap((a) => members.filter((b) => b !== a).map((b): [T, T] => [a, b]))
}
