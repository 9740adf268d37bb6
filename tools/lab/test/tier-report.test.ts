/** Tiers: what a machine can run, what it lacks, and what is required all the same. */
import { describe, expect, it } from 'vitest'
import { checkRequiredTiers, requiredTiers, tierReport, TIERS } from '../src/tier-report.ts'

describe('requiredTiers', () => {
  it('reads names separated by commas, none from nothing', () => {
    expect(requiredTiers(undefined)).toEqual([])
    expect(requiredTiers('')).toEqual([])
    expect(requiredTiers('netns,docker')).toEqual(['netns', 'docker'])
  })

  it('refuses a name that is no tier', () => {
    const refused = expect.objectContaining({
      code: 'ERR_LAB_REQUEST',
      details: {
        problem: 'WEFT_REQUIRE names kvm',
        expected: 'netns or memberlist or docker or qemu',
      },
    })
    expect(() => requiredTiers('netns,kvm')).toThrow(refused)
  })
})

describe('tierReport', () => {
  it('says of every tier that it is usable, and how, or what is missing', async () => {
    const report = await tierReport()
    expect(report.map(({ tier }) => tier)).toEqual(TIERS)
    for (const one of report) {
      const way = /^(root|user-namespace|go|docker version \S+|qemu \S+)$/
      if (one.usable) expect(one.by).toMatch(way)
      else expect(one.missing.length).toBeGreaterThan(0)
    }
  })
})

describe('checkRequiredTiers', () => {
  it('resolves when nothing is required', async () => {
    await expect(checkRequiredTiers(undefined)).resolves.toHaveLength(TIERS.length)
  })

  it('rejects for a required tier that is off', async () => {
    for (const { tier, usable } of await tierReport()) {
      const checked = checkRequiredTiers(tier)
      if (usable) await expect(checked).resolves.toHaveLength(TIERS.length)
      else {
        const details = { tier, missing: expect.any(Array) as unknown }
        await expect(checked).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE', details })
      }
    }
  })
})
