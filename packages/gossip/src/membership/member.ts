/** A member of the ring, as this node sees it. */
import type { Instant, SocketAddress } from '@weft/core'
import type { NodeStateName, Versions } from '../memberlist/messages.ts'

/** What is known of a node. A view: it changes as news comes in. */
export interface Member {
  readonly name: string
  readonly address: SocketAddress
  readonly meta: Uint8Array
  readonly vsn: Versions
  readonly state: NodeStateName
  readonly incarnation: number
  /** Since when it is in this state. */
  readonly stateSince: Instant
}

/** A member as it is remembered over a restart, or told to a new node from outside. */
export interface KnownMember {
  readonly name: string
  readonly address: SocketAddress
  readonly meta: Uint8Array
  readonly vsn: Versions
  readonly incarnation: number
}
