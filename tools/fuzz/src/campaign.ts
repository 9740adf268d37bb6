/** Runs many cases against a target, and makes a failing input small. */
import { drawsOf } from './chance.ts'
import { judge } from './judge.ts'
import { mutate } from './mutate.ts'
import type { FuzzTarget } from './target.ts'

/** How long to go on: by count, by time, or whichever comes first. */
export interface Budget {
  readonly cases?: number
  readonly ms?: number
}

/** An input that a target fails on. */
export interface Failure {
  /** Number of the case in its run. */
  readonly index: number
  readonly input: Uint8Array
  readonly verdict: string
}

/** What a run against one target came to. */
export interface Campaign {
  readonly cases: number
  readonly ms: number
  readonly failure: Failure | null
}

/** Tries to shrink a failing input. */
export const SHRINK_TRIES_MAX = 4_000
/** Cases between two looks at the clock. */
const STRIDE = 64

const corpora = new WeakMap<FuzzTarget, readonly Uint8Array[]>()

function corpusOf(target: FuzzTarget): readonly Uint8Array[] {
  const known = corpora.get(target)
  if (known !== undefined) return known
  const corpus = target.corpus()
  corpora.set(target, corpus)
  return corpus
}

/** The input of one case: the same seed and index give the same bytes. */
export function inputOf(target: FuzzTarget, seed: number, index: number): Uint8Array {
  const draws = drawsOf(seed, index)
  const input = mutate(corpusOf(target), draws)
  if (target.repair !== undefined && draws.below(2) === 0) target.repair(input)
  return input
}

/** Run cases until the budget is spent or one fails. */
export function runCampaign(target: FuzzTarget, seed: number, budget: Budget): Campaign {
  const began = performance.now()
  const { cases = Infinity, ms = Infinity } = budget
  let index = 0
  for (; index < cases; index++) {
    if (index % STRIDE === 0 && performance.now() - began >= ms) break
    const input = inputOf(target, seed, index)
    const verdict = judge(target, input)
    if (verdict !== null) {
      const failure = { index, ...shrunk(target, input, verdict) }
      return { cases: index + 1, ms: performance.now() - began, failure }
    }
  }
  return { cases: index, ms: performance.now() - began, failure: null }
}

/** A smaller input that still fails: cut chunks, then bring bytes to zero. */
function shrunk(
  target: FuzzTarget,
  input: Uint8Array,
  verdict: string,
): { input: Uint8Array; verdict: string } {
  let best = { input, verdict }
  let tries = 0
  const improve = (candidate: Uint8Array): boolean => {
    if (tries++ >= SHRINK_TRIES_MAX) return false
    const result = judge(target, candidate)
    if (result === null) return false
    best = { input: candidate, verdict: result }
    return true
  }
  for (let size = input.length >>> 1; size >= 1; size >>>= 1) {
    for (let at = 0; at + size <= best.input.length; ) {
      const { input: whole } = best
      const rest = new Uint8Array(whole.length - size)
      rest.set(whole.subarray(0, at))
      rest.set(whole.subarray(at + size), at)
      if (!improve(rest)) at += size
    }
  }
  for (let at = 0; at < best.input.length; at++) {
    if (best.input[at] !== 0) improve(best.input.with(at, 0))
  }
  return best
}
