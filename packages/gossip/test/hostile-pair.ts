/** Two whole nodes that talk, and everything that they said: what attackers begin with. */
import {
  formatSocketAddress,
  instantAfter,
  parseIp,
  SeededRandom,
  silentLogger,
  toHex,
  utf8Bytes,
  type Instant,
  type SocketAddress,
} from '@weft/core'
import { SimEntropy } from '@weft/core/testing'
import { nodeAead } from '@weft/runtime-node'
import { Gossip } from '../src/gossip.ts'
import { KeyRing } from '../src/memberlist/key-ring.ts'
import type { StreamId } from '../src/output.ts'
import { lanProfile, type GossipProfile } from '../src/profile.ts'

/** Where the third party speaks from. */
export const ELSEWHERE: SocketAddress = { ip: parseIp('10.0.0.66'), port: 7946 }

/** A sealing key of 16 equal bytes. */
export function keyOf(fill: number): { tag: string; bytes: Uint8Array } {
  return { tag: String(fill), bytes: new Uint8Array(16).fill(fill) }
}

/** How a pair is made. */
export interface PairOptions {
  readonly isSealed: boolean
  readonly seed?: string
  /** Those of `a`, and of `b` if it has another. */
  readonly profile?: GossipProfile | undefined
  readonly peerProfile?: GossipProfile
}

interface End {
  readonly core: Gossip
  readonly stream: StreamId
}

/** Two nodes without delay or loss; time passes in steps of 10 ms. */
export class Pair {
  now = 0 as Instant
  readonly a: Gossip
  readonly b: Gossip
  /** What `a` was sent, in order. */
  readonly packets: Uint8Array[] = []
  readonly streams: Uint8Array[] = []
  /** What `a` wrote into streams, in order. */
  readonly written: Uint8Array[] = []
  readonly #ends = new Map<string, End>()

  constructor(options: PairOptions) {
    this.a = this.#node('a', 1, options)
    this.b = this.#node('b', 2, { ...options, profile: options.peerProfile ?? options.profile })
    this.b.join(this.now, [addressOf(1)])
    for (const node of [this.a, this.b]) node.tables.attach(this.now, 'net')
    this.run(500)
    this.a.tables.put(this.now, rowOf('mine', 'first'))
    this.b.tables.put(this.now, rowOf('theirs', 'first'))
    this.run(500)
  }

  run(ms: number): void {
    const until = instantAfter(this.now, ms)
    while (this.now < until) {
      this.now = instantAfter(this.now, 10)
      for (const node of [this.a, this.b]) node.tick(this.now)
      this.deliver()
    }
  }

  /** Carry what both have to say, until neither has. */
  deliver(): void {
    for (let round = 0; round < 100; round++) {
      const carried = this.#carry(this.a, this.b) + this.#carry(this.b, this.a)
      if (carried === 0) return
    }
    throw new Error('they do not stop talking')
  }

  /** A stream from elsewhere that says this in pieces, and ends. */
  stream(to: Gossip, pieces: readonly Uint8Array[], clean: boolean): void {
    const stream = to.streams.accept(this.now, ELSEWHERE)
    if (stream === null) return
    for (const piece of pieces) to.streams.received(this.now, stream, piece)
    to.streams.ended(this.now, stream, clean)
  }

  #carry(from: Gossip, to: Gossip): number {
    const outputs = from.drain()
    const [fromName, toName] = from === this.a ? ['a', 'b'] : ['b', 'a']
    for (const output of outputs) {
      if (output.kind === 'packet' || output.kind === 'stream-open') {
        const isForPeer = formatSocketAddress(output.to) === formatSocketAddress(selfOf(to))
        if (output.kind === 'packet') {
          if (!isForPeer) continue
          if (to === this.a) this.packets.push(output.bytes.slice())
          to.receive(this.now, selfOf(from), output.bytes.slice())
        } else if (!isForPeer) from.streams.ended(this.now, output.stream, false)
        else {
          const accepted = to.streams.accept(this.now, selfOf(from))
          if (accepted === null) continue
          this.#ends.set(`${fromName} ${output.stream}`, { core: to, stream: accepted })
          this.#ends.set(`${toName} ${accepted}`, { core: from, stream: output.stream })
        }
      } else {
        const end = this.#ends.get(`${fromName} ${output.stream}`)
        if (end === undefined) continue
        if (output.kind === 'stream-write') {
          const record = end.core === this.a ? this.streams : this.written
          record.push(output.bytes.slice())
          end.core.streams.received(this.now, end.stream, output.bytes.slice())
        } else {
          this.#ends.delete(`${fromName} ${output.stream}`)
          end.core.streams.ended(this.now, end.stream, true)
        }
      }
    }
    return outputs.length
  }

  #node(name: string, number: number, options: PairOptions): Gossip {
    const random = new SeededRandom(`${options.seed ?? 'pair'} ${name}`)
    return new Gossip(
      this.now,
      {
        name,
        advertise: addressOf(number),
        meta: new Uint8Array(0),
        label: '',
        keys: options.isSealed ? new KeyRing([keyOf(1)]) : null,
        bootstrap: [],
        known: [],
        knownAttachments: [],
        profile: options.profile ?? lanProfile(),
      },
      { random, entropy: new SimEntropy(random.fork('e')), aead: nodeAead, log: silentLogger },
    )
  }
}

/** A row of the network that both are attached to. */
export function rowOf(
  key: string,
  text: string,
): { networkId: string; table: string; key: string; value: Uint8Array } {
  return { networkId: 'net', table: 't', key, value: utf8Bytes(text) }
}

/** Everything a node believes, as text; counters are not beliefs. */
export function beliefs(node: Gossip): string[] {
  const members = [...node.membership.roster.all()].map(
    ({ name, address, meta, state, incarnation }) =>
      [name, formatSocketAddress(address), toHex(meta), state, incarnation].join(' '),
  )
  const rows = [...node.tables.rows({})].map(({ networkId, table, key, owner, value, lTime }) =>
    [networkId, table, key, owner, toHex(value), lTime].join(' '),
  )
  const networks = node.tables.networks().map(({ networkId, nodes }) => {
    return [networkId, ...[...nodes].sort()].join()
  })
  return [...members.sort(), ...rows.sort(), ...networks.sort()]
}

/** How many things a node has refused. */
export function refusals(node: Gossip): number {
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((total, count) => total + count, 0)
  return sum(node.membership.counters().faults) + sum(node.tables.counters().faults)
}

function addressOf(number: number): SocketAddress {
  return { ip: parseIp(`10.0.0.${number}`), port: 7946 }
}

function selfOf(node: Gossip): SocketAddress {
  return node.membership.roster.self.address
}
