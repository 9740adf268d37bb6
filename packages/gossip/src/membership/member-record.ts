/** A member as the core keeps it, and says it in a push/pull. */
import { ipBytes, type Instant, type SocketAddress } from '@weft/core'
import type { NodeStateName, PushPullNode, Versions } from '../memberlist/messages.ts'
import type { KnownMember, Member } from './member.ts'
import type { Suspicion } from './suspicion.ts'

/**
 * A member. Rings of thousands are simulated in one process, each node with a record of each: so a
 * record is small, and has what the member says of itself in common with whoever told it.
 */
export class MemberRecord implements Member, PushPullNode {
  /** What it said of itself last. Immutable: news take its place. */
  said: KnownMember
  /** Changed by `MemberList.enter` only, which counts. */
  state: NodeStateName
  stateSince: Instant
  /** Running while the state is `suspect`. */
  suspicion: Suspicion | null = null

  constructor(said: KnownMember, state: NodeStateName, since: Instant) {
    this.said = said
    this.state = state
    this.stateSince = since
  }

  get name(): string {
    return this.said.name
  }

  get address(): SocketAddress {
    return this.said.address
  }

  get meta(): Uint8Array {
    return this.said.meta
  }

  get vsn(): Versions {
    return this.said.vsn
  }

  get incarnation(): number {
    return this.said.incarnation
  }

  /** The address as messages have it: 4 or 16 bytes. */
  get addr(): Uint8Array {
    return ipBytes(this.address.ip)
  }

  get port(): number {
    return this.address.port
  }

  /** Others told of it as of this incarnation, or it refuted one. */
  raise(incarnation: number): void {
    if (incarnation !== this.said.incarnation) this.said = { ...this.said, incarnation }
  }
}

/** True for those who may be there: alive, or suspect. */
export function isActive({ state }: Member): boolean {
  return state === 'alive' || state === 'suspect'
}
