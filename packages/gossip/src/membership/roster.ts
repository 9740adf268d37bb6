/** The members in sight, for the layers above. */
import type { Instant } from '@weft/core'
import type { PushPullNode } from '../memberlist/messages.ts'
import type { Engine } from './engine.ts'
import type { Member } from './member.ts'

/** The members in sight. */
export interface Roster {
  /** This node among the others. */
  readonly self: Member
  /** True once `leave` was told widely enough, or nobody is there to tell. */
  readonly hasLeft: boolean
  /** Alive or suspect, ourselves included. */
  readonly activeCount: number
  get(name: string): Member | null
  all(): Iterable<Member>
  /** Up to `count` different members that `accept` holds for, at random. */
  pick(count: number, accept: (member: Member) => boolean): readonly Member[]
  /** Take in states told by a peer, by the rules of a push/pull (docker-wire §2.10). */
  merge(now: Instant, nodes: readonly PushPullNode[]): void
  /** 0 is healthy (Lifeguard's local health). */
  readonly awareness: number
}

/** A view of the members; the members in it are views too. */
export class MembershipRoster implements Roster {
  readonly self: Member
  readonly #engine: Engine
  readonly #enter: (now: Instant) => void

  /** `enter` is told the time before anything changes. */
  constructor(engine: Engine, enter: (now: Instant) => void) {
    this.self = engine.self
    this.#engine = engine
    this.#enter = enter
  }

  get hasLeft(): boolean {
    return this.#engine.states.hasLeft
  }

  get activeCount(): number {
    return this.#engine.members.activeCount
  }

  get awareness(): number {
    return this.#engine.awareness.score
  }

  get(name: string): Member | null {
    return this.#engine.members.get(name) ?? null
  }

  all(): Iterable<Member> {
    return this.#engine.members.all()
  }

  pick(count: number, accept: (member: Member) => boolean): readonly Member[] {
    return this.#engine.members.pick(count, accept)
  }

  merge(now: Instant, nodes: readonly PushPullNode[]): void {
    this.#enter(now)
    this.#engine.states.merge(nodes)
  }
}
