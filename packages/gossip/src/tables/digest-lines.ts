/** What a digest exchange asks of the tables: shared sets, and peers to compare them with. */
import type { Instant } from '@weft/core'
import type { Member } from '../membership/member.ts'
import type { DigestSource, ReconcilerLines } from '../reconcile/digest-source.ts'
import type { AttachmentSource } from './attachment-source.ts'
import type { LocalNetwork } from './local-network.ts'
import type { MemberSource } from './member-source.ts'
import type { Networks } from './networks.ts'
import type { NodeRecord } from './node-record.ts'
import type { Nodes } from './nodes.ts'
import { RowSource, ROWS_SET_PREFIX } from './row-source.ts'
import type { Rows } from './rows.ts'
import type { TablesContext } from './tables-context.ts'

/** Peers compared with in one round: with more networks than they share, networks take turns. */
export const DIGEST_PEERS_MAX = 8

/** The parts that lines lead to. */
export interface DigestParts {
  readonly nodes: Nodes
  readonly networks: Networks
  readonly rows: Rows
  readonly memberSource: MemberSource
  readonly attachmentSource: AttachmentSource
}

/** The tables as a reconciler sees them. */
export class DigestLines implements ReconcilerLines {
  readonly #context: TablesContext
  readonly #parts: DigestParts
  readonly #sources = new WeakMap<LocalNetwork, RowSource>()
  /** Which network is the first to be covered in the next round. */
  #turn = 0

  constructor(context: TablesContext, parts: DigestParts) {
    this.#context = context
    this.#parts = parts
  }

  sourcesFor(member: Member): readonly DigestSource[] {
    const node = this.#weft(member.name)
    if (node === null) return []
    const sources: DigestSource[] = [this.#parts.memberSource, this.#parts.attachmentSource]
    for (const network of this.#parts.networks.sharedWith(node)) {
      sources.push(this.#rowSource(network))
    }
    return sources
  }

  sourceFor(member: Member, id: string): DigestSource | null {
    const node = this.#weft(member.name)
    if (node === null) return null
    if (id === this.#parts.memberSource.id) return this.#parts.memberSource
    if (id === this.#parts.attachmentSource.id) return this.#parts.attachmentSource
    if (!id.startsWith(ROWS_SET_PREFIX)) return null
    const network = this.#parts.networks.local(id.slice(ROWS_SET_PREFIX.length))
    return network?.peers.has(node) === true ? this.#rowSource(network) : null
  }

  peer(name: string): Member | null {
    return this.#weft(name)?.member ?? null
  }

  /**
   * Peers of the whole ring, then one for each network that none of them shares: a ring may be
   * large where a network is small, and chance alone would seldom find its few.
   */
  pickPeers(count: number): readonly Member[] {
    const { random } = this.#context
    const { nodes, networks: known } = this.#parts
    const picked = new Set(nodes.weft.pick(random, Math.min(count, DIGEST_PEERS_MAX)))
    const networks = [...known.locals()]
    for (let i = 0; i < networks.length && picked.size < DIGEST_PEERS_MAX; i++) {
      const network = networks[(this.#turn + i) % networks.length] as LocalNetwork
      if (covers(picked, network)) continue
      for (const node of network.peers.pick(random, 1, isWeft)) picked.add(node)
      if (picked.size === DIGEST_PEERS_MAX) this.#turn = (this.#turn + i + 1) % networks.length
    }
    return [...picked].map((node) => node.member)
  }

  send(now: Instant, to: Member, message: { bytes: Uint8Array; how: 'packet' | 'stream' }): void {
    this.#context.lines.send(now, to, message)
  }

  #weft(name: string): NodeRecord | null {
    const node = this.#parts.nodes.get(name)
    return node?.status === 'active' && node.isWeft ? node : null
  }

  #rowSource(network: LocalNetwork): RowSource {
    const known = this.#sources.get(network)
    if (known !== undefined) return known
    const source = new RowSource(this.#context, network, this.#parts.rows)
    this.#sources.set(network, source)
    return source
  }
}

function isWeft(node: NodeRecord): boolean {
  return node.isWeft
}

function covers(picked: ReadonlySet<NodeRecord>, network: LocalNetwork): boolean {
  for (const node of picked) if (network.peers.has(node)) return true
  return false
}
