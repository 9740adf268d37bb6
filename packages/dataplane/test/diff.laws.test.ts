/** Planned changes lead from any state to any other, and nothing is done that need not be. */
import {
  changedItems,
  diff,
  diffProgrammed,
  NOTHING_PROGRAMMED,
  order,
  programmedItems,
  programmedOf,
  removedItems,
  validate,
  type AcceptedState,
  type Change,
  type DesiredState,
} from '../src/index.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ItemMachine } from './machine.ts'
import { ALL, arbitraryState, FACTS, fresh } from './states.ts'

const accepted = (desired: DesiredState): AcceptedState => validate(desired, ALL, FACTS).accepted
const pair = fc.tuple(arbitraryState.map(accepted), arbitraryState.map(accepted))
const planners = [
  ['diff', (from: AcceptedState, to: AcceptedState) => diff(from, to)],
  [
    'diffProgrammed',
    (from: AcceptedState, to: AcceptedState) => diffProgrammed(programmedOf(from), to),
  ],
] as const

describe.each(planners)('%s', (_name, plan) => {
  test('leads from any state to any other, in order', () => {
    fc.assert(
      fc.property(pair, ([from, to]) => {
        const machine = ItemMachine.of(from)
        for (const change of order(plan(from, to))) machine.carryOut(change)
        expect(machine.items).toEqual(programmedItems(programmedOf(to)))
      }),
      { numRuns: 1500 },
    )
  })

  test('plans nothing between equal states, shared or fresh', () => {
    fc.assert(
      fc.property(arbitraryState, (desired) => {
        expect(plan(accepted(desired), accepted(fresh(desired)))).toEqual([])
        const same = accepted(desired)
        expect(plan(same, same)).toEqual([])
      }),
    )
  })

  test('an entry that stays is never gone in between', () => {
    fc.assert(
      fc.property(pair, ([from, to]) => {
        const machine = ItemMachine.of(from)
        const [before, after] = [new Map(machine.items), programmedItems(programmedOf(to))]
        const stays = [...before].filter(([path, text]) => after.get(path) === text)
        const changes = order(plan(from, to))
        const rebuilt = changes.some(
          ({ kind, to: t }) => (kind === 'subnet' || kind === 'network') && t === null,
        )
        for (const change of changes) {
          machine.carryOut(change)
          if (rebuilt) continue
          for (const [path, text] of stays) expect(machine.items.get(path)).toBe(text)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('both planners agree on what is touched', () => {
    fc.assert(
      fc.property(pair, ([from, to]) => {
        const keys = (changes: readonly Change[]): string[] =>
          changes
            .filter((c) => c.to !== null)
            .map((c) => `${c.kind} ${c.item}`)
            .sort()
        expect(keys(plan(from, to))).toEqual(keys(diffProgrammed(programmedOf(from), to)))
      }),
    )
  })
})

test('from nothing, everything is an addition', () => {
  fc.assert(
    fc.property(arbitraryState.map(accepted), (to) => {
      const changes = diff(null, to)
      expect(changes).toEqual(diffProgrammed(NOTHING_PROGRAMMED, to))
      expect(changes.every(({ from, to: t }) => from === null && t !== null)).toBe(true)
      expect(removedItems(changes)).toEqual([])
    }),
  )
})

test('a count of items counts an endpoint with all its entries once', () => {
  fc.assert(
    fc.property(arbitraryState.map(accepted), (to) => {
      let items = 0
      for (const { subnets, local, remote } of to.networks.values()) {
        items += 1 + subnets.length + local.size + remote.size
      }
      expect(changedItems(diff(null, to))).toBe(items)
    }),
  )
})
