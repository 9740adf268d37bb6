/** The failure detector: one member after the other is asked for an answer (docker-wire §2.9). */
import { ipBytes } from '@weft/core'
import type { Ping } from '../memberlist/messages.ts'
import { encodePacketMessage } from '../memberlist/packet-messages.ts'
import type { MembershipProfile } from '../profile.ts'
import type { Awareness } from './awareness.ts'
import type { Conversations } from './conversations.ts'
import type { Dissemination } from './dissemination.ts'
import type { MemberList } from './member-list.ts'
import { isActive, type MemberRecord } from './member-record.ts'
import type { MemberStates } from './member-states.ts'
import type { PacketSender } from './packet-sender.ts'
import type { SequenceNumbers } from './sequence-numbers.ts'
import type { Tally } from './tally.ts'
import type { Timers } from './timers.ts'
import { NACK_VERSION, newestVersion, STREAM_PING_VERSION } from './versions.ts'

/** Failed probes for which a late answer still counts. */
export const FAILED_PROBES_MAX = 16

/** What probing works with. */
export interface ProberParts {
  readonly self: MemberRecord
  readonly profile: MembershipProfile
  readonly timers: Timers
  readonly members: MemberList
  readonly states: MemberStates
  readonly dissemination: Dissemination
  readonly sender: PacketSender
  readonly awareness: Awareness
  readonly tally: Tally
  readonly sequence: SequenceNumbers
  readonly conversations: Conversations
}

interface Probe {
  readonly member: MemberRecord
  readonly ping: Ping
  /** What the member had when it was asked: a later refutation is not undone by us. */
  readonly incarnation: number
  readonly startedMs: number
  readonly patienceMs: number
  nacksExpected: number
  nacks: number
  hasStreamAnswer: boolean
  stream: Disposable | null
  timer: Disposable
}

/**
 * Every `probeIntervalMs` one member gets a ping, everyone once a round. One probe runs at a time;
 * an unhealthy prober gives each more time. Who answers neither us, nor a relay, nor on a stream
 * becomes suspect.
 */
export class Prober {
  readonly #parts: ProberParts
  #index = 0
  #running: Probe | null = null
  /** A tick came while a probe was running: the next follows at once. */
  #isDue = false
  /** Members whose probe failed lately, by the number that a late answer would carry. */
  readonly #failed = new Map<number, MemberRecord>()

  constructor(parts: ProberParts, firstMs: number) {
    this.#parts = parts
    parts.timers.after(firstMs, () => this.#tick())
  }

  /** An answer came. False when it is not to a probe of ours. */
  answered(seqNo: number): boolean {
    const probe = this.#running
    if (probe === null || probe.ping.seqNo !== seqNo) return this.#answeredLate(seqNo)
    this.#succeed(probe)
    return true
  }

  /** A relay heard nothing. False when it is not about a probe of ours. */
  refused(seqNo: number): boolean {
    const probe = this.#running
    if (probe === null || probe.ping.seqNo !== seqNo || probe.nacks >= probe.nacksExpected) {
      return false
    }
    probe.nacks++
    return true
  }

  #tick(): void {
    const { timers, profile } = this.#parts
    timers.after(profile.probeIntervalMs, () => this.#tick())
    if (this.#running === null) this.#start()
    else this.#isDue = true
  }

  #start(): void {
    this.#isDue = false
    const member = this.#next()
    if (member === null) return
    const { self, profile, timers, awareness, sequence } = this.#parts
    const { addr: sourceAddr, port: sourcePort, name: sourceNode } = self
    const seqNo = sequence.next()
    const ping = { kind: 'ping', seqNo, node: member.name, sourceAddr, sourcePort, sourceNode }
    this.#running = {
      member,
      ping: ping as Ping,
      incarnation: member.incarnation,
      startedMs: timers.ranMs,
      patienceMs: awareness.scaleMs(profile.probeIntervalMs),
      nacksExpected: 0,
      nacks: 0,
      hasStreamAnswer: false,
      stream: null,
      timer: timers.after(profile.probeTimeoutMs, () => this.#askOthers()),
    }
    this.#ping(this.#running)
  }

  /** The next in the round that may be there; a new round begins when all had their turn. */
  #next(): MemberRecord | null {
    const { self, members, timers, profile } = this.#parts
    for (let looked = 0; looked <= members.size; looked++) {
      if (this.#index >= members.size) {
        members.newRound(timers.now, profile.gossipToTheDeadMs)
        this.#index = 0
      }
      const member = members.all()[this.#index++]
      if (member !== undefined && member !== self && isActive(member)) return member
    }
    return null
  }

  /** A suspect hears in the same packet what it is suspected of, and can refute it. */
  #ping({ member, ping, incarnation }: Probe): void {
    const { dissemination, sender, profile } = this.#parts
    const bytes = encodePacketMessage(ping)
    if (member.state === 'alive' || !profile.tellSuspects) {
      dissemination.send(member.address, bytes)
      return
    }
    const from = ping.sourceNode
    const suspect = { kind: 'suspect', incarnation, node: member.name, from } as const
    sender.toMember(member, [bytes, encodePacketMessage(suspect)])
  }

  /** No answer in time: others try, and so do we over a stream. */
  #askOthers(): void {
    const probe = this.#running
    if (probe === null) return
    const { self, profile, timers, members, dissemination } = this.#parts
    const { member } = probe
    const canRelay = (other: MemberRecord): boolean =>
      other !== self && other !== member && other.state === 'alive'
    const target = ipBytes(member.address.ip)
    for (const relay of members.pick(profile.indirectChecks, canRelay)) {
      const nack = newestVersion(relay) >= NACK_VERSION
      if (nack) probe.nacksExpected++
      const { port } = member
      const request = { ...probe.ping, kind: 'indirect-ping', target, port, nack } as const
      dissemination.send(relay.address, encodePacketMessage(request))
    }
    if (profile.streamPings && newestVersion(member) >= STREAM_PING_VERSION) {
      const onAnswer = (): void => {
        probe.hasStreamAnswer = true
      }
      probe.stream = this.#parts.conversations.ping(member.address, probe.ping, onAnswer)
    }
    const elapsedMs = timers.ranMs - probe.startedMs
    const leftMs = Math.max(0, probe.patienceMs - elapsedMs)
    probe.timer = timers.after(leftMs, () => this.#judge(probe))
  }

  /** An answer that came by stream only is one, though it says that datagrams get lost. */
  #judge(probe: Probe): void {
    if (probe.hasStreamAnswer) {
      this.#succeed(probe)
      return
    }
    const { awareness, states, tally } = this.#parts
    awareness.add(probe.nacksExpected > 0 ? probe.nacksExpected - probe.nacks : 1)
    tally.probesFailed++
    this.#remember(probe)
    this.#finish(probe)
    states.probeFailed(probe.member, probe.incarnation)
    if (this.#isDue) this.#start()
  }

  #succeed(probe: Probe): void {
    const { awareness, profile, states } = this.#parts
    awareness.add(-1)
    this.#finish(probe)
    if (profile.stallMs > 0) states.signOfLife(probe.member)
    if (this.#isDue) this.#start()
  }

  #finish(probe: Probe): void {
    probe.timer[Symbol.dispose]()
    probe.stream?.[Symbol.dispose]()
    this.#running = null
  }

  #remember(probe: Probe): void {
    if (this.#parts.profile.stallMs === 0) return
    this.#failed.set(probe.ping.seqNo, probe.member)
    if (this.#failed.size <= FAILED_PROBES_MAX) return
    for (const oldest of this.#failed.keys()) {
      this.#failed.delete(oldest)
      break
    }
  }

  /** The answer was slow, or we were: either way its sender is there. */
  #answeredLate(seqNo: number): boolean {
    const member = this.#failed.get(seqNo)
    if (member === undefined) return false
    this.#failed.delete(seqNo)
    this.#parts.states.signOfLife(member)
    return true
  }
}
