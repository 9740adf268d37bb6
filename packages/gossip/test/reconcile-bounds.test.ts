/** What an exchange may cost, whoever asks; and what liars come to. */
import { SeededRandom, type Instant } from '@weft/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  Allowance,
  PEER_BYTES_PER_SECOND_MAX,
  SENT_BYTES_PER_SECOND_MAX,
} from '../src/reconcile/allowance.ts'
import { BucketSet } from '../src/reconcile/bucket-set.ts'
import { BULK_ITEMS, Comparisons, FLUX_MS } from '../src/reconcile/comparisons.ts'
import { DigestRound, DIGEST_PACKETS_MAX } from '../src/reconcile/digest-round.ts'
import { DIGEST_BUCKETS } from '../src/reconcile/digest-sums.ts'
import { decodeExchange } from '../src/reconcile/exchange-decode.ts'
import { QUESTION_PACKETS_MAX } from '../src/reconcile/dialogue.ts'
import { encodeExchange, LISTED_ITEM_BYTES_MAX } from '../src/reconcile/exchange-encode.ts'
import {
  NEWS_BYTES_MAX,
  SETS_MAX,
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
import { newsOf, NEWS_PACKETS_MAX } from '../src/reconcile/news.ts'
import {
  PACKET_ANSWER_MS,
  Questions,
  QUESTIONS_MAX,
  STREAM_ANSWER_MS,
  TRIES_MAX,
  type PartOfAnswer,
  type Question,
} from '../src/reconcile/questions.ts'
import { Reconciler } from '../src/reconcile/reconciler.ts'
import { ReconcileWorld, thing, ThingSource } from './reconcile-world.ts'

const NONE = new BucketSet()
const HEAD = { sender: 'liar', setId: 'r:n', turn: 1 }
const WHOLE = { part: 0, parts: 1 }
const ASKED = { ...HEAD, isRetry: false }
const at = (ms: number): Instant => ms as Instant

function filled(id: string, count: number, padBytes = 0): ThingSource {
  const source = new ThingSource(id, padBytes)
  for (let i = 0; i < count; i++) source.put(at(0), thing(`row-${String(i)}`, i + 1))
  return source
}

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

describe('questions', () => {
  const question: Question = {
    setId: 'm',
    peer: 'a',
    asked: { kind: 'compare' },
    tries: 0,
    isLarge: false,
  }
  /** The first of one, unless told otherwise. */
  const part = (
    turn: number,
    some: Partial<PartOfAnswer> = {},
  ): PartOfAnswer => ({
    turn,
    part: 0,
    parts: 1,
    isLarge: false,
    rest: NONE,
    ...some,
  })

  test('are due when no answer came, or not all of it', () => {
    const questions = new Questions()
    const [first, second] = [questions.ask(at(0), question), questions.ask(at(0), question)]
    expect(questions.nextDeadline()).toBe(PACKET_ANSWER_MS)
    expect(questions.answered(at(100), question, part(first))).toEqual(question)
    const half = part(second, { part: 1, parts: 2 })
    expect(questions.answered(at(100), question, half)).toEqual(question)
    expect(questions.answered(at(100), question, half)).toBeNull()
    expect(questions.takeDue(at(99 + PACKET_ANSWER_MS))).toEqual([])
    expect(questions.takeDue(at(100 + PACKET_ANSWER_MS))).toEqual([question])
    expect(questions.nextDeadline()).toBeNull()
    expect(questions.isWaiting('m', 'a')).toBe(false)
  })

  test('wait longer for what comes by streams', () => {
    const questions = new Questions()
    questions.ask(at(0), { ...question, isLarge: true })
    expect(questions.nextDeadline()).toBe(STREAM_ANSWER_MS)
    const turn = questions.ask(at(0), question)
    questions.answered(at(100), question, part(turn, { parts: 2, isLarge: true }))
    expect(questions.takeDue(at(100 + STREAM_ANSWER_MS)).map(({ isLarge }) => isLarge)).toEqual([
      true,
      true,
    ])
  })

  test('are answered by those who were asked only', () => {
    const questions = new Questions()
    const turn = questions.ask(at(0), question)
    questions.answered(at(1), { setId: 'm', peer: 'liar' }, part(turn))
    questions.answered(at(1), { setId: 'a', peer: 'a' }, part(turn))
    questions.answered(at(1), question, part(turn + 1))
    expect(questions.isWaiting('m', 'a')).toBe(true)
  })

  test('are remembered up to QUESTIONS_MAX', () => {
    const questions = new Questions()
    for (let i = 0; i < QUESTIONS_MAX + 5; i++) questions.ask(at(0), question)
    expect(questions.takeDue(at(PACKET_ANSWER_MS)).length).toBe(QUESTIONS_MAX)
  })

  test('are asked again about what was answered, not about what was left for the next', () => {
    const questions = new Questions()
    const buckets = BucketSet.all()
    const turn = questions.ask(at(0), { ...question, asked: { kind: 'list', buckets } })
    const rest = new BucketSet()
    for (let i = 100; i < DIGEST_BUCKETS; i++) rest.add(i)
    questions.answered(at(1), question, part(turn, { parts: 2, rest }))
    const [due] = questions.takeDue(at(1 + PACKET_ANSWER_MS))
    expect(due?.asked.kind === 'list' && [...due.asked.buckets]).toEqual([...buckets.without(rest)])
  })

  test('come by packet, up to QUESTION_PACKETS_MAX of them, each answered by itself', () => {
    const most = Math.trunc((1300 - 128 - 3 * ('1'.length + 'm'.length)) / LISTED_ITEM_BYTES_MAX)
    for (const [items, packets] of [
      [QUESTION_PACKETS_MAX * (most - 16), true],
      [QUESTION_PACKETS_MAX * most + 1, false],
    ] as const) {
      const world = new ReconcileWorld({ seed: 'packets', lossPercent: 0 })
      // The same totals but for one: all buckets are to be listed, as their sums say.
      const [ours, theirs] = [filled('m', items), filled('m', items)]
      for (const one of [...BucketSet.all()].flatMap((i) => [...theirs.itemsOf(i)])) {
        theirs.put(at(1), thing(one.key, one.version + 1))
      }
      world.add('0', [ours])
      world.add('1', [theirs])
      world.run(3000)
      const lists = world.sent.filter(({ kind }) => kind === 'items')
      expect(lists.length > 1).toBe(packets)
      expect(lists.every(({ how }) => how === 'packet')).toBe(packets)
    }
  })

  test('are asked TRIES_MAX times of one who does not answer', () => {
    const world = new ReconcileWorld({ seed: 'silent', lossPercent: 0 })
    const reconciler = world.add('honest', [filled('m', 3)])
    world.add('mute', [new ThingSource('m')])
    const sets = [{ setId: 'm', count: 9, high: 9, low: 9, isOverdue: false }]
    world.run(1100)
    world.sent.length = 0
    const digest = encodeExchange({ kind: 'digest', sender: 'mute', isAnswer: false, sets })
    reconciler.receive(at(10_000), digest)
    for (let ms = 10_000; ms < 20_000; ms += 10) {
      const due = reconciler.nextDeadline()
      if (due !== null && due <= ms) reconciler.tick(at(ms))
    }
    const asked = world.sent.filter(({ kind }) => kind === 'items')
    expect(asked.length).toBe(TRIES_MAX)
    expect(reconciler.counters().retried).toBe(TRIES_MAX - 1)
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

describe('what is worth an exchange', () => {
  const theirs = { setId: 'm', count: 1, high: 1, low: 1, isOverdue: false }

  test('a set at rest, at once', () => {
    const [source, comparisons] = [new ThingSource('m'), new Comparisons()]
    source.put(at(0), thing('x', 1))
    expect(comparisons.isWorthwhile(at(FLUX_MS - 1), source, theirs)).toBe(false)
    expect(comparisons.isWorthwhile(at(FLUX_MS), source, theirs)).toBe(true)
  })

  test('a set that changes, once it has differed for FLUX_MS here or there, now and then', () => {
    const [source, comparisons] = [new ThingSource('m'), new Comparisons()]
    source.put(at(1000), thing('x', 1))
    expect(comparisons.isWorthwhile(at(1001), source, theirs)).toBe(false)
    comparisons.differed(at(1001), 'm')
    source.put(at(1400), thing('x', 2))
    expect(comparisons.isWorthwhile(at(1500), source, theirs)).toBe(false)
    expect(comparisons.isWorthwhile(at(1001 + FLUX_MS), source, theirs)).toBe(true)
    expect(comparisons.isWorthwhile(at(1002 + FLUX_MS), source, theirs)).toBe(false)
    const overdue = { ...theirs, isOverdue: true }
    expect(new Comparisons().isWorthwhile(at(1500), source, overdue)).toBe(true)
  })

  test('the sender of a digest hears that it differs, and says so the next time', () => {
    const world = new ReconcileWorld({ seed: 'answer', lossPercent: 0 })
    const sources = [filled('m', 3), filled('m', 4)]
    sources.forEach((source, i) => world.add(String(i), [source]))
    const change = (): void => {
      for (const source of sources) source.put(world.now, thing('busy', world.now + 1))
      world.at(100, change)
    }
    change()
    world.run(1100)
    const [first, second] = world.sent.map(({ bytes }) => decodeExchange(bytes))
    expect(first).toMatchObject({ kind: 'digest', isAnswer: false })
    expect(second).toMatchObject({ kind: 'digest', isAnswer: true })
    expect(world.reconciler('0').differsSince('m')).not.toBeNull()
    expect(world.reconciler('1').differsSince('m')).not.toBeNull()
    const isOverdue = (): boolean => {
      const sets = world.sent.flatMap(({ bytes }) => {
        const message = decodeExchange(bytes)
        return typeof message === 'object' && message.kind === 'digest' ? message.sets : []
      })
      return sets.some((set) => set.isOverdue)
    }
    expect(world.run(2000, isOverdue)).toBe(true)
    expect(world.run(50, () => sources[0]?.sums.count === sources[1]?.sums.count)).toBe(true)
  })

  test('much from one peer at a time, while it sends', () => {
    const [source, comparisons] = [new ThingSource('m'), new Comparisons()]
    const from = (peer: string, count: number): Parameters<Comparisons['mayFetch']>[2] => ({
      peer,
      total: { count, high: 1, low: 1 },
    })
    expect(comparisons.mayFetch(at(0), source, from('a', BULK_ITEMS + 1))).toBe(true)
    expect(comparisons.mayFetch(at(1), source, from('b', BULK_ITEMS + 1))).toBe(false)
    expect(comparisons.mayFetch(at(1), source, from('b', BULK_ITEMS))).toBe(true)
    comparisons.fetched(at(900), 'm', 'a')
    expect(comparisons.mayFetch(at(1500), source, from('b', BULK_ITEMS + 1))).toBe(false)
    expect(comparisons.mayFetch(at(1900), source, from('b', BULK_ITEMS + 1))).toBe(true)
  })

  test('since when a set differs', () => {
    const world = new ReconcileWorld({ seed: 'since', lossPercent: 100 })
    const sources = [filled('m', 3), filled('m', 4)]
    sources.forEach((source, i) => world.add(String(i), [source]))
    const reconciler = world.reconciler('0')
    const digest = (source: ThingSource): Uint8Array => {
      const { count, high, low } = source.sums
      const sets = [{ setId: 'm', count, high, low, isOverdue: false }]
      return encodeExchange({ kind: 'digest', sender: '1', isAnswer: false, sets })
    }
    expect(reconciler.differsSince('m')).toBeNull()
    reconciler.receive(at(5), digest(filled('m', 4)))
    reconciler.receive(at(9), digest(filled('m', 4)))
    expect(reconciler.differsSince('m')).toBe(5)
    reconciler.receive(at(10), digest(filled('m', 3)))
    expect(reconciler.differsSince('m')).toBeNull()
    reconciler.receive(at(11), digest(filled('m', 4)))
    reconciler.forget('m')
    expect(reconciler.differsSince('m')).toBeNull()
  })

  test('alone, a node differs from nobody, and does not go on about it', () => {
    const lines = new ReconcileWorld({ seed: 'alone', lossPercent: 0 })
    const reconciler = lines.add('alone', [filled('m', 3)])
    lines.run(5000)
    expect(reconciler.counters()).toMatchObject({ digestsSent: 0, bytesSent: 0 })
    expect(lines.sent).toEqual([])
  })
})

describe('digests', () => {
  test('hold members and attachments always, and take the networks in turn', () => {
    const networks = Array.from({ length: 300 }, (_, i) => `r:${'n'.repeat(22)}${String(i)}`)
    const ids = ['m', 'a', ...networks]
    const world = new ReconcileWorld({ seed: 'turns', lossPercent: 0, messageBytesMax: 1300 })
    for (const name of ['x', 'y']) {
      world.add(
        name,
        ids.map((id) => new ThingSource(id)),
      )
    }
    world.run(6000)
    const digests = world.sent.filter(({ from }) => from === 'x')
    const perRound = new Map<number, string[]>()
    for (const { at: sentAt, bytes } of digests) {
      expect(bytes.length).toBeLessThanOrEqual(1300)
      const message = decodeExchange(bytes)
      if (typeof message === 'string' || message.kind !== 'digest') throw new Error('no digest')
      const sets = message.sets.map(({ setId }) => setId)
      perRound.set(sentAt, [...(perRound.get(sentAt) ?? []), ...sets])
    }
    for (const sets of perRound.values()) expect(sets.slice(0, 2)).toEqual(['m', 'a'])
    expect(new Set([...perRound.values()].flat()).size).toBe(ids.length)
    expect(digests.length).toBe(perRound.size * DIGEST_PACKETS_MAX)
  })

  test('hold as many sets as a packet, and the answer to one too', () => {
    const rounds = new DigestRound('me', 200)
    const entry = { setId: 'r:network', count: 1, high: 2, low: 3, isOverdue: false }
    const answer = rounds.answer(new Array(SETS_MAX).fill(entry))
    expect(encodeExchange(answer).length).toBeLessThanOrEqual(200)
    expect(answer.sets.length).toBeGreaterThan(3)
  })

  test('are not sent where they are switched off, and answered even so', () => {
    const options = { name: 'a', digestIntervalMs: 0, digestPeers: 2, messageBytesMax: 1300 }
    const source = filled('m', 3)
    const sent: ExchangeMessage['kind'][] = []
    const member = new ReconcileWorld({ seed: 'off', lossPercent: 0 })
    member.add('b', [])
    const reconciler = new Reconciler(
      at(0),
      { ...options, random: new SeededRandom('off') },
      {
        sourcesFor: () => [source],
        sourceFor: () => source,
        peer: () => member.member('b'),
        pickPeers: () => [member.member('b')],
        send: (_now, _to, { bytes }) => {
          const message = decodeExchange(bytes)
          if (typeof message === 'object') sent.push(message.kind)
        },
      },
    )
    expect(reconciler.nextDeadline()).toBeNull()
    reconciler.tick(at(100_000))
    expect(sent).toEqual([])
    const sets = [{ setId: 'm', count: 9, high: 9, low: 9, isOverdue: false }]
    const digest = encodeExchange({ kind: 'digest', sender: 'b', isAnswer: false, sets })
    reconciler.receive(at(100_001), digest)
    expect(sent).toEqual(['items'])
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

describe('any sets', () => {
  test('become their union by version, and then nothing more is said', () => {
    const items = fc.uniqueArray(fc.tuple(fc.nat(400), fc.nat(5), fc.boolean()), {
      selector: ([key]) => key,
      maxLength: 200,
    })
    const worlds = fc.record({
      sets: fc.array(items, { minLength: 2, maxLength: 5 }),
      lossPercent: fc.constantFrom(0, 30),
      seed: fc.string(),
    })
    const property = fc.property(worlds, ({ sets, lossPercent, seed }) => {
      const world = new ReconcileWorld({ seed, lossPercent })
      const sources = sets.map((set) => {
        const source = new ThingSource('r:n')
        // Whether something is live follows from its version, as of one owner's own words.
        for (const [key, version] of set) {
          source.put(at(0), thing(String(key), version, version % 3 !== 0))
        }
        return source
      })
      sources.forEach((source, i) => world.add(String(i), [source]))
      const union = new ThingSource('r:n')
      for (const [key, version] of sets.flat()) {
        union.put(at(0), thing(String(key), version, version % 3 !== 0))
      }
      const live = (source: ThingSource): string[] =>
        source.contents().filter((line) => line.endsWith('true'))
      const isDone = (): boolean =>
        sources.every((source) => live(source).join() === live(union).join())
      expect(world.run(20_000, isDone)).toBe(true)
      world.run(5000)
      const said = world.sent.length
      world.run(3000)
      expect(world.sent.slice(said).every(({ kind }) => kind === 'digest')).toBe(true)
    })
    fc.assert(property, { numRuns: 60 })
  })
})

function bytesOf(messages: readonly Uint8Array[]): number {
  return messages.reduce((sum, { length }) => sum + length, 0)
}
