/** memberlist as a state machine: bytes and instants in, packets and stream events out. */
import { assert, utf8Bytes, type Instant, type SocketAddress } from '@weft/core'
import type { GossipFault } from '../memberlist/faults.ts'
import { META_BYTES_MAX, NAME_BYTES_MAX, PACKET_BYTES_MIN } from '../memberlist/limits.ts'
import type { PacketMessage } from '../memberlist/messages.ts'
import type { GossipOutput } from '../output.ts'
import type { MembershipProfile } from '../profile.ts'
import { userMessage } from './dissemination.ts'
import { createEngine, type Engine, type MembershipEnvironment } from './engine.ts'
import type { Member } from './member.ts'
import { membershipError } from './membership-errors.ts'
import type { MembershipOptions } from './membership-options.ts'
import { MembershipRoster, type Roster } from './roster.ts'
import { CONFIRMATIONS_MAX } from './scale.ts'
import type { StreamInputs } from './stream-inputs.ts'
import type { MembershipCounters } from './tally.ts'

/**
 * One node of a ring. Everything follows from what it is called with: it keeps no time and draws
 * on no chance but the ports'. No input from the network makes it throw. Messages are believed as
 * far as the key ring vouches for them; without keys, by whoever can send a datagram.
 */
export class Membership {
  readonly roster: Roster
  readonly streams: StreamInputs
  readonly #engine: Engine
  readonly #packetBytesMax: number
  readonly #onMessage = (message: PacketMessage): void => this.#engine.inbox.take(message)
  readonly #onFault = (fault: GossipFault): void => this.#engine.tally.fault(fault)

  /** Throws ERR_NAME_SIZE, ERR_META_TOO_LARGE. */
  constructor(now: Instant, options: MembershipOptions, environment: MembershipEnvironment) {
    checkName(options.name)
    checkMeta(options.meta)
    checkProfile(options.profile)
    this.#engine = createEngine(now, options, environment)
    this.#packetBytesMax = options.profile.packetBytesMax
    this.roster = new MembershipRoster(this.#engine, (at) => this.#enter(at))
    this.streams = this.#streamInputs()
  }

  /** A datagram arrived. Never throws, whatever it holds. */
  receive(now: Instant, from: SocketAddress, bytes: Uint8Array): void {
    this.#enter(now)
    const { codec, inbox, tally } = this.#engine
    tally.packets++
    tally.packetBytes += bytes.length
    inbox.begin(from)
    codec.open(bytes, this.#onMessage, this.#onFault)
  }

  /** Do what is due. Calling early or late is fine. */
  tick(now: Instant): void {
    this.#enter(now)
    this.#engine.timers.run()
    this.#engine.dissemination.run(now)
  }

  /** When `tick` has something to do. */
  nextDeadline(): Instant | null {
    const { timers, dissemination } = this.#engine
    const timer = timers.nextAt()
    const gossip = dissemination.nextAt(timers.now)
    if (timer === null || gossip === null) return (timer ?? gossip) as Instant | null
    return Math.min(timer, gossip) as Instant
  }

  /** Take what is to be done. */
  drain(): readonly GossipOutput[] {
    return this.#engine.sender.drain()
  }

  /** Exchange state with the node at this address; the delegate hears how it ended. */
  join(now: Instant, address: SocketAddress): void {
    this.#enter(now)
    this.#engine.conversations.pushPull(address, true)
  }

  /** Push/pull with a member without joining anew. */
  exchange(now: Instant, member: Member): void {
    this.#enter(now)
    this.#engine.conversations.pushPull(member.address, false)
  }

  /** Say goodbye. `roster.hasLeft` turns true once it was told widely, or nobody is there. */
  leave(now: Instant): void {
    this.#enter(now)
    this.#engine.states.leave()
  }

  /** Tell everyone new metadata. Throws ERR_META_TOO_LARGE. */
  setMeta(now: Instant, meta: Uint8Array): void {
    checkMeta(meta)
    this.#enter(now)
    this.#engine.states.setMeta(meta.slice())
  }

  /** Send to one node: by datagram (at most packetBytesMax) or over a stream of its own. */
  send(now: Instant, to: Member, message: { bytes: Uint8Array; how: 'packet' | 'stream' }): void {
    this.#enter(now)
    const { sender, conversations } = this.#engine
    if (message.how === 'stream') {
      conversations.tell(to.address, message.bytes)
      return
    }
    assert(message.bytes.length <= this.#packetBytesMax, 'a message in a datagram fits one')
    sender.toMember(to, [userMessage(message.bytes)])
  }

  /** Counters, since the start. */
  counters(): MembershipCounters {
    const { tally, sender, timers } = this.#engine
    return {
      packetsReceived: tally.packets,
      packetsSent: sender.packets,
      packetBytesReceived: tally.packetBytes,
      packetBytesSent: sender.bytes,
      streamBytesReceived: tally.streamBytesReceived,
      streamBytesSent: tally.streamBytesSent,
      faults: { ...tally.faults },
      ignored: tally.ignored,
      probesFailed: tally.probesFailed,
      suspected: tally.suspected,
      declaredDead: tally.declaredDead,
      refuted: tally.refuted,
      stalls: timers.stalls,
    }
  }

  /** It is `now`; if that comes late, this process stood still and is not at its best. */
  #enter(now: Instant): void {
    if (this.#engine.timers.advance(now)) this.#engine.awareness.add(1)
  }

  #streamInputs(): StreamInputs {
    const { conversations } = this.#engine
    return {
      accept: (now, from) => {
        this.#enter(now)
        return conversations.accept(from)
      },
      received: (now, stream, bytes) => {
        this.#enter(now)
        conversations.received(stream, bytes)
      },
      ended: (now, stream, clean) => {
        this.#enter(now)
        conversations.ended(stream, clean)
      },
    }
  }
}

function checkName(name: string): void {
  const bytes = utf8Bytes(name).length
  if (bytes >= 1 && bytes <= NAME_BYTES_MAX) return
  const facts = { bytes, max: NAME_BYTES_MAX }
  throw membershipError('ERR_NAME_SIZE', 'a name is empty or too long', facts)
}

/** A profile that cannot be is found here, not when the first message comes. */
function checkProfile(profile: MembershipProfile): void {
  const { probeIntervalMs, probeTimeoutMs, gossipIntervalMs, streamTimeoutMs } = profile
  const shortest = Math.min(probeIntervalMs, probeTimeoutMs, gossipIntervalMs, streamTimeoutMs)
  assert(shortest > 0, 'intervals and timeouts of a profile are above 0')
  assert(profile.packetBytesMax >= PACKET_BYTES_MIN, 'packets hold PACKET_BYTES_MIN')
  const { suspicionConfirmations } = profile
  assert(suspicionConfirmations <= CONFIRMATIONS_MAX, 'CONFIRMATIONS_MAX confirm a suspicion')
}

function checkMeta(meta: Uint8Array): void {
  const bytes = meta.length
  if (bytes <= META_BYTES_MAX) return
  const facts = { bytes, max: META_BYTES_MAX }
  throw membershipError('ERR_META_TOO_LARGE', 'metadata is too large', facts)
}
