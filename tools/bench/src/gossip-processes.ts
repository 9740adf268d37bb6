/** Gossip nodes as real processes with real sockets: how soon all of them know what one wrote. */
import { assert } from '@weft/core'
import { atExit, eventually } from '@weft/lab'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Addressed, Look, News, Order, ProfileName } from './gossip-process.ts'

/** What to build and to do with it. */
export interface ProcessesPlan {
  /** At most NODES_MAX. */
  readonly nodes: number
  readonly profile: ProfileName
  /** Rows written one after another, each by another node. */
  readonly writes: number
}

/** What was measured. */
export interface ProcessesReport {
  /** From the first join until every node saw every other, in the ring and in the network. */
  readonly formedMs: number
  /** For each write, until the last node knew of it. */
  readonly convergedMs: readonly number[]
  /** Of a node with nothing to do: per second of real time. */
  readonly idleCpuMsPerSecond: number
  readonly idleBytesPerSecond: number
  /** The median of what a process holds, Node itself included. */
  readonly residentBytes: number
}

/** Nodes are at 127.0.1.1 and on: as many as the last octet has. */
export const NODES_MAX = 250

const CHILD = join(import.meta.dirname, 'gossip-process.ts')
const FORMED_WITHIN_MS = 120_000
const CONVERGED_WITHIN_MS = 60_000
const IDLE_MS = 5_000
const SETTLE_MS = 2_000
const SETTLED_WITHIN_MS = 60_000
/** All nodes together use less than this share of one processor. */
const QUIET_SHARE = 0.6
/**
 * Nodes that share a process: a hundred processes on two processors would spend minutes on
 * compiling the same code, and measure that.
 */
const NODES_EACH = 10
/** Nodes that join at once. */
const WAVE = 8
const JOIN_ATTEMPTS_MAX = 5

/** Start the nodes and measure. Throws when they do not come together. */
export async function measureGossipProcesses(plan: ProcessesPlan): Promise<ProcessesReport> {
  assert(plan.nodes >= 1 && plan.nodes <= NODES_MAX, 'as many nodes as there are addresses')
  await using nodes = new Nodes()
  for (let i = 0; i < plan.nodes; i += NODES_EACH) {
    await nodes.start(Math.min(NODES_EACH, plan.nodes - i), plan.profile)
  }
  const formedMs = await form(nodes)
  await settle(nodes)
  const convergedMs: number[] = []
  for (let i = 0; i < plan.writes; i++) convergedMs.push(await write(nodes, i))
  const [before, after] = [await nodes.look(), await sleep(IDLE_MS).then(() => nodes.look())]
  const perSecond = (of: (look: Look) => number): number =>
    (1000 * (sum(after.map(of)) - sum(before.map(of)))) / IDLE_MS / plan.nodes
  const resident = after.map(({ residentBytes }) => residentBytes).sort((a, b) => a - b)
  return {
    formedMs,
    convergedMs,
    idleCpuMsPerSecond: perSecond(({ cpuMs }) => cpuMs),
    idleBytesPerSecond: perSecond(({ sentBytes }) => sentBytes),
    residentBytes: resident[resident.length >> 1] ?? 0,
  }
}

/** They join in waves, each by one that is there already, as machines do that are switched on. */
async function form(nodes: Nodes): Promise<number> {
  const start = performance.now()
  for (let i = 1; i < nodes.all.length; i += WAVE) {
    const wave = nodes.all.slice(i, i + WAVE)
    const { address } = nodes.all[i >> 1] ?? nodes.first
    await Promise.all(wave.map((node) => joinAt(node, address)))
  }
  const check = async (): Promise<void> => {
    const looks = await nodes.look()
    const late = looks.filter((look) => Math.min(look.members, look.attached) < looks.length)
    if (late.length > 0) throw new Error(`${late.length} nodes do not see everyone yet`)
  }
  await eventually(check, { withinMs: FORMED_WITHIN_MS, what: 'a ring of all' })
  return performance.now() - start
}

/** On a machine that is busy, not every answer comes in time. */
async function joinAt(node: GossipNode, address: string): Promise<void> {
  for (let attempts = 1; ; attempts++) {
    try {
      await node.order({ kind: 'join', to: address })
      return
    } catch (error) {
      if (attempts === JOIN_ATTEMPTS_MAX) throw error
    }
  }
}

/** Joining is over, and what each process compiles when it runs first. */
async function settle(nodes: Nodes): Promise<void> {
  let before = await nodes.look()
  for (let waitedMs = 0; waitedMs < SETTLED_WITHIN_MS; waitedMs += SETTLE_MS) {
    await sleep(SETTLE_MS)
    const after = await nodes.look()
    const usedMs = sum(after.map(({ cpuMs }) => cpuMs)) - sum(before.map(({ cpuMs }) => cpuMs))
    if (usedMs < QUIET_SHARE * SETTLE_MS) return
    before = after
  }
}

/** One node writes; the time from there until the last one heard. */
async function write(nodes: Nodes, count: number): Promise<number> {
  const key = `row-${count}`
  const writer = nodes.all[(7 * count) % nodes.all.length] ?? nodes.first
  const heard = (): number[] => nodes.all.flatMap(({ rows }) => rows.get(key) ?? [])
  await writer.order({ kind: 'write', key })
  const check = (): void => {
    const late = nodes.all.length - heard().length
    if (late > 0) throw new Error(`${late} nodes have not heard`)
  }
  await eventually(check, { withinMs: CONVERGED_WITHIN_MS, what: 'a row everywhere' })
  return Math.max(...heard()) - Math.min(...heard())
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** A process, and who of its nodes hears what it tells. */
class NodeProcess {
  readonly #child: ChildProcess
  readonly #nodes = new Map<string, GossipNode>()

  constructor() {
    this.#child = fork(CHILD, [], { execArgv: ['--conditions=@weft/source'] })
    this.#child.on('message', (news: News & Addressed) => this.#nodes.get(news.address)?.hear(news))
    this.#child.on('exit', () => this.#nodes.forEach((node) => node.ended()))
  }

  add(address: string): GossipNode {
    const send = (order: Order): void => void this.#child.send({ ...order, address })
    const node = new GossipNode(address, send)
    this.#nodes.set(address, node)
    return node
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async ended(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      await once(this.#child, 'exit')
    }
  }
}

/** One node. */
class GossipNode {
  readonly address: string
  /** When it heard of each row first, by the machine's clock. */
  readonly rows = new Map<string, number>()
  readonly #send: (order: Order) => void
  readonly #answers: ((news: News) => void)[] = []
  #look: Look | null = null

  constructor(address: string, send: (order: Order) => void) {
    this.address = address
    this.#send = send
  }

  /** Rejects with what it says went wrong. Orders are obeyed one by one. */
  async order(order: Order): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<News>()
    this.#answers.push(resolve)
    this.#send(order)
    const news = await promise
    if (news.kind === 'failed') throw new Error(`the node at ${this.address}: ${news.why}`)
  }

  async look(): Promise<Look> {
    await this.order({ kind: 'look' })
    if (this.#look === null) throw new Error('a look comes before its end')
    return this.#look
  }

  hear(news: News): void {
    if (news.kind === 'row') {
      if (!this.rows.has(news.key)) this.rows.set(news.key, news.atMs)
    } else if (news.kind === 'look') this.#look = news.look
    else this.#answers.shift()?.(news)
  }

  ended(): void {
    for (const answer of this.#answers.splice(0)) answer({ kind: 'failed', why: 'it has ended' })
  }
}

/** All of them; none outlives us. */
class Nodes implements AsyncDisposable {
  readonly all: GossipNode[] = []
  readonly #processes: NodeProcess[] = []
  readonly #guard = atExit(() => this.#kill())

  get first(): GossipNode {
    const [first] = this.all
    assert(first !== undefined, 'a ring has a node')
    return first
  }

  /** One more process with so many nodes. */
  async start(count: number, profile: ProfileName): Promise<void> {
    const host = new NodeProcess()
    this.#processes.push(host)
    const started = Array.from({ length: count }, () => {
      const node = host.add(`127.0.1.${this.all.length + 1}`)
      this.all.push(node)
      return node
    })
    await Promise.all(started.map((node) => node.order({ kind: 'open', profile })))
  }

  look(): Promise<Look[]> {
    return Promise.all(this.all.map((node) => node.look()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill()
    await Promise.all(this.#processes.map((host) => host.ended()))
    this.#guard[Symbol.dispose]()
  }

  #kill(): void {
    for (const host of this.#processes) host.kill()
  }
}
