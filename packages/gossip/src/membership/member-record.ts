/** A member as the core keeps it, and says it in a push/pull. */
import { ipBytes, type Instant, type SocketAddress } from '@weft/core'
import type { NodeStateName, PushPullNode, Versions } from '../memberlist/messages.ts'
import type { KnownMember, Member } from './member.ts'
import type { Suspicion } from './suspicion.ts'

/**
 * A member. Rings of thousands are simulated in one process, each node with a record of each: so a
 * record is small, and shares what it was made from.
 */
export class MemberRecord implements Member, PushPullNode {
  readonly name: string
  address: SocketAddress
  meta: Uint8Array
  vsn: Versions
  incarnation: number
  /** Changed by `MemberList.enter` only, which counts. */
  state: NodeStateName
  stateSince: Instant
  /** Running while the state is `suspect`. */
  suspicion: Suspicion | null = null

  constructor(known: KnownMember, state: NodeStateName, since: Instant) {
    this.name = known.name
    this.address = known.address
    this.meta = known.meta
    this.vsn = known.vsn
    this.incarnation = known.incarnation
    this.state = state
    this.stateSince = since
  }

  /** The address as messages have it: 4 or 16 bytes. */
  get addr(): Uint8Array {
    return ipBytes(this.address.ip)
  }

  get port(): number {
    return this.address.port
  }
}

/** True for those who may be there: alive, or suspect. */
export function isActive({ state }: Member): boolean {
  return state === 'alive' || state === 'suspect'
}
