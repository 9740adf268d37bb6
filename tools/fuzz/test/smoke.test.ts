import { fromHex } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { TCP_HEADER_BYTES_MAX } from '@weft/wire'
import { inputOf, runCampaign, SHRINK_TRIES_MAX } from '../src/campaign.ts'
import { canaries } from '../src/canaries.ts'
import { CASE_MS_MAX, judge } from '../src/judge.ts'
import { INPUT_BYTES_MAX } from '../src/mutate.ts'
import type { FuzzTarget } from '../src/target.ts'
import { findTargets, TARGETS } from '../src/targets.ts'

const SEED = 20_261_120
const CASES = 1_500

describe('smoke', () => {
  it.each(TARGETS.map((target) => [target.name, target] as const))('%s holds', (_name, target) => {
    expect(target.corpus().length).toBeGreaterThan(0)
    const wanted = target.smokeCases ?? CASES
    const { failure, cases } = runCampaign(target, SEED, { cases: wanted })
    expect(failure).toBe(null)
    expect(cases).toBe(wanted)
  })
})

describe('the rig', () => {
  it.each(canaries.map((target) => [target.name, target] as const))(
    'catches %s and makes its input small',
    (_name, target) => {
      const { failure } = runCampaign(target, SEED, { cases: 20_000 })
      expect(failure).not.toBe(null)
      expect(failure?.input.length).toBeLessThanOrEqual(TCP_HEADER_BYTES_MAX)
      // What is printed can be replayed.
      expect(judge(target, failure?.input ?? new Uint8Array(0))).not.toBe(null)
    },
  )

  it('keeps canaries out of ordinary runs', () => {
    expect(TARGETS.filter(({ name }) => name.startsWith('canary'))).toEqual([])
    expect(findTargets('canary')).toEqual(canaries)
  })

  it('draws the same inputs from the same seed, and others from another', () => {
    const [target] = findTargets('wire/dissect')
    if (target === undefined) throw new Error('no target')
    const inputs = (seed: number) => [0, 1, 2, 3].map((index) => inputOf(target, seed, index))
    expect(inputs(SEED)).toEqual(inputs(SEED))
    expect(inputs(SEED)).not.toEqual(inputs(SEED + 1))
  })

  it('gets past the checks often enough to matter', () => {
    for (const target of findTargets('wire')) {
      let accepted = 0
      for (let index = 0; index < 400; index++) {
        const input = inputOf(target, SEED, index)
        expect(input.length).toBeLessThanOrEqual(INPUT_BYTES_MAX)
        if (typeof target.run(input, 0, input.length) !== 'string') accepted++
      }
      const judgesByText = ['wire/transport-checksum'].includes(target.name)
      if (!judgesByText) expect(accepted, target.name).toBeGreaterThan(40)
    }
  })

  it('notices a decoder that does not come to an end', () => {
    const slow: FuzzTarget = {
      name: 'slow',
      about: 'spins',
      corpus: () => [],
      run() {
        const until = performance.now() + CASE_MS_MAX / 2
        while (performance.now() < until);
      },
    }
    expect(judge(slow, fromHex('00') ?? new Uint8Array(0))).toContain('for one input')
  })

  it('bounds the work of making an input small', () => {
    let runs = 0
    const failing: FuzzTarget = {
      name: 'failing',
      about: 'fails on long inputs',
      corpus: () => [new Uint8Array(INPUT_BYTES_MAX).fill(1)],
      run(_bytes, start, end) {
        runs++
        if (end - start > 3_000) throw new Error('long')
      },
    }
    expect(runCampaign(failing, SEED, { cases: 100 }).failure?.input.length).toBe(3_001)
    expect(runs).toBeLessThan(3 * (SHRINK_TRIES_MAX + 100))
  })
})
