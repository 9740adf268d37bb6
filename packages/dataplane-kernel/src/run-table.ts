/**
 * Rules that send each run of a sender to its own IPsec state, by a mark, where packets come in:
 * they see the SPI, and the first word of the vector, which in a run is always the same.
 */
import type { IpFamily } from '@weft/core'
import {
  isKernelError,
  type Nftables,
  type SetEntry,
  type TableRef,
  type TableSpec,
} from '@weft/linux'
import type { RunName, SenderRuns } from './sender-runs.ts'

/** Runs that rules remember until the next look; more are seen later. */
export const SEEN_RUNS_MAX = 1024

/** How long, in ms: looks come sooner. */
const SEEN_FORGET_MS = 10_000
/** Behind all that others do with marks, just before IPsec looks at them. */
const PRIORITY = 1000

/** What the table says. */
export interface RunRules {
  /** Of the addresses between which packets are sealed. */
  readonly family: IpFamily
  readonly spis: readonly number[]
  readonly current: SenderRuns['current']
  readonly past: readonly RunName[]
}

/** The kernel's nftables as far as this needs them. */
export type RunTablePort = Pick<Nftables, 'deleteTable' | 'keys' | 'replaceTable' | 'rules'>

/**
 * The table of one instance, beside that of its guards, which is of another family. Invariant: what
 * it counted is not lost when it is written anew.
 */
export class RunTable {
  readonly #nft: RunTablePort
  readonly #name: string
  #family: IpFamily | null = null
  #written = ''
  #counted = 0

  constructor(nft: RunTablePort, instance: string) {
    this.#nft = nft
    this.#name = `weft-${instance}`
  }

  /** Have the table be this. Throws ERR_KERNEL. */
  write(rules: RunRules): void {
    const text = JSON.stringify(rules)
    if (text === this.#written) return
    if (this.#family !== rules.family) this.remove()
    // What its rules counted goes with the old table, not before it.
    const counted = this.late()
    this.#nft.replaceTable(this.#table(rules))
    this.#counted = counted
    this.#family = rules.family
    this.#written = text
  }

  /** Runs that came since the table was written and have no state. Throws ERR_KERNEL. */
  seen(): readonly RunName[] {
    const keys = this.#read((table) => this.#nft.keys(table, 'seen'))
    if (keys === null) this.#written = ''
    return (keys ?? []).map(([spi = 0, vector = 0]): RunName => [spi, vector])
  }

  /** Packets of runs that are over, thrown away up to now. Throws ERR_KERNEL. */
  late(): number {
    const rules = this.#read((table) => this.#nft.rules(table))
    return this.#counted + (rules?.[0]?.packets ?? 0)
  }

  /** Take it away, and what a predecessor wrote. Throws ERR_KERNEL. */
  remove(): void {
    const counted = this.late()
    for (const family of ['ip', 'ip6'] as const) {
      this.#nft.deleteTable({ family, name: this.#name })
    }
    this.#counted = counted
    this.#family = null
    this.#written = ''
  }

  /** Null when there is no table. */
  #read<Result>(read: (table: TableRef) => Result): Result | null {
    if (this.#family === null) return null
    try {
      return read({ family: FAMILIES[this.#family], name: this.#name })
    } catch (error) {
      if (isKernelError(error, 'ENOENT')) return null
      throw error
    }
  }

  #table({ current, family, past, spis }: RunRules): TableSpec {
    const entry = ([spi, vector]: RunName): SetEntry => ({ words: [spi, vector] })
    const remembers = { forgetMs: SEEN_FORGET_MS, entriesMax: SEEN_RUNS_MAX }
    const isOurs = { on: 'esp-spi', in: 'spis' } as const
    return {
      family: FAMILIES[family],
      name: this.#name,
      sets: [
        { name: 'past', key: 'esp-run', holds: 'keys', entries: past.map(entry) },
        {
          name: 'spis',
          key: 'esp-spi',
          holds: 'keys',
          entries: spis.map((spi) => ({ words: [spi] })),
        },
        {
          name: 'runs',
          key: 'esp-run',
          holds: 'marks',
          entries: current.map(({ mark, name }) => ({ ...entry(name), mark })),
        },
        { name: 'seen', key: 'esp-run', holds: 'keys', remembers, entries: [] },
      ],
      chains: [
        {
          name: 'runs',
          hook: 'input',
          priority: PRIORITY,
          policy: 'accept',
          rules: [
            { matches: [{ on: 'esp-run', in: 'past' }], counter: true, verdict: 'drop' },
            // Whatever others marked it with: a state is found by bits that are ours.
            { matches: [isOurs], counter: false, setMark: 0, verdict: 'continue' },
            {
              matches: [],
              counter: false,
              setMark: { from: 'runs', key: 'esp-run' },
              verdict: 'accept',
            },
            {
              matches: [isOurs],
              counter: false,
              remember: { in: 'seen', key: 'esp-run' },
              verdict: 'continue',
            },
          ],
        },
      ],
    }
  }
}

const FAMILIES = { 4: 'ip', 6: 'ip6' } as const
