/** The tables' experiments, small: they measure what they say, and replay. */
import { dockerProfile, lanProfile } from '@weft/gossip'
import { describe, expect, it } from 'vitest'
import { playAnomaly, type AnomalyRun } from '../src/experiments/anomaly.ts'
import { measureBandwidth } from '../src/experiments/bandwidth.ts'
import { PERTURBATIONS, playConvergence } from '../src/experiments/convergence.ts'
import { swimProfile } from '../src/experiments/swim-profile.ts'
import { percentile, summarize } from '../src/statistics.ts'

describe('convergence', () => {
  const cell = { seed: 's', nodes: 4, profile: lanProfile(), lossPercent: 0, trials: 3 }

  it.each(PERTURBATIONS)('of %s reaches everybody', (perturbation) => {
    const { convergedMs, tellings, untold } = playConvergence({ ...cell, perturbation })
    expect(convergedMs).toHaveLength(3)
    expect(Math.max(...convergedMs)).toBeLessThan(1000)
    expect(Math.min(...convergedMs)).toBeGreaterThan(0)
    expect(tellings).toBe(perturbation === 'join-populated' ? 3 : 9)
    expect(untold).toBe(0)
  })

  it('counts whom gossip did not tell, and who was not told at all', () => {
    const mute = { ...lanProfile(), tableGossipNodes: 0, bulkSyncIntervalMs: 3_600_000 }
    const byDigest = { ...cell, perturbation: 'create', trials: 1 } as const
    const { notByGossip, untold, convergedMs } = playConvergence({ ...byDigest, profile: mute })
    expect([notByGossip, untold, convergedMs.length]).toEqual([3, 0, 1])
    const silent = { ...mute, digestIntervalMs: 0, foreignSyncIntervalMs: 0 }
    const nothing = playConvergence({ ...byDigest, profile: silent })
    expect([nothing.untold, nothing.convergedMs.length]).toEqual([3, 0])
  })
})

describe('the anomaly experiment', () => {
  const run: AnomalyRun = {
    seed: '1',
    profile: swimProfile(),
    nodes: 24,
    slow: 4,
    blocked: 'network',
    blockedMs: 16_384,
    runningMs: 64,
    durationMs: 40_000,
    crashes: 2,
  }

  it('kills healthy members of plain SWIM, and hardly any of ours', () => {
    const swim = playAnomaly(run)
    const ours = playAnomaly({ ...run, profile: lanProfile() })
    expect(swim.falsePositives).toBeGreaterThan(20)
    expect(swim.atHealthy).toBeLessThanOrEqual(swim.falsePositives)
    expect(ours.falsePositives * 20).toBeLessThan(swim.falsePositives)
    expect(playAnomaly(run)).toEqual(swim)
  })

  it('kills nobody where nobody is slow, and finds those who crashed', () => {
    const calm = playAnomaly({ ...run, slow: 0 })
    expect([calm.falsePositives, calm.atHealthy]).toEqual([0, 0])
    expect(calm.firstDetectionMs).toHaveLength(2)
    for (const [i, first] of calm.firstDetectionMs.entries()) {
      expect(first).toBeGreaterThan(1000)
      expect(calm.disseminationMs[i]).toBeGreaterThanOrEqual(first)
      expect(calm.disseminationMs[i]).toBeLessThan(60_000)
    }
  })
})

describe('bandwidth', () => {
  it('of a quiet ring is its probes and exchanges, headers included', () => {
    const cell = { seed: 's', nodes: 3, windowMs: 30_000 }
    const ours = measureBandwidth({ ...cell, profile: lanProfile() })
    const docker = measureBandwidth({ ...cell, profile: dockerProfile() })
    for (const result of [ours, docker]) {
      expect(result.incomplete).toBe(0)
      expect(result.datagrams).toBeGreaterThan(1.9)
      expect(result.datagramBytes).toBeGreaterThan(28 * result.datagrams)
      expect(result.totalBytes).toBeCloseTo(result.datagramBytes + result.streamBytes, 6)
    }
    expect(docker.streams).toBeGreaterThan(0)
  })
})

it('percentiles are samples', () => {
  expect([0, 50, 90, 99, 100].map((percent) => percentile([5, 1, 4, 2, 3], percent))).toEqual([
    1, 3, 5, 5, 5,
  ])
  expect(summarize([])).toBeNull()
  expect(summarize([2, 1])).toEqual({ count: 2, p50: 1, p99: 2, p999: 2, max: 2 })
})
