/** Finds and repairs what gossip did not bring: Weft nodes compare digests of what they know. */
import { instantAfter, type Instant, type Random } from '@weft/core'
import type { GossipFault } from '../memberlist/faults.ts'
import type { Member } from '../membership/member.ts'
import type { Road } from '../tables/table.ts'
import { Comparisons } from './comparisons.ts'
import { Dialogue } from './dialogue.ts'
import { DigestRound } from './digest-round.ts'
import { equalTotals } from './digest-sums.ts'
import type { DigestSource, ReconcilerLines } from './digest-source.ts'
import { decodeExchange } from './exchange-decode.ts'
import { encodeExchange } from './exchange-encode.ts'
import type { DigestEntry, DigestMessage } from './exchange-messages.ts'
import { noCounts, type Counts, type ReconcilerCounters } from './reconciler-counters.ts'

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

/**
 * The digest exchange as a state machine (docs/decisions/0007-anti-entropy.md). At each interval a
 * digest goes to some peers. Whoever finds a set differing asks: with everything it knows when that
 * is little, else with the sums of all buckets, upon which the other side tells what this one has
 * nothing of, and lists what differs otherwise. A listing is answered with what is newer, and what
 * the lister has newer is asked for. What does not fit an answer is named in it, asked for next.
 */
export class Reconciler {
  /** By which road news from here arrives. */
  readonly road: Road = 'digest'
  readonly #options: ReconcilerOptions
  readonly #lines: ReconcilerLines
  readonly #comparisons = new Comparisons()
  readonly #counts: Counts = noCounts()
  readonly #dialogue: Dialogue
  readonly #rounds: DigestRound
  #nextRoundAt: Instant | null = null

  constructor(now: Instant, options: ReconcilerOptions, lines: ReconcilerLines) {
    const { name, messageBytesMax, digestIntervalMs, random } = options
    this.#options = options
    this.#lines = lines
    this.#rounds = new DigestRound(name, messageBytesMax)
    const shared = { comparisons: this.#comparisons, counts: this.#counts }
    this.#dialogue = new Dialogue({ name, messageBytesMax, lines, ...shared })
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
      else this.#dialogue.receive(now, message, { source, peer })
    }
    return null
  }

  /** Compare, when it is time to, and ask again what was not answered. */
  tick(now: Instant): void {
    this.#dialogue.tick(now)
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
    const retryAt = this.#dialogue.nextDeadline()
    const roundAt = this.#nextRoundAt
    if (retryAt === null || roundAt === null) return retryAt ?? roundAt
    return retryAt < roundAt ? retryAt : roundAt
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
          this.#dialogue.begin(now, theirs, { source, peer })
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

  #send(now: Instant, peer: Member, digest: DigestMessage): void {
    const bytes = encodeExchange(digest)
    this.#counts.bytesSent += bytes.length
    this.#dialogue.spend(now, peer, bytes.length)
    this.#lines.send(now, peer, { bytes, how: 'packet' })
  }
}
