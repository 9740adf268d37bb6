/** What a run is like: drawn from its seed, so that a thousand seeds are a thousand worlds. */
import { SeededRandom, type Random, type Ratio } from '@weft/core'
import { dockerProfile, lanProfile, wanProfile, type GossipProfile } from '@weft/gossip'
import { calm, type LinkWeather } from '../engine/network-model.ts'

/** Profiles by name. */
export const PROFILES = { docker: dockerProfile, lan: lanProfile, wan: wanProfile } as const

/** The name of a profile. */
export type ProfileName = keyof typeof PROFILES

/** Kinds of faults; a run has some of them. */
export const FAULTS = [
  'crash',
  'restart',
  'rename',
  'leave',
  'cut',
  'partition',
  'block',
  'clock-step',
  'clock-rate',
] as const

/** The name of a kind of fault. */
export type FaultKind = (typeof FAULTS)[number]

/** One world. Complete. */
export interface SwarmOptions {
  readonly seed: string
  readonly nodes: number
  readonly profileName: ProfileName
  readonly profile: GossipProfile
  readonly weather: LinkWeather
  readonly isSealed: boolean
  readonly networks: number
  readonly faults: ReadonlySet<FaultKind>
  /** How long faults and work go on, in virtual ms. */
  readonly durationMs: number
  /** Between two steps, at most, in virtual ms. */
  readonly stepMsMax: number
}

/** What the caller fixes; the seed decides about the rest. */
export interface SwarmWishes {
  readonly nodes: number
  readonly profileName?: ProfileName
  readonly lossPercent?: number
  readonly durationMs?: number
}

const LOSS_PERCENTS = [0, 0, 5, 10, 30]
const DURATIONS_MS = [20_000, 40_000, 90_000]
const STEPS_MS = [200, 1000, 3000]

/** The world of this seed. */
export function drawSwarm(seed: string, wishes: SwarmWishes): SwarmOptions {
  const random = new SeededRandom(`${seed}/swarm`)
  // Everything is drawn whether it is used or not: a wish for one thing moves no other.
  const profileName = pick(random, ['lan', 'lan', 'docker', 'wan'] as const)
  const lossPercent = pick(random, LOSS_PERCENTS)
  const durationMs = pick(random, DURATIONS_MS)
  const drawn = {
    isSealed: random.below(3) > 0,
    networks: 1 + random.below(3),
    stepMsMax: pick(random, STEPS_MS),
    faults: new Set(FAULTS.filter(() => random.below(2) === 0)),
    weather: drawWeather(random, percent(wishes.lossPercent ?? lossPercent)),
  }
  const name = wishes.profileName ?? profileName
  return {
    ...drawn,
    seed,
    nodes: wishes.nodes,
    profileName: name,
    profile: PROFILES[name](),
    durationMs: wishes.durationMs ?? durationMs,
  }
}

/** One of a list. */
export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[random.below(items.length)] as Item
}

/** A whole number of percent as a probability. */
export function percent(whole: number): Ratio {
  return { numerator: whole, denominator: 100 }
}

function drawWeather(random: Random, loss: Ratio): LinkWeather {
  return {
    delayMs: pick(random, [calm.delayMs, 2, 10]),
    jitterMs: pick(random, [calm.jitterMs, 5, 30]),
    loss,
    duplication: percent(pick(random, [0, 2, 10])),
    reordering: percent(pick(random, [0, 2, 10])),
    reorderingMs: 60,
    replay: percent(pick(random, [0, 0, 2, 10])),
    replayMsMax: 60_000,
  }
}
