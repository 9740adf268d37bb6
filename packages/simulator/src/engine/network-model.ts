/** What the simulated network does to packets: loss, delay, copies, cuts and partitions. */
import { assert, type Ratio } from '@weft/core'
import { draw, LinkChance } from './link-chance.ts'

/** What a link does to what crosses it. A complete value: there are no defaults inside. */
export interface LinkWeather {
  /** How long a packet takes at the least, in milliseconds, one way. */
  readonly delayMs: number
  /** Up to this much more, drawn evenly in whole microseconds. Later packets may overtake. */
  readonly jitterMs: number
  readonly loss: Ratio
  /** How often a datagram arrives twice. */
  readonly duplication: Ratio
  /** How often a datagram is held back for `reorderingMs` more. */
  readonly reordering: Ratio
  readonly reorderingMs: number
  /** How often somebody who listens sends a datagram once more, up to `replayMsMax` later. */
  readonly replay: Ratio
  readonly replayMsMax: number
}

/** A probability of zero. */
export const never: Ratio = { numerator: 0, denominator: 1 }

/** Half a millisecond to one, and nothing goes wrong: hosts on one switch. */
export const calm: LinkWeather = {
  delayMs: 0.5,
  jitterMs: 0.5,
  loss: never,
  duplication: never,
  reordering: never,
  reorderingMs: 0,
  replay: never,
  replayMsMax: 0,
}

/** Each draw of a packet has a number of its own: a changed ratio moves no other. */
const DRAW = {
  loss: 0,
  duplication: 1,
  reordering: 2,
  jitter: 3,
  second: 4,
  replay: 5,
  late: 6,
} as const

/** Hosts of one simulated network. */
export const HOSTS_MAX = 65_536

/** Weather on every link, exceptions on some, and who can reach whom at all. */
export class NetworkModel {
  readonly #chance: LinkChance
  readonly #exceptions = new Map<number, LinkWeather>()
  readonly #cuts = new Set<number>()
  readonly #sides: Uint8Array
  #weather: LinkWeather
  #isPartitioned = false

  constructor(seed: string, hostsMax: number, weather: LinkWeather) {
    assert(hostsMax <= HOSTS_MAX, 'a link is named by two 16-bit numbers')
    this.#chance = new LinkChance(seed, hostsMax)
    this.#sides = new Uint8Array(hostsMax)
    this.#weather = weather
  }

  /** The weather of all links without an exception, from now on. */
  setWeather(weather: LinkWeather): void {
    this.#weather = weather
  }

  /** One direction of one link differs from the others. */
  setLink(from: number, to: number, weather: LinkWeather): void {
    this.#exceptions.set(link(from, to), weather)
  }

  /** Nothing passes in this direction any more. */
  cut(from: number, to: number): void {
    this.#cuts.add(link(from, to))
  }

  /** Hosts of different sides do not reach each other; all begin on side 0. */
  partition(host: number, side: number): void {
    this.#sides[host] = side
    this.#isPartitioned ||= side !== 0
  }

  /** Away with cuts, partitions and exceptions. */
  heal(): void {
    this.#cuts.clear()
    this.#exceptions.clear()
    this.#sides.fill(0)
    this.#isPartitioned = false
  }

  isCut(from: number, to: number): boolean {
    if (this.#isPartitioned && this.#sides[from] !== this.#sides[to]) return true
    return this.#cuts.size > 0 && this.#cuts.has(link(from, to))
  }

  /** How long a datagram that is sent now travels, in ms; each copy once; empty when it is lost. */
  datagram(from: number, to: number): readonly number[] {
    const ticket = this.#chance.ticket(from, to)
    const weather = this.#between(from, to)
    if (this.isCut(from, to) || happens(ticket, DRAW.loss, weather.loss)) return []
    const held = happens(ticket, DRAW.reordering, weather.reordering) ? weather.reorderingMs : 0
    const first = travel(ticket, DRAW.jitter, weather) + held
    const isDoubled = happens(ticket, DRAW.duplication, weather.duplication)
    const isReplayed = happens(ticket, DRAW.replay, weather.replay)
    if (!isDoubled && !isReplayed) return [first]
    const travels = isDoubled ? [first, travel(ticket, DRAW.second, weather)] : [first]
    if (isReplayed) travels.push(first + 1 + (draw(ticket, DRAW.late) % weather.replayMsMax))
    return travels
  }

  /** How long one try to bring a stream's segment across travels, in ms; null when it is lost. */
  segment(from: number, to: number): number | null {
    const ticket = this.#chance.ticket(from, to)
    const weather = this.#between(from, to)
    if (this.isCut(from, to) || happens(ticket, DRAW.loss, weather.loss)) return null
    return travel(ticket, DRAW.jitter, weather)
  }

  #between(from: number, to: number): LinkWeather {
    if (this.#exceptions.size === 0) return this.#weather
    return this.#exceptions.get(link(from, to)) ?? this.#weather
  }
}

function link(from: number, to: number): number {
  return from * HOSTS_MAX + to
}

function happens(ticket: number, index: number, ratio: Ratio): boolean {
  return ratio.numerator > 0 && draw(ticket, index) % ratio.denominator < ratio.numerator
}

function travel(ticket: number, index: number, { delayMs, jitterMs }: LinkWeather): number {
  if (jitterMs === 0) return delayMs
  const microseconds = Math.floor((draw(ticket, index) / 0x1_0000_0000) * jitterMs * 1000)
  return delayMs + microseconds / 1000
}
