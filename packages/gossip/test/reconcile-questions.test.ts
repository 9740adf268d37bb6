/** What is asked of whom and when: digests, what is worth an exchange, and questions. */
import { SeededRandom, type Instant } from '@weft/core'
import { describe, expect, test } from 'vitest'
import { BucketSet } from '../src/reconcile/bucket-set.ts'
import { BULK_ITEMS, Comparisons, FLUX_MS } from '../src/reconcile/comparisons.ts'
import { DIGEST_PACKETS_MAX, DigestRound } from '../src/reconcile/digest-round.ts'
import { DIGEST_BUCKETS } from '../src/reconcile/digest-sums.ts'
import { decodeExchange } from '../src/reconcile/exchange-decode.ts'
import { QUESTION_PACKETS_MAX } from '../src/reconcile/dialogue.ts'
import { encodeExchange, LISTED_ITEM_BYTES_MAX } from '../src/reconcile/exchange-encode.ts'
import { SETS_MAX, type ExchangeMessage } from '../src/reconcile/exchange-messages.ts'
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
import { filled, ReconcileWorld, thing, ThingSource } from './reconcile-world.ts'

const NONE = new BucketSet()
const at = (ms: number): Instant => ms as Instant

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
