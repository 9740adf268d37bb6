/** Questions that wait for their answers, and are asked again when these do not come whole. */
import { instantAfter, type Instant } from '@weft/core'
import type { BucketSet } from './bucket-set.ts'
import { bucketOf, type DigestItem } from './digest-sums.ts'
import { exchangeKey } from './exchanges.ts'

/** Questions that wait at once; beyond, nobody waits for the answer: the next digest does. */
export const QUESTIONS_MAX = 512

/** How often a question is asked before the next digest has to. */
export const TRIES_MAX = 16

/** How long an answer by packets may take, in ms. */
export const PACKET_ANSWER_MS = 150

/** How long an answer by streams may take, in ms: less than a lost SYN costs (RFC 6298 §2.1). */
export const STREAM_ANSWER_MS = 700

/** What was asked. */
export type Asked =
  /** What is different: by all our sums, or by all our items. */
  | { readonly kind: 'compare' }
  /** What is different in these buckets. */
  | { readonly kind: 'list'; readonly buckets: BucketSet }
  /** These items. */
  | { readonly kind: 'want'; readonly items: readonly DigestItem[] }

/** What has come of an answer. */
export interface PartOfAnswer {
  readonly turn: number
  readonly part: number
  readonly parts: number
  readonly isLarge: boolean
  /** What is asked for in another question. */
  readonly rest: BucketSet
}

/** A question that waits. */
export interface Question {
  readonly setId: string
  readonly peer: string
  readonly asked: Asked
  readonly tries: number
  /** The answer is long, as far as we know: it comes by streams. */
  readonly isLarge: boolean
}

interface Waiting {
  question: Question
  readonly partsSeen: Set<number>
  retryAt: Instant
}

/** Numbers questions, and knows which of them are due. */
export class Questions {
  readonly #waiting = new Map<number, Waiting>()
  readonly #perExchange = new Map<string, number>()
  #turn = 0

  /** Wait for an answer; the number to ask with. */
  ask(now: Instant, question: Question): number {
    this.#turn = this.#turn === 0xffff_ffff ? 1 : this.#turn + 1
    if (this.#waiting.size >= QUESTIONS_MAX) return this.#turn
    const retryAt = instantAfter(now, patienceMs(question))
    this.#waiting.set(this.#turn, { question, partsSeen: new Set(), retryAt })
    this.#count(question, 1)
    return this.#turn
  }

  /** A part of an answer has come, the question if it is the first; over when all have. */
  answered(
    now: Instant,
    from: { readonly setId: string; readonly peer: string },
    answer: PartOfAnswer,
  ): Question | null {
    const waiting = this.#waiting.get(answer.turn)
    if (waiting === undefined) return null
    const { question, partsSeen } = waiting
    if (question.setId !== from.setId || question.peer !== from.peer) return null
    const isFirst = partsSeen.size === 0
    partsSeen.add(answer.part)
    if (partsSeen.size >= answer.parts) this.#remove(answer.turn, question)
    else {
      const asked = isFirst ? answeredOf(question.asked, answer.rest) : question.asked
      waiting.question = { ...question, asked, isLarge: answer.isLarge }
      waiting.retryAt = instantAfter(now, patienceMs(waiting.question))
    }
    return isFirst ? question : null
  }

  /** Whether something was asked of this peer about this set that it has not answered. */
  isWaiting(setId: string, peer: string): boolean {
    return this.#perExchange.has(exchangeKey(setId, peer))
  }

  /** Those that have waited long enough; nobody waits for them any more. */
  takeDue(now: Instant): readonly Question[] {
    const due: Question[] = []
    for (const [turn, { question, retryAt }] of this.#waiting) {
      if (retryAt > now) continue
      this.#remove(turn, question)
      due.push(question)
    }
    return due
  }

  /** When the next one is due. */
  nextDeadline(): Instant | null {
    let next: Instant | null = null
    for (const { retryAt } of this.#waiting.values()) {
      if (next === null || retryAt < next) next = retryAt
    }
    return next
  }

  #remove(turn: number, question: Question): void {
    this.#waiting.delete(turn)
    this.#count(question, -1)
  }

  #count({ setId, peer }: Question, change: 1 | -1): void {
    const key = exchangeKey(setId, peer)
    const count = (this.#perExchange.get(key) ?? 0) + change
    if (count === 0) this.#perExchange.delete(key)
    else this.#perExchange.set(key, count)
  }
}

function patienceMs({ isLarge }: Question): number {
  return isLarge ? STREAM_ANSWER_MS : PACKET_ANSWER_MS
}

/** What this answer is about; the rest will be asked for by itself. */
function answeredOf(asked: Asked, rest: BucketSet): Asked {
  if (asked.kind === 'list') return { ...asked, buckets: asked.buckets.without(rest) }
  if (asked.kind === 'compare') return asked
  return { ...asked, items: asked.items.filter((item) => !rest.has(bucketOf(item))) }
}
