/** The dataplane of one of two hosts, one after another, as plain data goes in and out of it. */
import { assert } from '@weft/core'
import type { ApplyReport, Dataplane, DesiredState } from '@weft/dataplane'
import { hostDataplane, openHostDataplane, type HostDataplane } from '../host-dataplane.ts'
import type { EncryptedHostSpec, PairKey } from './encrypted-host.ts'
import { pairKeys, pairState } from './pair-state.ts'

/** Where it has its tunnel, and where its container is. */
export interface PairPlaces {
  readonly underlay: string
  readonly container: string
}

/** Invariant: at most one dataplane is open, and events of all of them are kept until asked for. */
export class PairDataplane {
  readonly #number: 1 | 2
  readonly #container: string
  readonly #options: HostDataplane
  #open: Dataplane | null = null
  #desired: DesiredState | null = null
  #drifted: string[] = []
  #generation = 0

  constructor({ backend, number, path = 'ip' }: EncryptedHostSpec, places: PairPlaces) {
    this.#number = number
    this.#container = places.container
    const place = { instance: `pair${number}`, underlayNamespace: places.underlay, esp: { path } }
    this.#options = hostDataplane(backend, place)
  }

  async open(): Promise<void> {
    this.#open = await openHostDataplane(this.#options)
    this.#open.events.on('drift', ({ items }) => void this.#drifted.push(...items))
  }

  /** Idempotent. */
  async close(mode: 'detach' | 'teardown'): Promise<void> {
    await this.#open?.close(mode)
    this.#open = null
  }

  async apply(given: readonly PairKey[]): Promise<readonly string[]> {
    const generation = ++this.#generation
    const host = { generation, container: this.#container, keys: pairKeys(given) }
    this.#desired = pairState(this.#number, host)
    const { failures } = await this.again()
    return failures.map(({ error, item }) => `${item} ${error.code}`)
  }

  /** Apply what was applied last. */
  again(): Promise<ApplyReport> {
    assert(this.#desired !== null, 'something was applied')
    return this.#dataplane.apply(this.#desired)
  }

  async items(): Promise<Readonly<Record<string, string>>> {
    return Object.fromEntries((await this.#dataplane.observe()).items)
  }

  async dropped(): Promise<Readonly<Record<string, number>>> {
    return Object.fromEntries((await this.#dataplane.counters()).dropped)
  }

  drifted(): readonly string[] {
    return this.#drifted.splice(0)
  }

  get #dataplane(): Dataplane {
    assert(this.#open !== null, 'the dataplane is open')
    return this.#open
  }
}
