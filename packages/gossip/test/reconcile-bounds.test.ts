/** What an exchange may cost, whoever asks; and what liars come to. */
import type { Instant } from '@weft/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  Allowance,
  PEER_BYTES_PER_SECOND_MAX,
  SENT_BYTES_PER_SECOND_MAX,
} from '../src/reconcile/allowance.ts'
import { BucketSet } from '../src/reconcile/bucket-set.ts'
import { DIGEST_BUCKETS } from '../src/reconcile/digest-sums.ts'
import { decodeExchange } from '../src/reconcile/exchange-decode.ts'
import { encodeExchange } from '../src/reconcile/exchange-encode.ts'
import {
  NEWS_BYTES_MAX,
  TOLD_MESSAGE_BYTES_MAX,
  WANTS_MAX,
  type ExchangeMessage,
  type NewsMessage,
} from '../src/reconcile/exchange-messages.ts'
import {
  EXCHANGE_QUIET_MS,
  EXCHANGE_ROUNDS_MAX,
  Exchanges,
  EXCHANGES_MAX,
  LARGE_ANSWER_MS,
} from '../src/reconcile/exchanges.ts'
import { itemHash } from '../src/reconcile/item-hash.ts'
import {
  answerWants,
  compareListing,
  LISTED_ITEMS,
  listItems,
  splitListing,
  TOLD_BYTES_MAX,
} from '../src/reconcile/listing.ts'
import { NEWS_PACKETS_MAX, newsOf } from '../src/reconcile/news.ts'
import { filled, ReconcileWorld, ThingSource } from './reconcile-world.ts'

const NONE = new BucketSet()
const HEAD = { sender: 'liar', setId: 'r:n', turn: 1 }
const WHOLE = { part: 0, parts: 1 }
const ASKED = { ...HEAD, isRetry: false }
const at = (ms: number): Instant => ms as Instant

describe('one round', () => {
  test('lists whole buckets up to LISTED_ITEMS, and names the rest', () => {
    const source = filled('r:n', 20_000)
    const { covered, rest, items } = listItems(source, BucketSet.all())
    expect(items.length).toBeGreaterThanOrEqual(LISTED_ITEMS)
    expect(items.length).toBeLessThan(LISTED_ITEMS + 200)
    const listed = [...covered].flatMap((bucket) => [...source.itemsOf(bucket)])
    expect(items).toEqual(listed)
    expect([...covered].length + [...rest].length).toBe(DIGEST_BUCKETS)
  })

  test('tells up to TOLD_BYTES_MAX, and names the rest', () => {
    const source = filled('r:n', 20_000, 130)
    const empty = { covered: BucketSet.all(), rest: NONE, items: [] }
    const found = compareListing(at(0), empty, { source, bytesMax: TOLD_BYTES_MAX })
    expect(bytesOf(found.messages)).toBeGreaterThanOrEqual(TOLD_BYTES_MAX)
    expect(bytesOf(found.messages)).toBeLessThan(TOLD_BYTES_MAX + 40_000)
    expect(found.rest.isEmpty).toBe(false)
  })

  test('tells no more to one who asks for everything, either', () => {
    const source = filled('r:n', WANTS_MAX, 130)
    const wants = [...BucketSet.all()].flatMap((i) => [...source.itemsOf(i)])
    const found = answerWants(at(0), wants, { source, bytesMax: TOLD_BYTES_MAX })
    expect(bytesOf(found.messages)).toBeLessThan(TOLD_BYTES_MAX + 64 * 200)
    expect(found.rest.isEmpty).toBe(false)
  })

  test('is split into pieces that cover the same buckets', () => {
    const listing = listItems(filled('r:n', 1000), BucketSet.all())
    const pieces = splitListing({ ...listing, rest: BucketSet.all() }, 80)
    expect(pieces.flatMap(({ items }) => items)).toEqual(listing.items)
    expect(pieces.flatMap(({ covered }) => [...covered])).toEqual([...listing.covered])
    expect(Math.max(...pieces.map(({ items }) => items.length))).toBeLessThanOrEqual(80)
    expect(pieces.map(({ rest }) => rest.isEmpty)).toEqual(pieces.map((_, i) => i > 0))
  })

  test('comes in packets, up to NEWS_PACKETS_MAX of them', () => {
    const messages = (count: number): Uint8Array[] =>
      Array.from({ length: count }, () => new Uint8Array(1000))
    const most = newsOf(HEAD, { messages: messages(NEWS_PACKETS_MAX), rest: NONE }, 1300)
    expect(most.map(({ part, parts }) => [part, parts])).toEqual(
      most.map((_, part) => [part, NEWS_PACKETS_MAX]),
    )
    for (const part of most) expect(encodeExchange(part).length).toBeLessThanOrEqual(1300)
    const more = newsOf(HEAD, { messages: messages(NEWS_PACKETS_MAX + 1), rest: NONE }, 1300)
    expect(more.length).toBe(1)
  })

  test('or in messages of up to NEWS_BYTES_MAX; one that is larger goes alone', () => {
    const largest = TOLD_MESSAGE_BYTES_MAX
    const sizes = [40_000, 20_000, 10_000, largest, 5, largest + 1]
    const small = new Array<Uint8Array>(NEWS_PACKETS_MAX).fill(new Uint8Array(1000))
    const messages = [...sizes.map((size) => new Uint8Array(size)), ...small]
    const parts = newsOf(HEAD, { messages, rest: BucketSet.all() }, 1300)
    const told = parts.map((part) => part.messages.map((message) => message.length))
    const last = [5, ...small.map(() => 1000)]
    expect(told).toEqual([[40_000, 20_000], [10_000], [largest], last])
    for (const part of parts) expect(typeof decodeExchange(encodeExchange(part))).toBe('object')
    expect(parts.map(({ rest }) => rest.isEmpty)).toEqual([false, false, false, false])
    expect(encodeExchange(parts[0] as NewsMessage).length).toBeLessThan(NEWS_BYTES_MAX)
  })

  test('says so when there is nothing to say, so that nobody waits', () => {
    const [answer, ...more] = newsOf(HEAD, { messages: [], rest: NONE }, 1300)
    expect(answer).toMatchObject({ turn: 1, part: 0, parts: 1, messages: [] })
    expect(more).toEqual([])
  })
})

describe('exchanges', () => {
  test('are one at a time for a set and a peer, until nothing was heard for a while', () => {
    const exchanges = new Exchanges()
    expect(exchanges.begin(at(0), 'm a')).toBe(true)
    expect(exchanges.begin(at(1), 'm a')).toBe(false)
    expect(exchanges.begin(at(1), 'm b')).toBe(true)
    expect(exchanges.asked(at(400), 'm a', false)).toBe(true)
    expect(exchanges.begin(at(400 + EXCHANGE_QUIET_MS - 1), 'm a')).toBe(false)
    expect(exchanges.begin(at(400 + EXCHANGE_QUIET_MS), 'm a')).toBe(true)
  })

  test('are EXCHANGES_MAX at most', () => {
    const exchanges = new Exchanges()
    for (let i = 0; i < EXCHANGES_MAX; i++) expect(exchanges.begin(at(0), String(i))).toBe(true)
    expect(exchanges.begin(at(1), 'one more')).toBe(false)
    expect(exchanges.asked(at(1), 'one more', false)).toBe(false)
    expect(exchanges.asked(at(1), '5', false)).toBe(true)
    expect(exchanges.begin(at(EXCHANGE_QUIET_MS), 'one more')).toBe(true)
  })

  test('end after EXCHANGE_ROUNDS_MAX rounds', () => {
    const exchanges = new Exchanges()
    exchanges.begin(at(0), 'm')
    for (let i = 0; i < EXCHANGE_ROUNDS_MAX; i++) {
      expect(exchanges.asked(at(i), 'm', false)).toBe(true)
    }
    const end = EXCHANGE_ROUNDS_MAX
    expect(exchanges.asked(at(end), 'm', false)).toBe(false)
    expect(exchanges.asked(at(end + EXCHANGE_QUIET_MS), 'm', false)).toBe(true)
  })

  test('do not answer again what is on its way by streams', () => {
    const exchanges = new Exchanges()
    exchanges.asked(at(0), 'm', false)
    exchanges.answeredLarge(at(0), 'm')
    expect(exchanges.asked(at(LARGE_ANSWER_MS - 1), 'm', true)).toBe(false)
    expect(exchanges.asked(at(LARGE_ANSWER_MS - 1), 'm', false)).toBe(true)
    expect(exchanges.asked(at(LARGE_ANSWER_MS), 'm', true)).toBe(true)
  })

  test('send PEER_BYTES_PER_SECOND_MAX to one, SENT_BYTES_PER_SECOND_MAX to all', () => {
    const allowance = new Allowance()
    allowance.spend(at(0), 'a', PEER_BYTES_PER_SECOND_MAX - 1)
    expect(allowance.has(at(1), 'a')).toBe(true)
    allowance.spend(at(1), 'a', 1)
    expect(allowance.has(at(2), 'a')).toBe(false)
    expect(allowance.has(at(2), 'b')).toBe(true)
    allowance.spend(at(2), 'c', SENT_BYTES_PER_SECOND_MAX - PEER_BYTES_PER_SECOND_MAX)
    expect(allowance.has(at(3), 'b')).toBe(false)
    expect(allowance.has(at(1000), 'b')).toBe(true)
  })
})

describe('liars', () => {
  test('who claim to differ without end cost a bounded number of bytes a second', () => {
    const world = new ReconcileWorld({ seed: 'liar', lossPercent: 0 })
    const source = filled('r:n', 20_000, 130)
    const reconciler = world.add('honest', [source])
    world.add('liar', [new ThingSource('r:n')])
    const lies = [
      encodeExchange({ kind: 'items', ...ASKED, covered: BucketSet.all(), rest: NONE, items: [] }),
      encodeExchange({ kind: 'news', ...HEAD, ...WHOLE, messages: [], rest: BucketSet.all() }),
    ]
    for (let i = 0; i < 1000; i++) for (const lie of lies) reconciler.receive(at(i), lie)
    const { bytesSent, refused } = reconciler.counters()
    expect(bytesSent).toBeLessThan(PEER_BYTES_PER_SECOND_MAX + TOLD_BYTES_MAX + 100_000)
    expect(refused).toBeGreaterThan(900)
  })

  test('who are no peers, or speak of sets that are not shared, are not answered', () => {
    const world = new ReconcileWorld({ seed: 'stranger', lossPercent: 0 })
    const reconciler = world.add('honest', [filled('r:n', 10)])
    world.add('liar', [])
    const asked = (head: typeof ASKED): ExchangeMessage => {
      return { kind: 'items', ...head, covered: BucketSet.all(), rest: NONE, items: [] }
    }
    reconciler.receive(at(0), encodeExchange(asked(ASKED)))
    reconciler.receive(at(0), encodeExchange(asked({ ...ASKED, sender: 'nobody' })))
    reconciler.receive(at(0), encodeExchange(asked({ ...ASKED, setId: 'r:other' })))
    expect(reconciler.counters()).toMatchObject({ ignored: 3, bytesSent: 0 })
  })

  test('who ask for what is not there hear nothing of it', () => {
    const world = new ReconcileWorld({ seed: 'wants', lossPercent: 0 })
    const reconciler = world.add('honest', [filled('r:n', 10)])
    world.add('liar', [new ThingSource('r:n')])
    const wants = Array.from({ length: WANTS_MAX }, (_, i) => itemHash('none', String(i), ''))
    const lie = encodeExchange({ kind: 'wants', ...ASKED, wants })
    expect(reconciler.receive(at(0), lie)).toBeNull()
    expect(reconciler.counters()).toMatchObject({ told: 0 })
    expect(reconciler.counters().bytesSent).toBeLessThan(40)
  })

  test('cannot make it throw, whatever they say in whatever order', () => {
    const bytes = fc.uint8Array({ maxLength: 60 })
    const hashFields = { high: fc.integer(), low: fc.integer({ min: 0, max: 255 }) }
    const hash = fc.record(hashFields)
    const set = fc.constantFrom('m', 'r:n', 'a')
    const turn = fc.integer({ min: 1, max: 9 })
    const total = { count: fc.nat(), high: fc.integer(), low: fc.integer() }
    const lies: fc.Arbitrary<Uint8Array> = fc.oneof(
      bytes,
      fc
        .array(fc.record({ setId: set, ...total, isOverdue: fc.boolean() }))
        .map((sets) => encodeExchange({ kind: 'digest', sender: 'liar', isAnswer: false, sets })),
      fc
        .record({ setId: set, ...total, sums: fc.int32Array({ minLength: 256, maxLength: 256 }) })
        .map((lie) => encodeExchange({ kind: 'buckets', ...ASKED, ...lie })),
      fc
        .record({
          setId: set,
          items: fc.array(fc.record({ ...hashFields, version: fc.nat(), isLive: fc.boolean() })),
        })
        .map((lie) => {
          const buckets = { covered: BucketSet.all(), rest: BucketSet.all() }
          return encodeExchange({ kind: 'items', ...ASKED, ...lie, ...buckets })
        }),
      fc.record({ setId: set, wants: fc.array(hash) }).map((lie) => {
        return encodeExchange({ kind: 'wants', ...ASKED, ...lie })
      }),
      fc.record({ setId: set, messages: fc.array(bytes), turn }).map((lie) => {
        return encodeExchange({ kind: 'news', ...HEAD, ...WHOLE, ...lie, rest: BucketSet.all() })
      }),
    )
    const property = fc.property(fc.array(lies, { maxLength: 40 }), (all) => {
      const world = new ReconcileWorld({ seed: 'lies', lossPercent: 0 })
      const [members, rows] = [filled('m', 3), filled('r:n', 300)]
      const before = [members.contents(), rows.contents()]
      const reconciler = world.add('honest', [members, rows])
      world.add('liar', [new ThingSource('m'), new ThingSource('r:n')])
      all.forEach((lie, i) => reconciler.receive(at(10 * i), lie))
      expect([members.contents(), rows.contents()]).toEqual(before)
    })
    fc.assert(property, { numRuns: 200 })
  })
})

function bytesOf(messages: readonly Uint8Array[]): number {
  return messages.reduce((sum, { length }) => sum + length, 0)
}
