/** A whole gossip node: membership and tables behind the same four verbs. */
import {
  Emitter,
  instantAfter,
  type EventSource,
  type Instant,
  type SocketAddress,
} from '@weft/core'
import { ENVELOPE_BYTES } from './memberlist/envelope.ts'
import type { KeyRing } from './memberlist/key-ring.ts'
import { Label } from './memberlist/label.ts'
import { CRC_BYTES } from './memberlist/packet-codec.ts'
import type { KnownMember, Member } from './membership/member.ts'
import { Membership } from './membership/membership.ts'
import type { GossipPorts } from './membership/membership-options.ts'
import type { StreamInputs } from './membership/stream-inputs.ts'
import type { NetworkEntry } from './networkdb/messages.ts'
import type { GossipOutput } from './output.ts'
import type { GossipProfile } from './profile.ts'
import { weftMeta } from './tables/capability.ts'
import type { MembershipLines } from './tables/tables-context.ts'
import { Tables } from './tables/tables.ts'

/** Who a node is and how it behaves. Complete: nothing is defaulted inside. */
export interface GossipOptions {
  /** 1 to NAME_BYTES_MAX bytes. Docker's nodes take 12 random hexadecimal digits at each start. */
  readonly name: string
  /** Where others reach it, for datagrams and streams alike. */
  readonly advertise: SocketAddress
  /** The application's own metadata; what names us a Weft node is put before it. */
  readonly meta: Uint8Array
  readonly label: string
  readonly keys: KeyRing | null
  readonly profile: GossipProfile
  /** Where the ring begins: tried again when none of them is in sight. */
  readonly bootstrap: readonly SocketAddress[]
  /** What a `snapshot` held: members and attachments to start with, ours of before included. */
  readonly known: readonly KnownMember[]
  readonly knownAttachments: readonly NetworkEntry[]
}

/** What a node tells of itself. */
export type GossipEvents = {
  /** A join is over; `reason` is null when the other side answered. */
  readonly joinEnded: { readonly address: SocketAddress; readonly reason: string | null }
}

/** What a restarted node needs to be one of the ring at once. */
export interface GossipSnapshot {
  readonly known: readonly KnownMember[]
  readonly knownAttachments: readonly NetworkEntry[]
}

/** How long leaving the tables may take, in ms, before the ring is left (docker-wire §3.4). */
const ANNOUNCE_LIMIT_MS = 5000

/** Bytes of a message's type (docker-wire §2.1). */
const TYPE_BYTES = 1

/** Membership and tables as one state machine; nothing from the network makes it throw. */
export class Gossip {
  readonly membership: Membership
  readonly tables: Tables
  readonly streams: StreamInputs
  readonly events: EventSource<GossipEvents>
  /** When the ring is left at the latest; null unless we are about to. */
  #leaveAt: Instant | null = null
  #isGoing = false

  /** Throws ERR_NAME_SIZE, ERR_META_TOO_LARGE. */
  constructor(now: Instant, options: GossipOptions, ports: GossipPorts) {
    const emitter = new Emitter<GossipEvents>()
    const { profile, name, bootstrap } = options
    this.events = emitter
    this.tables = new Tables(
      now,
      { name, profile, bootstrap, payloadBytesMax: payloadBytesMax(options) },
      { random: ports.random.fork('tables'), lines: linesTo(() => this.membership) },
    )
    const { delegate } = this.tables
    const meta = profile.digestIntervalMs > 0 ? weftMeta(options.meta) : options.meta
    this.membership = new Membership(
      now,
      { ...options, meta },
      {
        ports,
        delegate: {
          ...delegate,
          joinEnded: (at, address, reason) => {
            delegate.joinEnded(at, address, reason)
            emitter.emit('joinEnded', { address, reason })
          },
        },
      },
    )
    this.streams = this.membership.streams
    const { roster } = this.membership
    delegate.begin(now, {
      members: roster.all(),
      self: roster.self,
      attachments: options.knownAttachments,
    })
  }

  /** True once a `leave` was told widely enough, or nobody is there to tell. */
  get hasLeft(): boolean {
    return this.membership.roster.hasLeft
  }

  /** A datagram arrived. Never throws, whatever it holds. */
  receive(now: Instant, from: SocketAddress, bytes: Uint8Array): void {
    this.membership.receive(now, from, bytes)
  }

  /** Do what is due. Calling early or late is fine. */
  tick(now: Instant): void {
    this.membership.tick(now)
    this.tables.tick(now)
    if (this.#leaveAt === null) return
    if (now < this.#leaveAt && !this.tables.delegate.hasAnnouncedLeave()) return
    this.#leaveAt = null
    this.membership.leave(now)
  }

  /** When `tick` has something to do; null: never, until something arrives. */
  nextDeadline(): Instant | null {
    let next = this.#leaveAt
    for (const deadline of [this.tables.nextDeadline(), this.membership.nextDeadline()]) {
      if (deadline !== null && (next === null || deadline < next)) next = deadline
    }
    return next
  }

  /** Take what is to be done, in order. */
  drain(): readonly GossipOutput[] {
    return this.membership.drain()
  }

  /** Exchange state with the nodes at these addresses; `events` tell how each ended. */
  join(now: Instant, addresses: readonly SocketAddress[]): void {
    for (const address of addresses) this.membership.join(now, address)
  }

  /** Say goodbye: first that the tables go, then that the member does (docker-wire §3.4). */
  leave(now: Instant): void {
    if (this.#isGoing) return
    this.#isGoing = true
    this.tables.delegate.announceLeave(now)
    this.#leaveAt = instantAfter(now, ANNOUNCE_LIMIT_MS)
  }

  /** What to start from after a restart, and what a simulator starts whole rings from. */
  snapshot(): GossipSnapshot {
    const known: KnownMember[] = []
    for (const member of this.membership.roster.all()) {
      if (member.state === 'alive' || member.state === 'suspect') known.push(knownOf(member))
    }
    return { known, knownAttachments: this.tables.delegate.attachments() }
  }
}

function knownOf({ name, address, meta, vsn, incarnation }: Member): KnownMember {
  return { name, address, meta, vsn, incarnation }
}

/** What a user message may hold to fit a packet with everything around it. */
function payloadBytesMax({ profile, keys, label }: GossipOptions): number {
  const sealing = keys === null ? 0 : ENVELOPE_BYTES
  const around = new Label(label).header.length + sealing + CRC_BYTES + TYPE_BYTES
  return profile.packetBytesMax - around
}

/** The membership as tables see it, which are made before it. */
function linesTo(membership: () => Membership): MembershipLines {
  return {
    get roster() {
      return membership().roster
    },
    send: (now, to, message) => membership().send(now, to, message),
    join: (now, address) => membership().join(now, address),
    exchange: (now, member) => membership().exchange(now, member),
  }
}
