/** A node that is a member and nothing else, and tells of every death it hears of. */
import type { Instant, SocketAddress } from '@weft/core'
import {
  Membership,
  type GossipOutput,
  type GossipPorts,
  type Member,
  type MembershipDelegate,
  type MembershipOptions,
} from '@weft/gossip'
import type { SimCore } from '../engine/sim-core.ts'

/** Hears that `member` is held for dead at this node. */
export type DeathListener = (member: Member) => void

const NOTHING = new Uint8Array(0)
const NO_BROADCASTS: readonly Uint8Array[] = []

/** Membership without a layer above. */
export class MembershipNode implements SimCore {
  readonly membership: Membership
  readonly streams: Membership['streams']

  constructor(
    now: Instant,
    options: MembershipOptions,
    environment: { readonly ports: GossipPorts; readonly onDeath: DeathListener },
  ) {
    const { ports, onDeath } = environment
    this.membership = new Membership(now, options, { ports, delegate: delegate(onDeath) })
    this.streams = this.membership.streams
  }

  receive(now: Instant, from: SocketAddress, bytes: Uint8Array): void {
    this.membership.receive(now, from, bytes)
  }

  tick(now: Instant): void {
    this.membership.tick(now)
  }

  nextDeadline(): Instant | null {
    return this.membership.nextDeadline()
  }

  drain(): readonly GossipOutput[] {
    return this.membership.drain()
  }
}

function delegate(onDeath: DeathListener): MembershipDelegate {
  return {
    userMessage: () => undefined,
    broadcasts: () => NO_BROADCASTS,
    hasBroadcasts: () => false,
    hasNewBroadcasts: () => false,
    localState: () => NOTHING,
    mergeState: () => undefined,
    memberJoined: () => undefined,
    memberUpdated: () => undefined,
    memberLeft: (_now, member) => {
      if (member.state === 'dead') onDeath(member)
    },
    joinEnded: () => undefined,
  }
}
