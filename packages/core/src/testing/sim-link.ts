/** One direction of a simulated link: what it does to datagrams, drawn from a stream of its own. */
import { chance, type Random, type Ratio } from '../chance.ts'
import type { IpFamily } from '../ip.ts'

/** What a link does to what crosses it. A complete value: there are no defaults inside. */
export interface LinkSettings {
  /** How long a datagram takes at the least, in milliseconds. */
  readonly delayMs: number
  /** Up to this much more, drawn evenly in whole microseconds. Jitter never reorders. */
  readonly jitterMs: number
  readonly loss: Ratio
  /** How often a datagram arrives twice. */
  readonly duplication: Ratio
  /** How often a datagram is held back for `reorderingMs` while later ones overtake it. */
  readonly reordering: Ratio
  readonly reorderingMs: number
  /** The largest IP packet that passes, in bytes: payload, 8 for UDP, 20 or 40 for IP. */
  readonly mtuBytes: number
  /** Larger packets vanish (`drop`) or are refused by a router that says so (`report`). */
  readonly oversize: 'drop' | 'report'
  /** Datagrams on the way at once; more are lost as `queue-full`. */
  readonly queueLengthMax: number
}

/** A probability of zero. */
export const never: Ratio = { numerator: 0, denominator: 1 }

/** One millisecond, 1,500 bytes, and nothing goes wrong. */
export const perfectLink: LinkSettings = {
  delayMs: 1,
  jitterMs: 0,
  loss: never,
  duplication: never,
  reordering: never,
  reorderingMs: 0,
  mtuBytes: 1500,
  oversize: 'report',
  queueLengthMax: 10_000,
}

/** A link with everything that goes wrong between sites: lost, late, doubled, out of order. */
export const roughLink: LinkSettings = {
  ...perfectLink,
  delayMs: 20,
  jitterMs: 15,
  loss: { numerator: 1, denominator: 20 },
  duplication: { numerator: 1, denominator: 50 },
  reordering: { numerator: 1, denominator: 50 },
  reorderingMs: 40,
}

/** Why a datagram did not arrive. */
export type LossReason =
  | 'chance'
  | 'cut'
  | 'fragmentation-needed'
  | 'no-host'
  | 'no-socket'
  | 'oversized'
  | 'queue-full'
  | 'unreachable'

/** Always: sent + duplicated = delivered + everything lost + inFlight. */
export interface LinkCounters {
  readonly sent: number
  readonly duplicated: number
  readonly delivered: number
  readonly inFlight: number
  readonly lost: Readonly<Record<LossReason, number>>
}

/** Counters as their owner sees them. */
export type Tally = {
  sent: number
  duplicated: number
  delivered: number
  inFlight: number
  lost: Record<LossReason, number>
}

/** Counters at zero. */
export function emptyTally(): Tally {
  const lost: Record<LossReason, number> = {
    chance: 0,
    cut: 0,
    'fragmentation-needed': 0,
    'no-host': 0,
    'no-socket': 0,
    oversized: 0,
    'queue-full': 0,
    unreachable: 0,
  }
  return { sent: 0, duplicated: 0, delivered: 0, inFlight: 0, lost }
}

/** Header bytes in front of a datagram's payload: UDP, and IP without options. */
const HEADER_BYTES = { 4: 8 + 20, 6: 8 + 40 } as const

/** One direction between two hosts. */
export class SimLink {
  /** `from>to`, by host names. */
  readonly name: string
  readonly tally: Tally = emptyTally()
  readonly #random: Random
  #settings: LinkSettings
  #isCut = false
  #lastArrival = 0

  constructor(name: string, random: Random, settings: LinkSettings) {
    this.name = name
    this.#random = random
    this.#settings = settings
  }

  get settings(): LinkSettings {
    return this.#settings
  }

  get isCut(): boolean {
    return this.#isCut
  }

  /** A snapshot of what became of the datagrams in this direction. */
  counters(): LinkCounters {
    return { ...this.tally, lost: { ...this.tally.lost } }
  }

  /** Change some settings from now on; what is on the way is not touched. */
  configure(changes: Partial<LinkSettings>): void {
    this.#settings = { ...this.#settings, ...changes }
  }

  /** Nothing passes any more, and what is on the way is lost. */
  cut(): void {
    this.#isCut = true
  }

  heal(): void {
    this.#isCut = false
  }

  /** When copies of a datagram of `length` bytes sent now arrive, or why none does. */
  transmit(now: number, length: number, family: IpFamily): LossReason | readonly number[] {
    const { settings } = this
    // Every datagram draws alike whatever becomes of it: a changed ratio moves no later draw.
    const lost = chance(this.#random, settings.loss)
    const doubled = chance(this.#random, settings.duplication)
    const held = chance(this.#random, settings.reordering)
    const times = [this.#travelMs(), this.#travelMs()].slice(0, doubled ? 2 : 1)
    if (this.#isCut) return 'cut'
    if (length + HEADER_BYTES[family] > settings.mtuBytes) {
      return settings.oversize === 'report' ? 'fragmentation-needed' : 'oversized'
    }
    if (lost) return 'chance'
    if (this.tally.inFlight + times.length > settings.queueLengthMax) return 'queue-full'
    return times.map((ms) => this.#arrival(now + ms, held))
  }

  #travelMs(): number {
    const { delayMs, jitterMs } = this.#settings
    return delayMs + this.#random.below(Math.floor(jitterMs * 1000) + 1) / 1000
  }

  #arrival(at: number, held: boolean): number {
    if (held) return at + this.#settings.reorderingMs
    this.#lastArrival = Math.max(at, this.#lastArrival)
    return this.#lastArrival
  }
}
