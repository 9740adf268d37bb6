/** Reconcilers over plain sets, on virtual time: packets get lost, streams get late. */
import {
  instantAfter,
  SeededRandom,
  TaskQueue,
  utf8Bytes,
  utf8Text,
  type Instant,
} from '@weft/core'
import type { Member } from '../src/membership/member.ts'
import { DigestIndex } from '../src/reconcile/digest-index.ts'
import type { DigestSource, ReconcilerLines } from '../src/reconcile/digest-source.ts'
import type { DigestItem } from '../src/reconcile/digest-sums.ts'
import { decodeExchange } from '../src/reconcile/exchange-decode.ts'
import { itemHash, type ItemHash } from '../src/reconcile/item-hash.ts'
import { Reconciler } from '../src/reconcile/reconciler.ts'

/** An item of the sets in these tests. */
export interface Thing extends DigestItem {
  readonly key: string
}

/** A value that is only compared by version; `pad` makes it as large as a row. */
export function thing(key: string, version: number, isLive = true): Thing {
  return { ...itemHash('things', key, 'somebody'), version, isLive, key }
}

/** A set that takes whatever is newer. */
export class ThingSource implements DigestSource {
  readonly id: string
  readonly index = new DigestIndex<Thing>()
  readonly #padBytes: number

  constructor(id: string, padBytes = 0) {
    this.id = id
    this.#padBytes = padBytes
  }

  get sums(): DigestIndex<Thing>['sums'] {
    return this.index.sums
  }

  put(now: Instant, item: Thing): void {
    const known = this.index.get(item)
    if (known === null || known.version < item.version) this.index.put(now, item)
  }

  itemsOf(bucket: number): Iterable<Thing> {
    return this.index.inBucket(bucket)
  }

  tell(_now: Instant, hashes: readonly ItemHash[]): readonly Uint8Array[] {
    const things = hashes.map((hash) => this.index.get(hash)).filter((one) => one !== null)
    const pad = ' '.repeat(this.#padBytes)
    return things.map(({ key, version, isLive }) =>
      utf8Bytes(`${JSON.stringify([key, version, isLive])}${pad}`),
    )
  }

  apply(now: Instant, message: Uint8Array): void {
    try {
      const parsed: unknown = JSON.parse(utf8Text(message, 0, message.length))
      const [key, version, isLive] = parsed as [string, number, boolean]
      this.put(now, thing(key, version, isLive))
    } catch {
      // Not of our making.
    }
  }

  contents(): string[] {
    const all = Array.from({ length: 256 }, (_, bucket) => [...this.itemsOf(bucket)]).flat()
    return all.map((one) => [one.key, one.version, one.isLive].join(' ')).sort()
  }
}

/** A set of so many things, each of a version of its own. */
export function filled(id: string, count: number, padBytes = 0): ThingSource {
  const source = new ThingSource(id, padBytes)
  for (let i = 0; i < count; i++) source.put(0 as Instant, thing(`row-${String(i)}`, i + 1))
  return source
}

/** What was sent, by kind and in bytes. */
export interface Sent {
  readonly at: Instant
  readonly from: string
  readonly to: string
  readonly kind: string
  readonly how: 'packet' | 'stream'
  readonly bytes: Uint8Array
}

/** How a world behaves. */
export interface WorldOptions {
  readonly seed: string
  readonly lossPercent: number
  readonly digestIntervalMs?: number
  readonly messageBytesMax?: number
}

interface Node {
  readonly member: Member
  readonly sources: Map<string, ThingSource>
  readonly reconciler: Reconciler
}

/** Nodes that all know each other. */
export class ReconcileWorld {
  readonly sent: Sent[] = []
  readonly #nodes = new Map<string, Node>()
  readonly #queue = new TaskQueue()
  readonly #random: SeededRandom
  readonly #options: WorldOptions
  now = 0 as Instant

  constructor(options: WorldOptions) {
    this.#options = options
    this.#random = new SeededRandom(options.seed)
  }

  add(name: string, sources: readonly ThingSource[]): Reconciler {
    const { digestIntervalMs = 1000, messageBytesMax = 1300 } = this.#options
    const byId = new Map(sources.map((source) => [source.id, source]))
    const random = this.#random.fork(name)
    const options = { name, digestIntervalMs, digestPeers: 2, messageBytesMax, random }
    const reconciler = new Reconciler(this.now, options, this.#lines(name, byId))
    this.#nodes.set(name, { member: memberOf(name), sources: byId, reconciler })
    this.#arm(reconciler)
    return reconciler
  }

  member(name: string): Member {
    return this.#node(name).member
  }

  reconciler(name: string): Reconciler {
    return this.#node(name).reconciler
  }

  at(ms: number, task: () => void): void {
    this.#queue.add(this.now + ms, task)
  }

  run(ms: number, isDone: () => boolean = () => false): boolean {
    const until = instantAfter(this.now, ms)
    while (!isDone()) {
      const task = this.#queue.take(until)
      if (task === null) {
        this.now = until
        return isDone()
      }
      this.now = task.at as Instant
      task.run()
    }
    return true
  }

  #arm(reconciler: Reconciler): void {
    const at = reconciler.nextDeadline()
    if (at === null) return
    this.#queue.add(at, () => {
      reconciler.tick(this.now)
      this.#arm(reconciler)
    })
  }

  #lines(name: string, own: Map<string, ThingSource>): ReconcilerLines {
    const shared = (peer: Member): readonly ThingSource[] =>
      [...own.values()].filter((source) => this.#nodes.get(peer.name)?.sources.has(source.id))
    const others = (): Member[] =>
      [...this.#nodes.values()].map((node) => node.member).filter((one) => one.name !== name)
    return {
      sourcesFor: shared,
      sourceFor: (peer, id) => shared(peer).find((source) => source.id === id) ?? null,
      peer: (peer) => others().find((one) => one.name === peer) ?? null,
      pickPeers: (count) => this.#pick(others(), count),
      send: (_now, to, message) => {
        this.#send(name, to.name, message)
      },
    }
  }

  #pick(members: Member[], count: number): readonly Member[] {
    const left = [...members]
    const picked: Member[] = []
    while (left.length > 0 && picked.length < count) {
      picked.push(...left.splice(this.#random.below(left.length), 1))
    }
    return picked
  }

  #send(from: string, to: string, message: { bytes: Uint8Array; how: 'packet' | 'stream' }): void {
    const { bytes, how } = message
    const decoded = decodeExchange(bytes)
    const kind = typeof decoded === 'string' ? decoded : decoded.kind
    this.sent.push({ at: this.now, from, to, kind, how, bytes })
    if (how === 'packet' && this.#isLost()) return
    const delay = how === 'packet' ? 1 + this.#random.below(5) : this.#streamDelayMs()
    const copy = bytes.slice()
    this.at(delay, () => this.#nodes.get(to)?.reconciler.receive(this.now, copy))
  }

  #isLost(): boolean {
    return this.#random.below(100) < this.#options.lossPercent
  }

  /** TCP repeats a lost SYN after 1, 2, 4 … seconds, and what was written after 200 ms and more. */
  #streamDelayMs(): number {
    let delayMs = 3 + this.#random.below(10)
    for (let retryMs = 1000; this.#isLost() || this.#isLost(); retryMs *= 2) delayMs += retryMs
    for (let retryMs = 200; this.#isLost(); retryMs *= 2) delayMs += retryMs
    return delayMs
  }

  #node(name: string): Node {
    const node = this.#nodes.get(name)
    if (node === undefined) throw new Error(`no node ${name}`)
    return node
  }
}

function memberOf(name: string): Member {
  return {
    name,
    address: { ip: '10.0.0.1' as Member['address']['ip'], port: 7946 },
    meta: utf8Bytes('weft/1'),
    vsn: [1, 5, 2, 0, 0, 0],
    state: 'alive',
    incarnation: 1,
    stateSince: 0 as Instant,
  }
}
