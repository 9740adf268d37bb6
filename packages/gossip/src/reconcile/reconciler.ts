/** Finds and repairs what gossip did not bring: Weft nodes compare digests of what they know. */
import { instantAfter, type Instant, type Random } from '@weft/core'
import type { GossipFault } from '../memberlist/faults.ts'
import type { Member } from '../membership/member.ts'
import type { Road } from '../tables/table.ts'
import { BucketSet } from './bucket-set.ts'
import { Comparisons } from './comparisons.ts'
import { DigestRound } from './digest-round.ts'
import { DIGEST_BUCKETS, equalTotals } from './digest-sums.ts'
import type { DigestSource, ReconcilerLines } from './digest-source.ts'
import { decodeExchange } from './exchange-decode.ts'
import { encodeExchange } from './exchange-encode.ts'
import type {
  BucketsMessage,
  DigestEntry,
  DigestMessage,
  ExchangeMessage,
  ItemsMessage,
  NewsMessage,
} from './exchange-messages.ts'
import { Exchanges } from './exchanges.ts'
import { answerWants, compareListing, differingBuckets, listItems } from './listing.ts'
import { newsOf } from './news.ts'

/** Sets of up to this many items are listed at once, without comparing buckets first. */
export const SMALL_ITEMS = 64

/** Who a node is and how often it compares. Complete: nothing is defaulted inside. */
export interface ReconcilerOptions {
  readonly name: string
  /** Compare with `digestPeers` peers at this interval. 0: only answer. */
  readonly digestIntervalMs: number
  readonly digestPeers: number
  /** What a user message in one packet may have, in bytes, after all that is put around it. */
  readonly messageBytesMax: number
  readonly random: Random
}

/** What came of comparing, all since the start. */
export interface ReconcilerCounters {
  readonly digestsSent: number
  readonly digestsReceived: number
  /** Sets in digests that came in and differed. */
  readonly differed: number
  /** Differences left to gossip for the moment. */
  readonly deferred: number
  /** Exchanges begun, and turns in them refused because too much was under way or had been sent. */
  readonly exchanges: number
  readonly refused: number
  /** Messages about sets that are not shared, or from nobody we know to be a Weft peer. */
  readonly ignored: number
  /** Messages of the sources sent, and received. */
  readonly told: number
  readonly heard: number
  readonly bytesSent: number
}

type Counts = { -readonly [Name in keyof ReconcilerCounters]: number }

/** A set and the peer it is exchanged with. */
interface Turn {
  readonly source: DigestSource
  readonly peer: Member
}

/**
 * The digest exchange as a state machine (docs/decisions/0007-anti-entropy.md). At each interval a
 * digest goes to some peers by packet. Whoever finds a set differing answers over streams: with
 * everything it knows when that is little, else with the sums of all buckets, upon which the other
 * side lists those that differ. A listing is answered with what is newer, and with the hashes of
 * what the other side has newer. What does not fit a round is named in it and follows at once.
 */
export class Reconciler {
  /** By which road news from here arrives. */
  readonly road: Road = 'digest'
  readonly #options: ReconcilerOptions
  readonly #lines: ReconcilerLines
  readonly #comparisons = new Comparisons()
  readonly #exchanges = new Exchanges()
  readonly #rounds: DigestRound
  readonly #counts: Counts = {
    digestsSent: 0,
    digestsReceived: 0,
    differed: 0,
    deferred: 0,
    exchanges: 0,
    refused: 0,
    ignored: 0,
    told: 0,
    heard: 0,
    bytesSent: 0,
  }
  #nextRoundAt: Instant | null = null

  constructor(now: Instant, options: ReconcilerOptions, lines: ReconcilerLines) {
    this.#options = options
    this.#lines = lines
    this.#rounds = new DigestRound(options.name, options.messageBytesMax)
    const { digestIntervalMs, random } = options
    if (digestIntervalMs > 0) {
      this.#nextRoundAt = instantAfter(now, random.below(digestIntervalMs) + 1)
    }
  }

  /** A message of an exchange arrived. Never throws; why it was refused, or null. */
  receive(now: Instant, bytes: Uint8Array): GossipFault | null {
    const message = decodeExchange(bytes)
    if (typeof message === 'string') return message
    const peer = this.#lines.peer(message.sender)
    if (peer === null) this.#counts.ignored++
    else if (message.kind === 'digest') this.#digest(now, message, peer)
    else {
      const source = this.#lines.sourceFor(peer, message.setId)
      if (source === null) this.#counts.ignored++
      else this.#turn(now, message, { source, peer })
    }
    return null
  }

  /** Compare, when it is time to. */
  tick(now: Instant): void {
    if (this.#nextRoundAt === null || now < this.#nextRoundAt) return
    const { digestIntervalMs, digestPeers } = this.#options
    this.#nextRoundAt = instantAfter(this.#nextRoundAt, digestIntervalMs)
    if (this.#nextRoundAt <= now) this.#nextRoundAt = instantAfter(now, digestIntervalMs)
    const peers = this.#lines.pickPeers(digestPeers)
    if (peers.length === 0) this.#comparisons.nobodyThere()
    this.#rounds.advance()
    for (const peer of peers) this.compare(now, peer)
  }

  /** When `tick` has something to do; null: never. */
  nextDeadline(): Instant | null {
    return this.#nextRoundAt
  }

  /** Send a digest to this peer now: after attaching to a network, say. */
  compare(now: Instant, peer: Member): void {
    const sources = this.#lines.sourcesFor(peer)
    const entryOf = (source: DigestSource): DigestEntry => this.#entry(now, source)
    for (const digest of this.#rounds.digests(sources, entryOf)) {
      this.#counts.digestsSent++
      this.#send(now, peer, digest)
    }
  }

  /**
   * Since when the set is known to differ from a peer's; null when it agreed with the last that
   * told. Under constant change it hardly ever agrees, and this says nothing of any one item.
   */
  differsSince(sourceId: string): Instant | null {
    return this.#comparisons.differsSince(sourceId)
  }

  /** The set is not ours any more. */
  forget(sourceId: string): void {
    this.#comparisons.forget(sourceId)
  }

  /** What came of it so far. */
  counters(): ReconcilerCounters {
    return { ...this.#counts }
  }

  #digest(now: Instant, { sets, isAnswer }: DigestMessage, peer: Member): void {
    this.#counts.digestsReceived++
    const deferred: DigestSource[] = []
    for (const theirs of sets) {
      const source = this.#lines.sourceFor(peer, theirs.setId)
      if (source === null) this.#counts.ignored++
      else if (equalTotals(source.sums, theirs)) this.#comparisons.agreed(source.id)
      else {
        this.#counts.differed++
        this.#comparisons.differed(now, source.id)
        if (isAnswer) continue
        if (this.#comparisons.isWorthwhile(now, source, theirs)) {
          this.#begin(now, theirs, { source, peer })
        } else if (!theirs.isOverdue) deferred.push(source)
      }
    }
    if (deferred.length > 0) this.#defer(now, deferred, peer)
  }

  /** Tell the sender that its sets differ too, so that its next digest says how long they have. */
  #defer(now: Instant, sources: readonly DigestSource[], peer: Member): void {
    this.#counts.deferred += sources.length
    const sets = sources.map((source) => this.#entry(now, source))
    const answer = this.#rounds.answer(sets)
    this.#send(now, peer, answer)
  }

  #entry(now: Instant, source: DigestSource): DigestEntry {
    const { count, high, low } = source.sums
    const isOverdue = this.#comparisons.isOverdue(now, source.id)
    return { setId: source.id, count, high, low, isOverdue }
  }

  #begin(now: Instant, theirs: DigestEntry, turn: Turn): void {
    const { source, peer } = turn
    const from = { peer: peer.name, total: theirs }
    if (!this.#comparisons.mayFetch(now, source, from)) return
    if (!this.#exchanges.begin(now, source.id, peer.name)) {
      this.#counts.refused++
      return
    }
    this.#counts.exchanges++
    const { count, high, low } = source.sums
    if (count <= SMALL_ITEMS) this.#list(now, BucketSet.all(), turn)
    else {
      const sums = Int32Array.from({ length: DIGEST_BUCKETS }, (_, i) => source.sums.bucket(i))
      this.#send(now, peer, { kind: 'buckets', ...this.#head(source), count, high, low, sums })
    }
  }

  #turn(now: Instant, message: BucketsMessage | ItemsMessage | NewsMessage, turn: Turn): void {
    if (message.kind === 'buckets') this.#buckets(now, message, turn)
    else if (message.kind === 'items') this.#items(now, message, turn)
    else this.#news(now, message, turn)
  }

  #buckets(now: Instant, theirs: BucketsMessage, turn: Turn): void {
    const { source, peer } = turn
    if (equalTotals(source.sums, theirs)) {
      this.#comparisons.agreed(source.id)
      return
    }
    this.#comparisons.differed(now, source.id)
    const from = { peer: peer.name, total: theirs }
    if (!this.#comparisons.mayFetch(now, source, from)) return
    if (!this.#mayContinue(now, turn)) return
    this.#list(now, differingBuckets(source.sums, theirs.sums), turn)
  }

  #items(now: Instant, theirs: ItemsMessage, turn: Turn): void {
    if (!this.#mayContinue(now, turn)) return
    const { source, peer } = turn
    const findings = compareListing(now, source, theirs)
    for (const news of newsOf(this.#head(source), findings)) this.#tell(now, news, peer)
  }

  #news(now: Instant, news: NewsMessage, turn: Turn): void {
    const { source, peer } = turn
    for (const message of news.messages) source.apply(now, message, peer)
    this.#counts.heard += news.messages.length
    if (news.messages.length > 0) this.#comparisons.fetched(now, source.id, peer.name)
    if (news.wants.length === 0 && news.rest.isEmpty) return
    if (!this.#mayContinue(now, turn)) return
    const { messages, rest } = answerWants(now, source, news.wants)
    const answer = { messages, wants: [], rest: new BucketSet() }
    for (const part of newsOf(this.#head(source), answer)) this.#tell(now, part, peer)
    rest.addAll(news.rest)
    if (!rest.isEmpty) this.#list(now, rest, turn)
  }

  #list(now: Instant, buckets: BucketSet, { source, peer }: Turn): void {
    const listing = listItems(source, buckets)
    this.#send(now, peer, { kind: 'items', ...this.#head(source), ...listing })
  }

  #tell(now: Instant, news: NewsMessage, peer: Member): void {
    this.#counts.told += news.messages.length
    this.#send(now, peer, news)
  }

  #mayContinue(now: Instant, { source, peer }: Turn): boolean {
    const may = this.#exchanges.continue(now, source.id, peer.name)
    if (!may) this.#counts.refused++
    return may
  }

  #head(source: DigestSource): { sender: string; setId: string } {
    return { sender: this.#options.name, setId: source.id }
  }

  #send(now: Instant, peer: Member, message: ExchangeMessage): void {
    const bytes = encodeExchange(message)
    const how = message.kind === 'digest' ? 'packet' : 'stream'
    this.#counts.bytesSent += bytes.length
    this.#exchanges.spend(now, peer.name, bytes.length)
    this.#lines.send(now, peer, { bytes, how })
  }
}
