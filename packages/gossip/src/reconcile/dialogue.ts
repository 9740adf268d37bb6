/** What two nodes ask and answer once their digests differ. */
import type { Instant } from '@weft/core'
import type { Member } from '../membership/member.ts'
import { Allowance } from './allowance.ts'
import { BucketSet } from './bucket-set.ts'
import type { Comparisons } from './comparisons.ts'
import { DIGEST_BUCKETS, equalTotals, type DigestItem, type DigestTotal } from './digest-sums.ts'
import type { DigestSource, ReconcilerLines } from './digest-source.ts'
import { encodeExchange, HASH_BYTES, LISTED_ITEM_BYTES_MAX } from './exchange-encode.ts'
import type {
  BucketsMessage,
  ExchangeMessage,
  ItemsMessage,
  NewsMessage,
  WantsMessage,
} from './exchange-messages.ts'
import { exchangeKey, Exchanges } from './exchanges.ts'
import {
  answerWants,
  compareListing,
  differingBuckets,
  listItems,
  splitListing,
  stillWanted,
  type Listing,
  TOLD_BYTES_MAX,
  type Telling,
  type Told,
} from './listing.ts'
import { newsOf } from './news.ts'
import { Questions, TRIES_MAX, type Asked, type Question } from './questions.ts'
import type { Counts } from './reconciler-counters.ts'

/** Sets of up to this many items are listed at once, without comparing buckets first. */
export const SMALL_ITEMS = 64

/** Listings and wants of up to so many packets go by packet, each a question of its own. */
export const QUESTION_PACKETS_MAX = 8

/** What is told of a set in answer to a question asked again, in packets; less one bucket. */
const RETRY_PACKETS = 16

/** Questions into which a long one is split when its answer did not come whole. */
const RETRIES_AT_ONCE = 4

/** Bytes of a question besides its list: bucket sets, tags, lengths; names come on top. */
const QUESTION_OVERHEAD_BYTES = 128

/** A set and the peer it is exchanged with. */
export interface Turn {
  readonly source: DigestSource
  readonly peer: Member
}

/** What a dialogue works with. */
export interface DialogueParts {
  readonly name: string
  readonly messageBytesMax: number
  readonly lines: ReconcilerLines
  readonly comparisons: Comparisons
  readonly counts: Counts
}

/** How a question is asked. */
interface Manner {
  readonly tries: number
  /** The answer will be long. */
  readonly isLarge: boolean
}

const FIRST: Manner = { tries: 0, isLarge: false }

/**
 * Questions are answered with news, always, even when there are none; whoever asked and did not
 * hear all of the answer asks again what is still open. What fits a packet goes by packet, where a
 * lost one costs PACKET_ANSWER_MS instead of the second that TCP takes to connect again.
 */
export class Dialogue {
  readonly #parts: DialogueParts
  readonly #exchanges = new Exchanges()
  readonly #questions = new Questions()
  readonly #allowance = new Allowance()

  constructor(parts: DialogueParts) {
    this.#parts = parts
  }

  /** A digest differed: find out where. */
  begin(now: Instant, theirs: DigestTotal, turn: Turn): void {
    const { source, peer } = turn
    const { comparisons, counts } = this.#parts
    if (!comparisons.mayFetch(now, source, { peer: peer.name, total: theirs })) return
    const isFree =
      !this.#questions.isWaiting(source.id, peer.name) &&
      this.#allowance.has(now, peer.name) &&
      this.#exchanges.begin(now, exchangeKey(source.id, peer.name))
    if (!isFree) {
      counts.refused++
      return
    }
    counts.exchanges++
    const isLarge = comparisons.isBulk(source, theirs)
    this.#ask(now, { asked: { kind: 'compare' }, manner: { tries: 0, isLarge } }, turn)
  }

  /** A question or an answer about a set that is shared with the peer. */
  receive(
    now: Instant,
    message: BucketsMessage | ItemsMessage | WantsMessage | NewsMessage,
    turn: Turn,
  ): void {
    if (message.kind === 'news') this.#hear(now, message, turn)
    else if (!this.#mayAnswer(now, message, turn)) this.#parts.counts.refused++
    else if (message.kind === 'buckets') this.#compareBuckets(now, message, turn)
    else if (message.kind === 'items') this.#compareItems(now, message, turn)
    else {
      const telling = answerWants(now, message.wants, this.#told(message, turn))
      this.#answer(now, message, { ...turn, telling })
    }
  }

  /** A packet was sent on behalf of the same exchange. */
  spend(now: Instant, peer: Member, bytes: number): void {
    this.#allowance.spend(now, peer.name, bytes)
  }

  /** Ask again what was not answered. */
  tick(now: Instant): void {
    for (const question of this.#questions.takeDue(now)) this.#retry(now, question)
  }

  /** When there is something to be asked again; null: nothing is open. */
  nextDeadline(): Instant | null {
    return this.#questions.nextDeadline()
  }

  #mayAnswer(now: Instant, message: { readonly isRetry: boolean }, turn: Turn): boolean {
    const { source, peer } = turn
    const key = exchangeKey(source.id, peer.name)
    return (
      this.#allowance.has(now, peer.name) && this.#exchanges.asked(now, key, message.isRetry)
    )
  }

  /** What they have nothing of is told at once; the rest of what differs has to be listed. */
  #compareBuckets(now: Instant, theirs: BucketsMessage, turn: Turn): void {
    const { source, peer } = turn
    const { comparisons } = this.#parts
    const covered = new BucketSet()
    const differing = new BucketSet()
    if (equalTotals(source.sums, theirs)) comparisons.agreed(source.id)
    else {
      comparisons.differed(now, source.id)
      for (const bucket of differingBuckets(source.sums, theirs.sums)) {
        if (theirs.sums[bucket] === 0) covered.add(bucket)
        else differing.add(bucket)
      }
    }
    const unlisted = { covered, rest: new BucketSet(), items: [] }
    const telling = compareListing(now, unlisted, this.#told(theirs, turn))
    this.#answer(now, theirs, { ...turn, telling })
    if (differing.isEmpty) return
    if (!comparisons.mayFetch(now, source, { peer: peer.name, total: theirs })) return
    const manner = { tries: 0, isLarge: comparisons.isBulk(source, theirs) }
    this.#ask(now, { asked: { kind: 'list', buckets: differing }, manner }, turn)
  }

  #compareItems(now: Instant, theirs: ItemsMessage, turn: Turn): void {
    const findings = compareListing(now, theirs, this.#told(theirs, turn))
    this.#answer(now, theirs, { ...turn, telling: findings })
    if (findings.wanted.length === 0) return
    this.#ask(now, { asked: { kind: 'want', items: findings.wanted }, manner: FIRST }, turn)
  }

  #hear(now: Instant, news: NewsMessage, turn: Turn): void {
    const { source, peer } = turn
    const { counts, comparisons } = this.#parts
    for (const message of news.messages) source.apply(now, message, peer)
    counts.heard += news.messages.length
    if (news.messages.length > 0) comparisons.fetched(now, source.id, peer.name)
    const isLarge = bytesOf(news.messages) > this.#parts.messageBytesMax
    const from = { setId: source.id, peer: peer.name }
    const question = this.#questions.answered(now, from, { ...news, isLarge })
    if (question === null || news.rest.isEmpty) return
    if (!this.#mayAnswer(now, { isRetry: false }, turn)) counts.refused++
    else {
      const asked = { kind: 'list', buckets: news.rest } as const
      const manner = { tries: Math.min(1, question.tries), isLarge }
      this.#ask(now, { asked, manner }, turn)
    }
  }

  /** Where things get lost we tell what fits packets, and the rest when that has come. */
  #told({ isRetry }: { readonly isRetry: boolean }, { source }: Turn): Told {
    const packets = RETRY_PACKETS * this.#parts.messageBytesMax
    return { source, bytesMax: isRetry ? packets : TOLD_BYTES_MAX }
  }

  #answer(
    now: Instant,
    question: { readonly turn: number },
    { source, peer, telling }: Turn & { readonly telling: Telling },
  ): void {
    const { name, messageBytesMax, counts } = this.#parts
    const head = { sender: name, setId: source.id, turn: question.turn }
    for (const news of newsOf(head, telling, messageBytesMax)) {
      counts.told += news.messages.length
      const bytes = this.#send(now, peer, news)
      if (bytes <= messageBytesMax) continue
      this.#exchanges.answeredLarge(now, exchangeKey(source.id, peer.name))
    }
  }

  #retry(now: Instant, { setId, peer: name, asked, tries, isLarge }: Question): void {
    const { lines, comparisons } = this.#parts
    const peer = lines.peer(name)
    const source = peer === null ? null : lines.sourceFor(peer, setId)
    // Whoever is silent for so long must not keep others from being asked.
    if (peer === null || source === null || tries + 1 >= TRIES_MAX) return
    if (asked.kind === 'compare' && comparisons.differsSince(setId) === null) return
    this.#parts.counts.retried++
    const manner = { tries: tries + 1, isLarge }
    for (const part of tries === 0 && isLarge ? dealt(asked) : [asked]) {
      this.#ask(now, { asked: part, manner }, { source, peer })
    }
  }

  #ask(now: Instant, { asked, manner }: { asked: Asked; manner: Manner }, turn: Turn): void {
    if (asked.kind === 'want') this.#want(now, asked.items, { ...turn, manner })
    else if (asked.kind === 'list') this.#list(now, asked.buckets, { ...turn, manner })
    else if (turn.source.sums.count <= SMALL_ITEMS) {
      this.#list(now, BucketSet.all(), { ...turn, manner })
    } else this.#sum(now, { ...turn, manner })
  }

  #sum(now: Instant, { source, peer, manner }: Turn & { readonly manner: Manner }): void {
    const { sums } = source
    const { count, high, low } = sums
    const all = Int32Array.from({ length: DIGEST_BUCKETS }, (_, i) => sums.bucket(i))
    const head = this.#question(now, { kind: 'compare' }, { source, peer, manner })
    this.#send(now, peer, { kind: 'buckets', ...head, count, high, low, sums: all })
  }

  #list(
    now: Instant,
    buckets: BucketSet,
    turn: Turn & { readonly manner: Manner },
  ): void {
    const listing = listItems(turn.source, buckets)
    for (const piece of this.#pieces(listing, turn.source.id)) {
      const head = this.#question(now, { kind: 'list', buckets: piece.covered }, turn)
      this.#send(now, turn.peer, { kind: 'items', ...head, ...piece })
    }
  }

  #want(
    now: Instant,
    wanted: readonly DigestItem[],
    turn: Turn & { readonly manner: Manner },
  ): void {
    const isRetry = turn.manner.tries > 0
    const items = isRetry ? stillWanted(turn.source, wanted) : wanted
    const most = this.#perPacket(turn.source.id, HASH_BYTES)
    const size = items.length <= QUESTION_PACKETS_MAX * most ? most : items.length
    for (let i = 0; i < items.length; i += size) {
      const some = items.slice(i, i + size)
      const head = this.#question(now, { kind: 'want', items: some }, turn)
      this.#send(now, turn.peer, { kind: 'wants', ...head, wants: some })
    }
  }

  #pieces(listing: Listing, setId: string): readonly Listing[] {
    const most = this.#perPacket(setId, LISTED_ITEM_BYTES_MAX)
    if (listing.items.length > QUESTION_PACKETS_MAX * most) return [listing]
    return splitListing(listing, most)
  }

  #perPacket(setId: string, itemBytes: number): number {
    const { name, messageBytesMax } = this.#parts
    const overhead = QUESTION_OVERHEAD_BYTES + 3 * (name.length + setId.length)
    return Math.max(1, Math.trunc((messageBytesMax - overhead) / itemBytes))
  }

  #question(
    now: Instant,
    asked: Asked,
    { source, peer, manner }: Turn & { readonly manner: Manner },
  ): { sender: string; setId: string; turn: number; isRetry: boolean } {
    const turn = this.#questions.ask(now, { setId: source.id, peer: peer.name, asked, ...manner })
    return { sender: this.#parts.name, setId: source.id, turn, isRetry: manner.tries > 0 }
  }

  /** The bytes that it took. */
  #send(now: Instant, peer: Member, message: ExchangeMessage): number {
    const { lines, messageBytesMax, counts } = this.#parts
    const bytes = encodeExchange(message)
    counts.bytesSent += bytes.length
    this.#allowance.spend(now, peer.name, bytes.length)
    const how = bytes.length <= messageBytesMax ? 'packet' : 'stream'
    lines.send(now, peer, { bytes, how })
    return bytes.length
  }
}

/** A long answer did not come whole: what is left of it is asked for in several at once. */
function dealt(asked: Asked): readonly Asked[] {
  if (asked.kind !== 'list') return [asked]
  return asked.buckets.dealt(RETRIES_AT_ONCE).map((buckets) => ({ kind: 'list', buckets }))
}

function bytesOf(messages: readonly Uint8Array[]): number {
  let bytes = 0
  for (const message of messages) bytes += message.length
  return bytes
}
