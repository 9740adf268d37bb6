/** A wire for tests: membership cores on virtual time, with delay, loss, and processes that stop. */
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
import type { KnownMember, Member } from '../src/membership/member.ts'
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

/** What a node's delegate heard, a line for each. */
export class RecordingDelegate implements MembershipDelegate {
  readonly heard: string[] = []
  readonly userMessages: { bytes: Uint8Array; how: 'packet' | 'stream' }[] = []
  broadcastQueue: Uint8Array[] = []
  state = new Uint8Array(0)
  merged: Uint8Array[] = []

  userMessage(_: Instant, bytes: Uint8Array, how: 'packet' | 'stream'): void {
    this.userMessages.push({ bytes: bytes.slice(), how })
  }
  broadcasts(overheadBytes: number, limitBytes: number): readonly Uint8Array[] {
    const taken: Uint8Array[] = []
    let left = limitBytes
    for (;;) {
      const [first] = this.broadcastQueue
      if (first === undefined || first.length + overheadBytes > left) return taken
      left -= first.length + overheadBytes
      taken.push(first)
      this.broadcastQueue.shift()
    }
  }
  hasBroadcasts(): boolean {
    return this.broadcastQueue.length > 0
  }
  localState(): Uint8Array {
    return this.state
  }
  mergeState(_: Instant, state: Uint8Array): void {
    this.merged.push(state.slice())
  }
  memberJoined(_: Instant, member: Member): void {
    this.heard.push(`joined ${member.name}`)
  }
  memberUpdated(_: Instant, member: Member): void {
    this.heard.push(`updated ${member.name}`)
  }
  memberLeft(_: Instant, member: Member): void {
    this.heard.push(`${member.state} ${member.name}`)
  }
  joinEnded(_: Instant, address: SocketAddress, reason: string | null): void {
    this.heard.push(`join ${formatSocketAddress(address)}: ${reason ?? 'ok'}`)
  }
}

/** A node on the wire. */
export interface WireNode {
  readonly name: string
  readonly address: SocketAddress
  readonly core: Membership
  readonly delegate: RecordingDelegate
  /** Datagrams that wait for a process that stands still. */
  readonly waiting: (() => void)[]
  blocked: boolean
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
  readonly port?: number
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

/** Runs nodes until an instant; everything follows from the seed. */
export class Wire {
  now = 0 as Instant
  readonly nodes = new Map<string, WireNode>()
  /** Every datagram that was sent, lost ones too. */
  readonly sent: { at: number; from: string; to: string; bytes: Uint8Array }[] = []
  /** Every stream that was opened. */
  readonly opened: { from: string; to: string; stream: StreamId }[] = []
  /** What was written on streams. */
  readonly written: { from: string; bytes: Uint8Array }[] = []
  passes: Passes = () => true
  readonly random: SeededRandom
  readonly #options: WireOptions
  readonly #queue = new TaskQueue()
  readonly #pipes = new Map<string, Pipe>()

  constructor(options: WireOptions = {}) {
    this.#options = options
    this.random = new SeededRandom(options.seed ?? 1)
  }

  /** Start a node called `name`; its address follows from its number. */
  start(name: string, options: NodeOptions = {}): WireNode {
    const address = addressOf(this.nodes.size + 1, options.port)
    return this.startAt(name, address, options)
  }

  /** Start a node at an address. */
  startAt(name: string, address: SocketAddress, options: NodeOptions = {}): WireNode {
    const profile = { ...dockerProfile(), ...this.#options.profile, ...options.profile }
    const delegate = new RecordingDelegate()
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
      return this.startAt(name, address, { ...options, known: others })
    })
  }

  /** The process dies: nothing comes of it any more. */
  crash(node: WireNode): void {
    node.crashed = true
  }

  /** The process stands still. */
  block(node: WireNode): void {
    node.blocked = true
  }

  /** It wakes: its timers fire first, then it hears what came meanwhile. */
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
      for (let task = this.#queue.take(this.now); task; task = this.#queue.take(this.now)) task.run()
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

  /** Run `task` after the wire's delay. */
  later(task: () => void): void {
    this.#queue.add(this.now + (this.#options.delayMs ?? 1), task)
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
    this.sent.push({ at: this.now, from: from.name, to: name, bytes })
    if (to === undefined || !this.passes(from, to, 'packet')) return
    const copy = bytes.slice()
    this.later(() => this.#hear(to, () => to.core.receive(this.now, from.address, copy)))
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
    this.opened.push({ from: from.name, to: name, stream })
    const near: End = { node: from, stream, closed: false }
    const isThere = to !== undefined && !to.crashed && this.passes(from, to, 'stream')
    if (!isThere) {
      this.later(() => this.#hear(from, () => from.core.streams.ended(this.now, stream, false)))
      return
    }
    const far: End = { node: to, stream: null, closed: false }
    this.#pipes.set(`${from.name} ${stream}`, { ends: [near, far] })
    this.later(() =>
      this.#hear(to, () => {
        far.stream = to.core.streams.accept(this.now, from.address)
        if (far.stream !== null) this.#pipes.set(`${to.name} ${far.stream}`, { ends: [far, near] })
        else this.later(() => this.#hear(from, () => this.#end(near, false)))
      }),
    )
  }

  #write(node: WireNode, stream: StreamId, bytes: Uint8Array): void {
    this.written.push({ from: node.name, bytes })
    const far = this.#pipes.get(`${node.name} ${stream}`)?.ends[1]
    if (far === undefined) return
    const halves = [bytes.slice(0, bytes.length >> 1), bytes.slice(bytes.length >> 1)]
    for (const half of halves) {
      this.later(() =>
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
    this.later(() => this.#hear(far.node, () => this.#end(far, true)))
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

/** Everything of one kind that was sent so far, with where it went. */
export function sentOf<Kind extends PacketMessage['kind']>(
  wire: Wire,
  kind: Kind,
): (Extract<PacketMessage, { kind: Kind }> & { readonly to: string; readonly at: number })[] {
  return wire.sent.flatMap(({ at, to, bytes }) =>
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
