/** Planted bugs are caught, each by the check that is there for it. */
import { describe, expect, it } from 'vitest'
import { CANARIES, CANARY_SEEDS_MAX, catchCanary } from '../src/canaries.ts'
import { productionNode } from '../src/ring.ts'
import { CHECKS } from '../src/swarm/referee.ts'

describe('the simulator', () => {
  it.each(CANARIES)('catches the one that $about', (canary) => {
    expect(catchCanary(canary)?.violation?.check).toBe(canary.caughtBy)
  })

  it('has a canary for every check', () => {
    const caught = new Set<string>(CANARIES.map(({ caughtBy }) => caughtBy))
    expect([...caught].sort()).toEqual(Object.keys(CHECKS).sort())
  })

  it('gives up after CANARY_SEEDS_MAX seeds: a node without a bug is caught by nothing', () => {
    const wishes = { nodes: 2, profileName: 'lan', durationMs: 500 } as const
    const healthy = { name: 'healthy', about: '', caughtBy: 'no-throw', wishes } as const
    let played = 0
    const outcome = catchCanary({
      ...healthy,
      createNode: (now, options, ports) => {
        played++
        return productionNode(now, options, ports)
      },
    })
    expect(outcome).toBeNull()
    expect(played).toBeGreaterThanOrEqual(2 * CANARY_SEEDS_MAX)
  })
})
