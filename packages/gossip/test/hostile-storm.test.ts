/** Whole nodes against those who send them anything: outsiders, replays, traitors with a key. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KeyRing } from '../src/memberlist/key-ring.ts'
import type { PacketMessage } from '../src/memberlist/messages.ts'
import { MEMBERS_MAX } from '../src/membership/member-list.ts'
import { aliveOf, anyLie, packetOf, streamOf } from './hostile-lies.ts'
import { beliefs, ELSEWHERE, keyOf, Pair, refusals, rowOf } from './hostile-pair.ts'

describe('outsiders, who have no key', () => {
  const pair = new Pair({ isSealed: true })
  const before = beliefs(pair.a)

  test('begin with captures that say something', () => {
    expect(pair.packets.length).toBeGreaterThan(5)
    expect(pair.streams.length).toBeGreaterThan(1)
    expect(before.length).toBe(5)
  })

  test('change nothing with packets that are bent anywhere, and each is counted', () => {
    const captured = fc.constantFrom(...pair.packets)
    const bends = fc.record({ at: fc.nat(), flip: fc.integer({ min: 1, max: 255 }) })
    const property = fc.property(captured, bends, (bytes, { at, flip }) => {
      const bent = bytes.slice()
      const place = at % bent.length
      bent[place] = (bent[place] ?? 0) ^ flip
      const refused = refusals(pair.a)
      pair.a.receive(pair.now, ELSEWHERE, bent)
      expect(refusals(pair.a)).toBe(refused + 1)
    })
    fc.assert(property, { numRuns: 1000 })
    expect(beliefs(pair.a)).toEqual(before)
  })

  test('nor with parts of packets, with two in one, or with noise', () => {
    const captured = fc.constantFrom(...pair.packets)
    const cuts = fc.tuple(captured, fc.nat())
    const parts = cuts.map(([bytes, at]) => bytes.slice(0, at % bytes.length))
    const spliced = fc.tuple(captured, captured).map(([x, y]) => Uint8Array.of(...x, ...y))
    const noise = fc.uint8Array({ maxLength: 300 })
    const property = fc.property(fc.oneof(parts, spliced, noise), (bytes) => {
      const refused = refusals(pair.a)
      pair.a.receive(pair.now, ELSEWHERE, bytes)
      expect(refusals(pair.a)).toBe(refused + 1)
    })
    fc.assert(property, { numRuns: 1000 })
    expect(beliefs(pair.a)).toEqual(before)
  })

  test('nor under another key, or in the clear', () => {
    const suspect: PacketMessage = { kind: 'suspect', incarnation: 99, node: 'b', from: 'b' }
    for (const keys of [new KeyRing([keyOf(2)]), null]) {
      const refused = refusals(pair.a)
      pair.a.receive(pair.now, ELSEWHERE, packetOf(suspect, keys))
      pair.stream(pair.a, [streamOf({ kind: 'user', bytes: new Uint8Array(3) }, keys)], true)
      expect(refusals(pair.a)).toBe(refused + 2)
    }
    expect(beliefs(pair.a)).toEqual(before)
  })

  test('nor with streams that are bent, cut, or never end', () => {
    const captured = fc.constantFrom(...pair.streams)
    const bends = fc.record({ at: fc.nat(), flip: fc.nat(255), cut: fc.nat(), clean: fc.boolean() })
    const property = fc.property(captured, bends, (bytes, { at, flip, cut, clean }) => {
      const bent = bytes.slice()
      bent[at % bent.length] = (bent[at % bent.length] ?? 0) ^ (flip === 0 ? 1 : flip)
      const middle = cut % bent.length
      pair.stream(pair.a, [bent.subarray(0, middle), bent.subarray(middle)], clean)
      pair.stream(pair.a, [bytes.subarray(0, middle)], clean)
    })
    fc.assert(property, { numRuns: 300 })
    pair.a.drain()
    expect(beliefs(pair.a)).toEqual(before)
  })
})

describe('replays', () => {
  for (const isSealed of [false, true]) {
    const title = isSealed ? 'sealed' : 'in the clear'
    test(`of all that was ever said change nothing, ${title}`, () => {
      const pair = new Pair({ isSealed })
      pair.b.tables.put(pair.now, rowOf('theirs', 'second'))
      pair.b.tables.put(pair.now, rowOf('gone', 'soon'))
      pair.run(1000)
      pair.b.tables.remove(pair.now, rowOf('gone', ''))
      pair.b.membership.setMeta(pair.now, pair.b.membership.roster.self.meta.slice())
      pair.run(3000)
      const before = [pair.a, pair.b].map(beliefs)
      expect(before[0]).toEqual(before[1])
      const said = [...pair.packets]
      const streams = [...pair.streams]
      for (const bytes of said) pair.a.receive(pair.now, ELSEWHERE, bytes)
      for (const bytes of streams) pair.stream(pair.a, [bytes], true)
      // Said to one, heard by the other: it knew all of it, too.
      for (const bytes of said) pair.b.receive(pair.now, ELSEWHERE, bytes)
      for (const bytes of streams) pair.stream(pair.b, [bytes], true)
      pair.run(3000)
      expect([pair.a, pair.b].map(beliefs)).toEqual(before)
    })
  }

  test('of what was said about a row in the middle of its life, in any order', () => {
    const pair = new Pair({ isSealed: false })
    for (let i = 0; i < 10; i++) {
      pair.b.tables.put(pair.now, rowOf('theirs', `value ${i}`))
      pair.run(100)
    }
    pair.b.tables.remove(pair.now, rowOf('theirs', ''))
    pair.run(1000)
    const before = beliefs(pair.a)
    const said = [...pair.packets]
    const property = fc.property(fc.shuffledSubarray(said), (packets) => {
      for (const bytes of packets) pair.a.receive(pair.now, ELSEWHERE, bytes)
      expect(beliefs(pair.a)).toEqual(before)
    })
    fc.assert(property, { numRuns: 100 })
  })
})

describe('traitors, who have the key', () => {
  test('cannot make a node throw, doubt itself, or lose its own rows', () => {
    const storm = fc.array(fc.tuple(anyLie, fc.nat(400)), { maxLength: 60 })
    const property = fc.property(storm, (lies) => {
      const pair = new Pair({ isSealed: false, seed: 'traitor' })
      for (const [lie, pauseMs] of lies) {
        if (lie.how === 'packet') pair.a.receive(pair.now, ELSEWHERE, lie.bytes)
        else pair.stream(pair.a, [lie.bytes], lie.clean)
        if (pauseMs < 40) pair.run(10 * Math.ceil(pauseMs / 4))
      }
      pair.run(1000)
      expect(pair.a.membership.roster.self.state).toBe('alive')
      const own = [...pair.a.tables.rows({})].filter(({ owner }) => owner === 'a')
      expect(own.map(({ key }) => key)).toEqual(['mine'])
      expect(own.map(({ value }) => value)).toEqual([rowOf('mine', 'first').value])
      pair.a.tables.put(pair.now, rowOf('mine', 'still here'))
      pair.a.snapshot()
    })
    fc.assert(property, { numRuns: 60 })
  })

  test('cannot have a node remember more members than MEMBERS_MAX', { timeout: 60_000 }, () => {
    const { a, now } = new Pair({ isSealed: false })
    for (let from = 0; from < MEMBERS_MAX + 2000; from += 20) {
      const nodes = Array.from({ length: 20 }, (_, i) => aliveOf(`flood-${from + i}`))
      a.receive(now, ELSEWHERE, packetOf(nodes, null))
    }
    a.drain()
    expect([...a.membership.roster.all()].length).toBeLessThanOrEqual(MEMBERS_MAX)
    expect(a.membership.roster.get('b')?.state).toBe('alive')
  })
})
