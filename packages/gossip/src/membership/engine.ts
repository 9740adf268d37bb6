/** The parts of one membership core, put together. */
import type { Instant, Random } from '@weft/core'
import { PacketCodec } from '../memberlist/packet-codec.ts'
import { Awareness } from './awareness.ts'
import { Conversations, type ConversationEvents } from './conversations.ts'
import { Dissemination } from './dissemination.ts'
import type { KnownMember } from './member.ts'
import { MemberList } from './member-list.ts'
import { MemberRecord } from './member-record.ts'
import { MemberStates } from './member-states.ts'
import type { MembershipDelegate } from './membership-delegate.ts'
import type { GossipPorts, MembershipOptions } from './membership-options.ts'
import { PacketInbox } from './packet-inbox.ts'
import { PacketSender } from './packet-sender.ts'
import { Prober } from './prober.ts'
import { Relays } from './relays.ts'
import { pushPullScale } from './scale.ts'
import { SequenceNumbers } from './sequence-numbers.ts'
import { Tally } from './tally.ts'
import { Timers } from './timers.ts'
import { VERSIONS } from './versions.ts'

/** The ports of a core, and what stands above it. */
export interface MembershipEnvironment {
  readonly ports: GossipPorts
  readonly delegate: MembershipDelegate
}

/** What a membership is made of. */
export interface Engine {
  readonly self: MemberRecord
  readonly timers: Timers
  readonly members: MemberList
  readonly awareness: Awareness
  readonly tally: Tally
  readonly codec: PacketCodec
  readonly sender: PacketSender
  readonly dissemination: Dissemination
  readonly states: MemberStates
  readonly conversations: Conversations
  readonly inbox: PacketInbox
}

/** A core that begins `now`: it announces itself, and starts to probe after a random delay. */
export function createEngine(
  now: Instant,
  options: MembershipOptions,
  environment: MembershipEnvironment,
): Engine {
  const { profile, label, keys, name } = options
  const { ports, delegate } = environment
  const { random, aead, entropy, log } = ports
  const wrap = { label, keys, aead, entropy, compress: profile.compress }
  const self = selfRecord(now, options)
  const timers = new Timers(now, profile.stallMs)
  const members = new MemberList(random.fork('members'))
  const awareness = new Awareness(profile.awarenessMultMax)
  const tally = new Tally()
  const codec = new PacketCodec(wrap)
  const sender = new PacketSender(codec, profile)
  const sequence = new SequenceNumbers()
  const given = { profile, delegate, log, self, sequence }
  const basics = { ...given, timers, members, awareness, tally, sender }
  const gossipRandom = random.fork('gossip')
  const dissemination = new Dissemination({ ...basics, selfName: name, random: gossipRandom })
  const spread = { ...basics, dissemination }
  const states = new MemberStates(self, spread)
  for (const known of options.known) addKnown(members, known, now)
  const events = conversationEvents({ self, members, states, timers }, environment)
  const timeoutMs = profile.streamTimeoutMs
  const conversations = new Conversations({ wrap, timers, sender, tally, timeoutMs, events })
  const relays = new Relays({ ...spread, timeoutMs: profile.probeTimeoutMs })
  const stagger = random.fork('stagger')
  const firstProbeMs = staggerMs(stagger, profile.probeIntervalMs)
  const prober = new Prober({ ...spread, states, conversations }, firstProbeMs)
  const inbox = new PacketInbox({ ...spread, states, relays, prober })
  const engine = { ...basics, codec, dissemination, states, conversations, inbox }
  schedulePushPulls(engine, options, staggerMs(stagger, profile.pushPullIntervalMs))
  return engine
}

/** What we are at the start. Who remembers a life before, begins above what it said there. */
function selfRecord(now: Instant, options: MembershipOptions): MemberRecord {
  const { name, advertise, meta } = options
  const before = options.known.find((known) => known.name === name)
  const incarnation = before === undefined ? 1 : before.incarnation + 1
  const known = { name, address: advertise, meta, vsn: VERSIONS, incarnation }
  return new MemberRecord(known, 'alive', now)
}

function addKnown(members: MemberList, known: KnownMember, now: Instant): void {
  if (members.isFull || members.get(known.name) !== undefined) return
  members.add(new MemberRecord(known, 'alive', now))
}

function conversationEvents(
  engine: Pick<Engine, 'self' | 'members' | 'states' | 'timers'>,
  { delegate }: MembershipEnvironment,
): ConversationEvents {
  const { self, members, states, timers } = engine
  return {
    localState: (join) => ({
      kind: 'push-pull',
      join,
      nodes: members.all(),
      userState: delegate.localState(timers.now, join),
    }),
    merge: ({ nodes, userState, join }) => {
      if (!states.merge(nodes)) return false
      if (userState.length > 0) delegate.mergeState(timers.now, userState, join)
      return true
    },
    userMessage: (bytes) => delegate.userMessage(timers.now, bytes, 'stream'),
    isForUs: (node) => node === '' || node === self.name,
    joinEnded: (to, reason) => delegate.joinEnded(timers.now, to, reason),
  }
}

/** Now and then, everything is exchanged with somebody: what gossip missed comes that way. */
function schedulePushPulls(engine: Engine, options: MembershipOptions, staggeredMs: number): void {
  const { timers, members, conversations, self } = engine
  const { pushPullIntervalMs } = options.profile
  if (pushPullIntervalMs === 0) return
  const intervalMs = (): number => pushPullIntervalMs * pushPullScale(members.size)
  const exchange = (): void => {
    const [peer] = members.pick(1, (member) => member !== self && member.state === 'alive')
    if (peer !== undefined) conversations.pushPull(peer.address, false)
    timers.after(intervalMs(), exchange)
  }
  timers.after(staggeredMs + intervalMs(), exchange)
}

function staggerMs(random: Random, intervalMs: number): number {
  return random.below(Math.max(1, Math.floor(intervalMs)))
}
