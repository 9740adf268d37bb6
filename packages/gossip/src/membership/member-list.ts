/** Everyone whom a node knows of, by name and in the order of probing. */
import { assert, type Instant, type Random } from '@weft/core'
import { HashTable, textHash } from '../hash-table.ts'
import type { NodeStateName } from '../memberlist/messages.ts'
import { isActive, type MemberRecord } from './member-record.ts'

/** Members, dead ones not yet forgotten included. Beyond it newcomers are refused. */
export const MEMBERS_MAX = 20_000

/** Draws, for each member wanted, before a pick gives up on luck and looks at everyone. */
const DRAWS = 4

const BY_NAME = {
  of: ({ name }: MemberRecord): string => name,
  hash: textHash,
  areEqual: (one: string, other: string): boolean => one === other,
}

/**
 * Members by name, and as a list: shuffled once a round, so that each is probed once a round and
 * nobody can tell when (SWIM). Newcomers are put in at random places, or the newest would always
 * be probed last.
 */
export class MemberList {
  readonly #random: Random
  readonly #byName = new HashTable<MemberRecord, string>(BY_NAME)
  readonly #order: MemberRecord[] = []
  #active = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Everyone, the dead included: what memberlist scales its timing by. */
  get size(): number {
    return this.#order.length
  }

  /** Alive or suspect. */
  get activeCount(): number {
    return this.#active
  }

  /** True when there is no room for another. */
  get isFull(): boolean {
    return this.size >= MEMBERS_MAX
  }

  get(name: string): MemberRecord | undefined {
    return this.#byName.get(name) ?? undefined
  }

  /** In the order of probing. */
  all(): readonly MemberRecord[] {
    return this.#order
  }

  /** Add one whose name is not there yet. */
  add(member: MemberRecord): void {
    const isNew = this.#byName.get(member.name) === null
    assert(isNew && !this.isFull, 'a new member is new and has room')
    const place = this.size === 0 ? 0 : this.#random.below(this.size)
    this.#order.push(member)
    this.#swap(place, this.size - 1)
    this.#byName.put(member)
    if (isActive(member)) this.#active++
  }

  /** Change the state of a member. */
  enter(member: MemberRecord, state: NodeStateName, now: Instant): void {
    if (isActive(member)) this.#active--
    member.state = state
    member.stateSince = now
    if (isActive(member)) this.#active++
  }

  /** Begin a round: forget whoever is gone for longer than `goneMs`, and shuffle. */
  newRound(now: Instant, goneMs: number): void {
    let kept = 0
    for (const member of this.#order) {
      if (isActive(member) || now - member.stateSince <= goneMs) this.#order[kept++] = member
      else this.#byName.delete(member.name)
    }
    this.#order.length = kept
    for (let i = kept - 1; i > 0; i--) this.#swap(i, this.#random.below(i + 1))
  }

  /** Up to `count` different members that `accept` holds for, each equally likely. */
  pick(count: number, accept: (member: MemberRecord) => boolean): readonly MemberRecord[] {
    const picked: MemberRecord[] = []
    if (this.size > 2 * DRAWS * count) {
      for (let draw = 0; draw < DRAWS * count && picked.length < count; draw++) {
        const member = this.#order[this.#random.below(this.size)] as MemberRecord
        if (!picked.includes(member) && accept(member)) picked.push(member)
      }
    }
    return picked.length === count ? picked : this.#sample(count, accept)
  }

  /** Reservoir sampling (Vitter's algorithm R): one pass, whatever `accept` leaves. */
  #sample(count: number, accept: (member: MemberRecord) => boolean): readonly MemberRecord[] {
    const picked: MemberRecord[] = []
    let seen = 0
    for (const member of this.#order) {
      if (!accept(member)) continue
      seen++
      if (picked.length < count) picked.push(member)
      else {
        const place = this.#random.below(seen)
        if (place < count) picked[place] = member
      }
    }
    return picked
  }

  #swap(a: number, b: number): void {
    const other = this.#order[a] as MemberRecord
    this.#order[a] = this.#order[b] as MemberRecord
    this.#order[b] = other
  }
}
