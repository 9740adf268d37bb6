/** A small world for tests: whole gossip nodes on virtual time, with loss, cuts and crashes. */
import {
  formatSocketAddress,
  parseIp,
  SeededRandom,
  silentLogger,
  TaskQueue,
  utf8Bytes,
  utf8Text,
  type Aead,
  type Instant,
  type SocketAddress,
} from '@weft/core'
import { SimEntropy } from '@weft/core/testing'
import { Gossip, type GossipOptions, type GossipSnapshot } from '../src/gossip.ts'
import type { GossipOutput, StreamId } from '../src/output.ts'
import { lanProfile, type GossipProfile } from '../src/profile.ts'
import type { AttachmentChange, Row, RowChange } from '../src/tables/table.ts'

const NO_AEAD: Aead = { seal: (_, plain) => plain, open: (_, sealed) => sealed }

/** A node and what its watchers heard. */
export class WorldNode {
  readonly name: string
  readonly core: Gossip
  readonly changes: RowChange[] = []
  readonly attachments: AttachmentChange[] = []
  readonly #world: World
  isCrashed = false

  constructor(world: World, options: GossipOptions) {
    this.#world = world
    this.name = options.name
    const random = world.random.fork(`${options.name} ${world.now}`)
    const entropy = new SimEntropy(random.fork('entropy'))
    const ports = { random, entropy, aead: NO_AEAD, log: silentLogger }
    this.core = new Gossip(world.now, options, ports)
    this.core.tables.watchRows({}, (change) => this.changes.push(change))
    this.core.tables.watchAttachments((change) => this.attachments.push(change))
  }

  attach(networkId: string): this {
    this.core.tables.attach(this.#world.now, networkId)
    return this
  }

  detach(networkId: string): this {
    this.core.tables.detach(this.#world.now, networkId)
    return this
  }

  put(networkId: string, key: string, text: string): this {
    this.core.tables.put(this.#world.now, { networkId, table: 't', key, value: utf8Bytes(text) })
    return this
  }

  remove(networkId: string, key: string): this {
    this.core.tables.remove(this.#world.now, { networkId, table: 't', key })
    return this
  }

  /** What is to be seen, a line for each row. */
  rows(networkId?: string): string[] {
    const filter = networkId === undefined ? {} : { networkId }
    return [...this.core.tables.rows(filter)].map(lineOf).sort()
  }

  /** What the watcher heard adds up to; must equal `rows()`. */
  replayed(): string[] {
    const rows = new Map<string, Row>()
    for (const { type, row, previous } of this.changes) {
      const id = `${row.networkId} ${row.table} ${row.key}`
      if ((previous === null) !== !rows.has(id)) throw new Error(`${type} out of order: ${id}`)
      if (type === 'delete') rows.delete(id)
      else rows.set(id, row)
    }
    return [...rows.values()].map(lineOf).sort()
  }

  /** Names of those attached to a network, as this node sees it. */
  peers(networkId: string): string[] {
    const view = this.core.tables.networks().find((network) => network.networkId === networkId)
    return [...(view?.nodes ?? [])].sort()
  }
}

function lineOf({ networkId, key, owner, value }: Row): string {
  return `${networkId}/${key}=${utf8Text(value, 0, value.length)} of ${owner}`
}

/** How a world is made. */
export interface WorldOptions {
  readonly seed?: number
  readonly delayMs?: number
  readonly profile?: Partial<GossipProfile>
}

interface End {
  readonly node: WorldNode
  stream: StreamId | null
  isClosed: boolean
}

/** Runs nodes until an instant; everything follows from the seed. */
export class World {
  now = 0 as Instant
  readonly random: SeededRandom
  readonly nodes = new Map<string, WorldNode>()
  /** Datagrams as they were sent, to be played again. */
  readonly packets: { readonly to: SocketAddress; readonly bytes: Uint8Array }[] = []
  /** Percent of datagrams that get lost. */
  lossPercent = 0
  /** False: nothing passes, streams neither. */
  passes: (from: WorldNode, to: WorldNode, kind: 'packet' | 'stream') => boolean = () => true
  readonly #options: WorldOptions
  readonly #queue = new TaskQueue()
  readonly #pipes = new Map<string, readonly [End, End]>()

  constructor(options: WorldOptions = {}) {
    this.#options = options
    this.random = new SeededRandom(options.seed ?? 1)
  }

  /** Start a node; its name says its address: n3 is 10.0.0.3. */
  start(name: string, options: Partial<GossipOptions> = {}): WorldNode {
    const address = options.advertise ?? addressOf(name)
    const node = new WorldNode(this, {
      name,
      advertise: address,
      meta: new Uint8Array(0),
      label: '',
      keys: null,
      bootstrap: [],
      known: [],
      knownAttachments: [],
      ...options,
      profile: { ...lanProfile(), ...this.#options.profile, ...options.profile },
    })
    this.nodes.set(formatSocketAddress(address), node)
    return node
  }

  /** A ring of n1, n2, … that has formed. */
  ring(count: number, options: Partial<GossipOptions> = {}): WorldNode[] {
    const nodes = Array.from({ length: count }, (_, i) => this.start(`n${i + 1}`, options))
    for (const node of nodes.slice(1)) node.core.join(this.now, [addressOf('n1')])
    this.run(2000)
    return nodes
  }

  crash(node: WorldNode): GossipSnapshot {
    node.isCrashed = true
    return node.core.snapshot()
  }

  run(ms: number): void {
    const until = this.now + ms
    for (;;) {
      for (const node of this.nodes.values()) this.#flush(node)
      const at = this.#next()
      if (at === null || at > until) break
      this.now = Math.max(this.now, at) as Instant
      this.#runTasks()
      for (const node of this.nodes.values()) {
        const deadline = node.isCrashed ? null : node.core.nextDeadline()
        if (deadline !== null && deadline <= this.now) node.core.tick(this.now)
      }
    }
    this.now = until as Instant
  }

  /** Run until `holds`, in steps of 10 ms; how long it took, or null if `msMax` was not enough. */
  runUntil(msMax: number, holds: () => boolean): number | null {
    const start = this.now
    while (!holds()) {
      if (this.now - start >= msMax) return null
      this.run(10)
    }
    return this.now - start
  }

  #runTasks(): void {
    for (let task = this.#queue.take(this.now); task; task = this.#queue.take(this.now)) task.run()
  }

  #next(): number | null {
    let next = this.#queue.nextAt()
    for (const { core, isCrashed } of this.nodes.values()) {
      const at = isCrashed ? null : core.nextDeadline()
      if (at !== null && (next === null || at < next)) next = at
    }
    return next
  }

  #flush(node: WorldNode): void {
    if (node.isCrashed) return
    for (const output of node.core.drain()) this.#carry(node, output)
  }

  #hear(node: WorldNode, input: () => void): void {
    if (node.isCrashed) return
    input()
    this.#flush(node)
  }

  #later(task: () => void): void {
    this.#queue.add(this.now + (this.#options.delayMs ?? 1), task)
  }

  #carry(from: WorldNode, output: GossipOutput): void {
    if (output.kind === 'packet') this.#packet(from, output.to, output.bytes)
    else if (output.kind === 'stream-open') this.#connect(from, output.stream, output.to)
    else if (output.kind === 'stream-write') this.#write(from, output.stream, output.bytes)
    else this.#close(from, output.stream)
  }

  #packet(from: WorldNode, address: SocketAddress, bytes: Uint8Array): void {
    const copy = bytes.slice()
    this.packets.push({ to: address, bytes: copy })
    const to = this.nodes.get(formatSocketAddress(address))
    if (to === undefined || !this.passes(from, to, 'packet')) return
    if (this.random.below(100) < this.lossPercent) return
    this.#later(() => this.#hear(to, () => to.core.receive(this.now, at(from), copy)))
  }

  #connect(from: WorldNode, stream: StreamId, address: SocketAddress): void {
    const near: End = { node: from, stream, isClosed: false }
    const to = this.nodes.get(formatSocketAddress(address))
    if (to === undefined || to.isCrashed || !this.passes(from, to, 'stream')) {
      this.#later(() => this.#hear(from, () => this.#end(near, false)))
      return
    }
    const far: End = { node: to, stream: null, isClosed: false }
    this.#pipes.set(`${from.name} ${stream}`, [near, far])
    this.#later(() =>
      this.#hear(to, () => {
        far.stream = to.core.streams.accept(this.now, at(from))
        if (far.stream !== null) this.#pipes.set(`${to.name} ${far.stream}`, [far, near])
      }),
    )
  }

  #write(node: WorldNode, stream: StreamId, bytes: Uint8Array): void {
    const far = this.#pipes.get(`${node.name} ${stream}`)?.[1]
    if (far === undefined) return
    const copy = bytes.slice()
    this.#later(() =>
      this.#hear(far.node, () => {
        if (far.stream === null || far.isClosed || !this.passes(node, far.node, 'stream')) return
        far.node.core.streams.received(this.now, far.stream, copy)
      }),
    )
  }

  #close(node: WorldNode, stream: StreamId): void {
    const pipe = this.#pipes.get(`${node.name} ${stream}`)
    if (pipe === undefined) return
    this.#pipes.delete(`${node.name} ${stream}`)
    const [near, far] = pipe
    near.isClosed = true
    this.#later(() => this.#hear(far.node, () => this.#end(far, true)))
  }

  #end(end: End, clean: boolean): void {
    if (end.stream === null || end.isClosed) return
    end.isClosed = true
    end.node.core.streams.ended(this.now, end.stream, clean)
  }
}

function at(node: WorldNode): SocketAddress {
  return node.core.membership.roster.self.address
}

/** n3 is 10.0.0.3:7946. */
export function addressOf(name: string): SocketAddress {
  const number = Number(name.replace(/\D/g, ''))
  return { ip: parseIp(`10.0.${number >> 8}.${number & 0xff}`), port: 7946 }
}
