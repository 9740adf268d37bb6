/** A wire for tests: membership cores on virtual time, with delay, loss, and stalls. */
import {
  formatSocketAddress,
  parseIp,
  SeededRandom,
  silentLogger,
  TaskQueue,
  type Aead,
  type Instant,
  type SocketAddress,
} from '@weft/core'
import { SimEntropy } from '@weft/core/testing'
import type { KeyRing } from '../src/memberlist/key-ring.ts'
import type { KnownMember } from '../src/membership/member.ts'
import type { PacketMessage } from '../src/memberlist/messages.ts'
import { PacketCodec } from '../src/memberlist/packet-codec.ts'
import { encodePacketMessage } from '../src/memberlist/packet-messages.ts'
import { Membership } from '../src/membership/membership.ts'
import type { MembershipDelegate } from '../src/membership/membership-delegate.ts'
import { VERSIONS } from '../src/membership/versions.ts'
import type { GossipOutput, StreamId } from '../src/output.ts'
import { dockerProfile, type MembershipProfile } from '../src/profile.ts'

/** Nothing is sealed in these rings unless a test brings keys and a real cipher. */
export const NO_AEAD: Aead = { seal: (_, plain) => plain, open: (_, sealed) => sealed }

/** A delegate that keeps what it hears. */
export interface RecordingDelegate extends MembershipDelegate {
  /** News of members and joins, a line for each. */
  readonly heard: string[]
  readonly userMessages: { bytes: Uint8Array; how: 'packet' | 'stream' }[]
  /** What it says at push/pulls, and what it was told there. */
  state: Uint8Array
  readonly merged: Uint8Array[]
  /** What it wants to have broadcast. */
  broadcastQueue: Uint8Array[]
}

function recordingDelegate(): RecordingDelegate {
  const delegate: RecordingDelegate = {
    heard: [],
    userMessages: [],
    state: new Uint8Array(0),
    merged: [],
    broadcastQueue: [],
    userMessage: (_, bytes, how) => delegate.userMessages.push({ bytes: bytes.slice(), how }),
    broadcasts: (overheadBytes, limitBytes) => {
      let fitting = 0
      let left = limitBytes
      for (const { length } of delegate.broadcastQueue) {
        if (length + overheadBytes > left) break
        left -= length + overheadBytes
        fitting++
      }
      return delegate.broadcastQueue.splice(0, fitting)
    },
    hasBroadcasts: () => delegate.broadcastQueue.length > 0,
    hasNewBroadcasts: () => delegate.broadcastQueue.length > 0,
    localState: () => delegate.state,
    mergeState: (_, state) => delegate.merged.push(state.slice()),
    memberJoined: (_, { name }) => delegate.heard.push(`joined ${name}`),
    memberUpdated: (_, { name }) => delegate.heard.push(`updated ${name}`),
    memberLeft: (_, { name, state }) => delegate.heard.push(`${state} ${name}`),
    joinEnded: (_, address, reason) => {
      delegate.heard.push(`join ${formatSocketAddress(address)}: ${reason ?? 'ok'}`)
    },
  }
  return delegate
}

/** A node on the wire. */
export interface WireNode {
  readonly name: string
  readonly address: SocketAddress
  readonly core: Membership
  readonly delegate: RecordingDelegate
  /** Datagrams that wait for a process that stands still. */
  readonly waiting: (() => void)[]
  /** The process stands still: it neither hears nor acts. */
  blocked: boolean
  /** The process is no more. */
  crashed: boolean
}

/** How a wire behaves. */
export interface WireOptions {
  readonly seed?: number
  readonly delayMs?: number
  readonly profile?: Partial<MembershipProfile>
  readonly keys?: (() => KeyRing) | null
  readonly aead?: Aead
}

/** What a node starts with. */
export interface NodeOptions {
  readonly known?: readonly KnownMember[]
  readonly meta?: Uint8Array
  /** Follows from its number when not given. */
  readonly address?: SocketAddress
  readonly profile?: Partial<MembershipProfile>
}

interface Pipe {
  readonly ends: [End, End]
}
interface End {
  readonly node: WireNode
  stream: StreamId | null
  closed: boolean
}

/** Whether a datagram, or a stream's bytes, get through. */
export type Passes = (from: WireNode, to: WireNode, kind: 'packet' | 'stream') => boolean

/** What went over the wire, lost things too. */
export interface Traffic {
  readonly sent: { at: number; from: string; to: string; bytes: Uint8Array }[]
  readonly opened: { from: string; to: string; stream: StreamId }[]
}

/** Runs nodes until an instant; everything follows from the seed. */
export class Wire {
  now = 0 as Instant
  readonly nodes = new Map<string, WireNode>()
  readonly traffic: Traffic = { sent: [], opened: [] }
  passes: Passes = () => true
  readonly random: SeededRandom
  readonly #options: WireOptions
  readonly #queue = new TaskQueue()
  readonly #pipes = new Map<string, Pipe>()

  constructor(options: WireOptions = {}) {
    this.#options = options
    this.random = new SeededRandom(options.seed ?? 1)
  }

  /** Start a node. */
  start(name: string, options: NodeOptions = {}): WireNode {
    const address = options.address ?? addressOf(this.nodes.size + 1)
    const profile = { ...dockerProfile(), ...this.#options.profile, ...options.profile }
    const delegate = recordingDelegate()
    const random = this.random.fork(`${name} ${this.now}`)
    const { keys } = this.#options
    const core = new Membership(
      this.now,
      {
        name,
        advertise: address,
        meta: options.meta ?? new Uint8Array(0),
        label: '',
        keys: keys === undefined || keys === null ? null : keys(),
        profile,
        known: options.known ?? [],
      },
      {
        ports: {
          random,
          entropy: new SimEntropy(random.fork('entropy')),
          aead: this.#options.aead ?? NO_AEAD,
          log: silentLogger,
        },
        delegate,
      },
    )
    const node = { name, address, core, delegate, waiting: [], blocked: false, crashed: false }
    this.nodes.set(formatSocketAddress(address), node)
    return node
  }

  /** A ring of nodes that all know each other from the start. */
  ring(count: number, options: NodeOptions = {}): WireNode[] {
    const known = Array.from({ length: count }, (_, i) => knownMember(i + 1))
    return known.map(({ name, address }) => {
      const others = known.filter((member) => member.name !== name)
      return this.start(name, { ...options, address, known: others })
    })
  }

  /** A process that stood still wakes: its timers fire first, then it hears what came meanwhile. */
  wake(node: WireNode): void {
    node.blocked = false
    node.core.tick(this.now)
    this.flush(node)
    for (const hear of node.waiting.splice(0)) hear()
  }

  /** Let `ms` go by. */
  run(ms: number): void {
    const until = this.now + ms
    for (const node of this.nodes.values()) this.flush(node)
    for (;;) {
      const at = this.#next()
      if (at === null || at > until) break
      this.now = Math.max(this.now, at) as Instant
      for (let due = this.#take(); due !== null; due = this.#take()) due.run()
      for (const node of this.nodes.values()) this.#tick(node)
    }
    this.now = until as Instant
  }

  /** Say something to a node in a datagram. */
  say(to: WireNode, message: PacketMessage, from: SocketAddress = addressOf(250)): void {
    this.inject(to, encodePacketMessage(message), from)
  }

  /** Hand a datagram to a node. */
  inject(to: WireNode, bytes: Uint8Array, from: SocketAddress = addressOf(250)): void {
    to.core.receive(this.now, from, bytes)
    this.flush(to)
  }

  /** Carry out what a node asks for. */
  flush(node: WireNode): void {
    if (node.crashed || node.blocked) return
    for (const output of node.core.drain()) this.#carry(node, output)
  }

  #later(task: () => void): void {
    this.#queue.add(this.now + (this.#options.delayMs ?? 1), task)
  }

  #take(): { run(): void } | null {
    return this.#queue.take(this.now)
  }

  #next(): number | null {
    let next = this.#queue.nextAt()
    for (const { core, blocked, crashed } of this.nodes.values()) {
      const at = blocked || crashed ? null : core.nextDeadline()
      if (at !== null && (next === null || at < next)) next = at
    }
    return next
  }

  #tick(node: WireNode): void {
    if (node.blocked || node.crashed) return
    const at = node.core.nextDeadline()
    if (at === null || at > this.now) return
    node.core.tick(this.now)
    this.flush(node)
  }

  #carry(from: WireNode, output: GossipOutput): void {
    switch (output.kind) {
      case 'packet':
        return this.#carryPacket(from, output.to, output.bytes)
      case 'stream-open':
        return this.#connect(from, output.stream, output.to)
      case 'stream-write':
        return this.#write(from, output.stream, output.bytes)
      case 'stream-close':
        return this.#close(from, output.stream)
    }
  }

  #carryPacket(from: WireNode, address: SocketAddress, bytes: Uint8Array): void {
    const name = formatSocketAddress(address)
    const to = this.nodes.get(name)
    this.traffic.sent.push({ at: this.now, from: from.name, to: name, bytes })
    if (to === undefined || !this.passes(from, to, 'packet')) return
    const copy = bytes.slice()
    this.#later(() => this.#hear(to, () => to.core.receive(this.now, from.address, copy)))
  }

  /** To a process that stands still, what comes waits. */
  #hear(to: WireNode, input: () => void): void {
    if (to.crashed) return
    if (to.blocked) {
      to.waiting.push(() => this.#hear(to, input))
      return
    }
    input()
    this.flush(to)
  }

  #connect(from: WireNode, stream: StreamId, address: SocketAddress): void {
    const name = formatSocketAddress(address)
    const to = this.nodes.get(name)
    this.traffic.opened.push({ from: from.name, to: name, stream })
    const near: End = { node: from, stream, closed: false }
    const isThere = to !== undefined && !to.crashed && this.passes(from, to, 'stream')
    if (!isThere) {
      this.#later(() => this.#hear(from, () => from.core.streams.ended(this.now, stream, false)))
      return
    }
    const far: End = { node: to, stream: null, closed: false }
    this.#pipes.set(`${from.name} ${stream}`, { ends: [near, far] })
    this.#later(() =>
      this.#hear(to, () => {
        far.stream = to.core.streams.accept(this.now, from.address)
        if (far.stream !== null) this.#pipes.set(`${to.name} ${far.stream}`, { ends: [far, near] })
        else this.#later(() => this.#hear(from, () => this.#end(near, false)))
      }),
    )
  }

  #write(node: WireNode, stream: StreamId, bytes: Uint8Array): void {
    const far = this.#pipes.get(`${node.name} ${stream}`)?.ends[1]
    if (far === undefined) return
    const halves = [bytes.slice(0, bytes.length >> 1), bytes.slice(bytes.length >> 1)]
    for (const half of halves) {
      this.#later(() =>
        this.#hear(far.node, () => {
          if (far.stream === null || far.closed) return
          far.node.core.streams.received(this.now, far.stream, half)
        }),
      )
    }
  }

  #close(node: WireNode, stream: StreamId): void {
    const ends = this.#pipes.get(`${node.name} ${stream}`)?.ends
    if (ends === undefined) return
    const [near, far] = ends
    near.closed = true
    this.#later(() => this.#hear(far.node, () => this.#end(far, true)))
  }

  #end(end: End, clean: boolean): void {
    if (end.stream === null || end.closed) return
    end.closed = true
    end.node.core.streams.ended(this.now, end.stream, clean)
  }
}

/** The messages of a datagram in the clear, in order. */
export function messagesOf(bytes: Uint8Array): PacketMessage[] {
  const messages: PacketMessage[] = []
  const codec = new PacketCodec({
    label: '',
    keys: null,
    aead: NO_AEAD,
    entropy: new SimEntropy(new SeededRandom(0)),
    compress: false,
  })
  const onFault = (fault: string): never => {
    throw new Error(`a node sent what it should not: ${fault}`)
  }
  codec.open(bytes, (message) => messages.push(message), onFault)
  return messages
}

/** Everything of one kind that was sent so far, with where it went; after so many packets. */
export function sentOf<Kind extends PacketMessage['kind']>(
  wire: Wire,
  kind: Kind,
  since = 0,
): (Extract<PacketMessage, { kind: Kind }> & { readonly to: string; readonly at: number })[] {
  return wire.traffic.sent.slice(since).flatMap(({ at, to, bytes }) =>
    messagesOf(bytes)
      .filter((message): message is Extract<PacketMessage, { kind: Kind }> => message.kind === kind)
      .map((message) => ({ ...message, to, at })),
  )
}

/** 10.0.x.y:7946. */
export function addressOf(number: number, port = 7946): SocketAddress {
  return { ip: parseIp(`10.0.${number >> 8}.${number & 0xff}`), port }
}

/** Node number `number` of a ring, as others know it from the start. */
export function knownMember(number: number): KnownMember {
  return {
    name: `n${number}`,
    address: addressOf(number),
    meta: new Uint8Array(0),
    vsn: VERSIONS,
    incarnation: 1,
  }
}

/** How a node sees another: its state and incarnation. */
export function view(node: WireNode, name: string): string {
  const member = node.core.roster.get(name)
  return member === null ? 'unknown' : `${member.state} ${member.incarnation}`
}
