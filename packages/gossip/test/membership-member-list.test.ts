/** The list of members: picks, rounds, bounds. */
import { SeededRandom, type Instant } from '@weft/core'
import { describe, expect, test } from 'vitest'
import { MemberList, MEMBERS_MAX } from '../src/membership/member-list.ts'
import { MemberRecord } from '../src/membership/member-record.ts'
import { knownMember } from './membership-wire.ts'

const START = 0 as Instant

function listOf(count: number, seed = 1): MemberList {
  const list = new MemberList(new SeededRandom(seed))
  for (let i = 1; i <= count; i++) list.add(new MemberRecord(knownMember(i), 'alive', START))
  return list
}

function names(list: Iterable<{ readonly name: string }>): string[] {
  return Array.from(list, ({ name }) => name)
}

describe('a pick', () => {
  test.each([5, 200])('of %i members is of different ones that are wanted', (count) => {
    const list = listOf(count)
    for (let i = 0; i < 50; i++) {
      const picked = names(list.pick(3, ({ name }) => name !== 'n1'))
      expect(new Set(picked).size).toBe(3)
      expect(picked).not.toContain('n1')
    }
  })

  test.each([5, 200])('of %i members finds the only ones that are wanted', (count) => {
    const picked = names(listOf(count).pick(3, ({ name }) => name === 'n2' || name === 'n4'))
    expect(picked.sort()).toEqual(['n2', 'n4'])
  })

  test.each([6, 60])('of %i members prefers nobody', (count) => {
    const list = listOf(count)
    const times = new Map<string, number>()
    const draws = 1000 * count
    for (let i = 0; i < draws / 2; i++) {
      for (const { name } of list.pick(2, () => true)) times.set(name, (times.get(name) ?? 0) + 1)
    }
    for (const often of times.values()) expect(Math.abs(often - 1000)).toBeLessThan(200)
    expect(times.size).toBe(count)
  })
})

describe('a new round', () => {
  test('forgets whoever is gone for longer than it takes, and keeps the others', () => {
    const list = listOf(4)
    const [a, b, c] = ['n1', 'n2', 'n3'].map((name) => list.get(name) as MemberRecord)
    list.enter(a as MemberRecord, 'dead', 1000 as Instant)
    list.enter(b as MemberRecord, 'left', 1001 as Instant)
    list.enter(c as MemberRecord, 'suspect', START)
    list.newRound(31_001 as Instant, 30_000)
    expect(names(list.all()).sort()).toEqual(['n2', 'n3', 'n4'])
    expect(list.get('n1')).toBeUndefined()
    expect([list.size, list.activeCount]).toEqual([3, 2])
  })

  test('is in another order', () => {
    const list = listOf(50)
    const before = names(list.all())
    list.newRound(START, 0)
    const after = names(list.all())
    expect(after).not.toEqual(before)
    expect(after.sort()).toEqual(before.sort())
  })
})

test('newcomers get random places', () => {
  expect(names(listOf(50).all()).indexOf('n50')).not.toBe(49)
})

test('counts who is active', () => {
  const list = listOf(3)
  const member = list.get('n1') as MemberRecord
  const counts = (['suspect', 'dead', 'left', 'alive', 'alive'] as const).map((state) => {
    list.enter(member, state, START)
    return list.activeCount
  })
  expect(counts).toEqual([3, 2, 2, 3, 3])
})

test('has room for MEMBERS_MAX', () => {
  const list = listOf(MEMBERS_MAX - 1)
  expect(list.isFull).toBe(false)
  list.add(new MemberRecord(knownMember(MEMBERS_MAX), 'alive', START))
  expect(list.isFull).toBe(true)
  expect(() => list.add(new MemberRecord(knownMember(0), 'alive', START))).toThrow('bug')
})
