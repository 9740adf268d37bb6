/** The bytes of a digest exchange: there and back, bounded, and never an exception. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gossipMessage } from '../src/networkdb/gossip-message.ts'
import { BucketSet } from '../src/reconcile/bucket-set.ts'
import { bucketOf, DIGEST_BUCKETS, VERSION_MAX } from '../src/reconcile/digest-sums.ts'
import { decodeExchange } from '../src/reconcile/exchange-decode.ts'
import {
  DIGEST_ENTRY_BYTES_MAX,
  DIGEST_OVERHEAD_BYTES,
  encodeExchange,
  EXCHANGE_TYPE,
  LISTED_ITEM_BYTES_MAX,
} from '../src/reconcile/exchange-encode.ts'
import {
  EXCHANGE_BYTES_MAX,
  ITEMS_MAX,
  NEWS_MESSAGES_MAX,
  NEWS_PARTS_MAX,
  SET_ID_BYTES_MAX,
  SETS_MAX,
  WANTS_MAX,
  type DigestEntry,
  type ExchangeMessage,
  type ItemsMessage,
  type NewsMessage,
} from '../src/reconcile/exchange-messages.ts'
import type { ItemHash } from '../src/reconcile/item-hash.ts'

const NONE = new BucketSet()
const HEAD = { sender: 'a', setId: 'm', turn: 1 }
const name = fc.stringMatching(/^[a-z0-9:é]{1,20}$/)
const total = {
  count: fc.integer({ min: 0, max: 0xffff_ffff }),
  high: fc.integer(),
  low: fc.integer(),
}
const hashFields = { high: fc.integer(), low: fc.integer() }
const hash = fc.record(hashFields)
const buckets = fc.array(fc.nat(DIGEST_BUCKETS - 1)).map(setOf)
const items = fc.array(
  fc.record({
    ...hashFields,
    version: fc.integer({ min: 0, max: VERSION_MAX }),
    isLive: fc.boolean(),
  }),
)
const question = {
  sender: name,
  setId: name,
  turn: fc.integer({ min: 1, max: 0xffff_ffff }),
  isRetry: fc.boolean(),
}
const arbitraryMessage: fc.Arbitrary<ExchangeMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('digest' as const),
    sender: name,
    isAnswer: fc.boolean(),
    sets: fc.array(fc.record({ setId: name, ...total, isOverdue: fc.boolean() })),
  }),
  fc.record({
    kind: fc.constant('buckets' as const),
    ...question,
    ...total,
    sums: fc.int32Array({ minLength: DIGEST_BUCKETS, maxLength: DIGEST_BUCKETS }),
  }),
  fc.record({ ...question, items, rest: buckets }).map((message) => {
    const covered = setOf(message.items.map(bucketOf))
    return { kind: 'items' as const, ...message, covered }
  }),
  fc.record({ kind: fc.constant('wants' as const), ...question, wants: fc.array(hash) }),
  fc.record({
    kind: fc.constant('news' as const),
    sender: name,
    setId: name,
    turn: question.turn,
    part: fc.nat(NEWS_PARTS_MAX - 1),
    parts: fc.constant(NEWS_PARTS_MAX),
    messages: fc.array(fc.uint8Array({ maxLength: 40 })),
    rest: buckets,
  }),
)

describe('laws', () => {
  test('what is encoded is decoded', () => {
    const property = fc.property(arbitraryMessage, (message) => {
      expect(plain(decodeExchange(encodeExchange(message)))).toEqual(plain(message))
    })
    fc.assert(property, { numRuns: 500 })
  })

  test('what was cut short, or changed anywhere, never throws', () => {
    const property = fc.property(arbitraryMessage, fc.nat(), fc.nat(255), (message, at, byte) => {
      const bytes = encodeExchange(message)
      const cut = at % bytes.length
      decodeExchange(bytes.subarray(0, cut))
      const changed = bytes.slice()
      changed[cut] = byte
      decodeExchange(changed)
    })
    fc.assert(property, { numRuns: 1000 })
  })

  test('neither do arbitrary bytes in an envelope', () => {
    const types = fc.constantFrom(...Object.values(EXCHANGE_TYPE), 69, 2)
    const property = fc.property(types, fc.uint8Array({ maxLength: 300 }), (type, bytes) => {
      decodeExchange(gossipMessage(type, bytes))
      decodeExchange(bytes)
    })
    fc.assert(property, { numRuns: 2000 })
  })

  test('a digest takes no more than it is reckoned with', () => {
    const entry = { count: 0xffff_ffff, high: -1, low: -1, isOverdue: true }
    for (const length of [1, 100, 120, SET_ID_BYTES_MAX]) {
      const sets = [{ setId: 'x'.repeat(length), ...entry }]
      const sender = 's'.repeat(255)
      const bytes = encodeExchange({ kind: 'digest', sender, isAnswer: true, sets })
      const reckoned = DIGEST_OVERHEAD_BYTES + 255 + length + DIGEST_ENTRY_BYTES_MAX
      expect(bytes.length).toBeLessThanOrEqual(reckoned)
    }
  })

  test('nor does a listed item', () => {
    const item = { high: -1, low: -1, version: VERSION_MAX, isLive: true }
    const one = encodeExchange(listing([item])).length
    const two = encodeExchange(listing([item, item])).length
    expect(two - one).toBeLessThanOrEqual(LISTED_ITEM_BYTES_MAX)
  })
})

describe('limits, and one beyond', () => {
  test('SETS_MAX', () => {
    const entry: DigestEntry = { setId: 'm', count: 1, high: 2, low: 3, isOverdue: false }
    const digest = (count: number): ExchangeMessage => ({
      kind: 'digest',
      sender: 'a',
      isAnswer: false,
      sets: new Array<DigestEntry>(count).fill(entry),
    })
    expect(faultOf(digest(SETS_MAX))).toBeNull()
    expect(faultOf(digest(SETS_MAX + 1))).toBe('too-many')
  })

  test('SET_ID_BYTES_MAX', () => {
    expect(faultOf(news({ setId: 'x'.repeat(SET_ID_BYTES_MAX) }))).toBeNull()
    expect(faultOf(news({ setId: 'x'.repeat(SET_ID_BYTES_MAX + 1) }))).toBe('bad-value')
    expect(faultOf(news({ setId: '' }))).toBe('bad-value')
    expect(faultOf(news({ sender: '' }))).toBe('bad-value')
  })

  test('ITEMS_MAX', () => {
    const item = { high: 1, low: 2, version: 3, isLive: true }
    const many = (count: number): ExchangeMessage => listing(new Array(count).fill(item))
    expect(faultOf(many(ITEMS_MAX))).toBeNull()
    expect(faultOf(many(ITEMS_MAX + 1))).toBe('too-many')
  })

  test('WANTS_MAX', () => {
    const wants = (count: number): ExchangeMessage => {
      const hashes = new Array<ItemHash>(count).fill({ high: 1, low: 2 })
      return { kind: 'wants', ...HEAD, isRetry: false, wants: hashes }
    }
    expect(faultOf(wants(WANTS_MAX))).toBeNull()
    expect(faultOf(wants(WANTS_MAX + 1))).toBe('oversized')
  })

  test('NEWS_MESSAGES_MAX', () => {
    const messages = (count: number): ExchangeMessage =>
      news({ messages: new Array(count).fill(new Uint8Array(1)) })
    expect(faultOf(messages(NEWS_MESSAGES_MAX))).toBeNull()
    expect(faultOf(messages(NEWS_MESSAGES_MAX + 1))).toBe('too-many')
  })

  test('NEWS_PARTS_MAX, of which each is one, in answer to something', () => {
    const last = NEWS_PARTS_MAX - 1
    expect(faultOf(news({ part: last, parts: NEWS_PARTS_MAX }))).toBeNull()
    expect(faultOf(news({ part: last, parts: NEWS_PARTS_MAX + 1 }))).toBe('bad-value')
    expect(faultOf(news({ part: 3, parts: 3 }))).toBe('bad-value')
    expect(faultOf(news({ parts: 0 }))).toBe('bad-value')
    expect(faultOf(news({ turn: 0 }))).toBe('bad-value')
  })

  test('EXCHANGE_BYTES_MAX', () => {
    const overhead = encodeExchange(news({ messages: [new Uint8Array(70_000)] })).length - 70_000
    const whole = (length: number): ExchangeMessage =>
      news({ messages: [new Uint8Array(length - overhead)] })
    expect(faultOf(whole(EXCHANGE_BYTES_MAX))).toBeNull()
    expect(faultOf(whole(EXCHANGE_BYTES_MAX + 1))).toBe('oversized')
  })

  test('versions, and items of buckets that are not covered', () => {
    const item = { high: 1, low: 2, version: VERSION_MAX, isLive: true }
    expect(faultOf(listing([item]))).toBeNull()
    expect(faultOf(listing([{ ...item, version: VERSION_MAX + 1 }]))).toBe('bad-value')
    expect(faultOf({ ...listing([item]), covered: setOf([3]) })).toBe('bad-value')
  })

  test('other types are nobody’s', () => {
    expect(decodeExchange(gossipMessage(69, new Uint8Array(0)))).toBe('bad-type')
    expect(decodeExchange(gossipMessage(2, new Uint8Array(0)))).toBe('bad-type')
  })
})

function setOf(list: readonly number[]): BucketSet {
  const set = new BucketSet()
  for (const bucket of list) set.add(bucket)
  return set
}

function listing(list: ItemsMessage['items']): ItemsMessage {
  const covered = setOf(list.map(bucketOf))
  return { kind: 'items', ...HEAD, isRetry: false, covered, rest: NONE, items: list }
}

function news(some: Partial<NewsMessage>): NewsMessage {
  return { kind: 'news', ...HEAD, part: 0, parts: 1, messages: [], rest: NONE, ...some }
}

function faultOf(message: ExchangeMessage): string | null {
  const decoded = decodeExchange(encodeExchange(message))
  return typeof decoded === 'string' ? decoded : null
}

/** With bucket sets as lists, so that a test compares what they hold. */
function plain(message: unknown): unknown {
  if (typeof message !== 'object' || message === null) return message
  const entries = Object.entries(message).map(([key, value]): [string, unknown] => [
    key,
    value instanceof BucketSet ? [...value] : value,
  ])
  return Object.fromEntries(entries)
}
