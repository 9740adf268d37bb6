/** What is known of endpoints elsewhere: rows that gossip has, and rows remembered of before. */
import {
  endpointTable,
  peerTable,
  type EndpointRecord,
  type Row,
  type RowChange,
} from '@weft/gossip'
import type { RemoteRow } from '../desired/remote-candidate.ts'

/** A row with its meaning. */
interface StoredRow {
  readonly row: Row
  readonly remote: RemoteRow | null
  readonly endpoint: EndpointRecord | null
  /** Of before a restart, and not heard of since. */
  readonly isRemembered: boolean
}

/** Rows of one network, by table and key. */
class NetworkRows {
  readonly peers = new Map<string, StoredRow>()
  readonly endpoints = new Map<string, StoredRow>()

  of(table: string): Map<string, StoredRow> | null {
    if (table === peerTable.name) return this.peers
    return table === endpointTable.name ? this.endpoints : null
  }

  get size(): number {
    return this.peers.size + this.endpoints.size
  }
}

/**
 * Rows by network. Those remembered from before a restart stay until gossip has caught up with a
 * network: to forget what peers have not been asked about would cut off what works (P13).
 */
export class RemoteRows {
  readonly #networks = new Map<string, NetworkRows>()
  /** Networks with remembered rows. */
  readonly #waiting = new Set<string>()

  /** What an endpoint is called; null until its row is here. */
  endpoint(networkId: string, key: string): EndpointRecord | null {
    return this.#networks.get(networkId)?.endpoints.get(key)?.endpoint ?? null
  }

  /** Networks of which something is remembered that nobody has confirmed. */
  get unconfirmed(): readonly string[] {
    return [...this.#waiting]
  }

  /** Rows of the peer table, whoever owns them. */
  *peers(networkId: string): Iterable<RemoteRow> {
    for (const { remote } of this.#networks.get(networkId)?.peers.values() ?? []) {
      if (remote !== null) yield remote
    }
  }

  /** A change that gossip tells; true when something of it concerns us. */
  apply({ type, row }: RowChange): boolean {
    const rows = this.#rowsOf(row.networkId).of(row.table)
    if (rows === null) return false
    if (type === 'delete') {
      const isKnown = rows.delete(row.key)
      this.#sweep(row.networkId)
      return isKnown
    }
    rows.set(row.key, storedRow(row, false))
    return true
  }

  /** Rows of before; what gossip has said since is newer. */
  remember(rows: Iterable<Row>): void {
    for (const row of rows) {
      const known = this.#rowsOf(row.networkId).of(row.table)
      if (known === null || known.has(row.key)) continue
      known.set(row.key, storedRow(row, true))
      this.#waiting.add(row.networkId)
    }
  }

  /** Peers are to be asked about this network before what is known of it is all there is. */
  expect(networkId: string): void {
    this.#waiting.add(networkId)
  }

  /** Gossip stops for a while: all that it said is remembered now. */
  suspend(): void {
    for (const [networkId, network] of this.#networks) {
      for (const table of [network.peers, network.endpoints]) {
        for (const [key, stored] of table) table.set(key, { ...stored, isRemembered: true })
      }
      if (network.size > 0) this.#waiting.add(networkId)
    }
  }

  /** Gossip has caught up with the network: what is only remembered is gone. True: some was. */
  confirm(networkId: string): boolean {
    this.#waiting.delete(networkId)
    const network = this.#networks.get(networkId)
    if (network === undefined) return false
    const before = network.size
    for (const table of [network.peers, network.endpoints]) {
      for (const [key, { isRemembered }] of table) if (isRemembered) table.delete(key)
    }
    const isLess = network.size < before
    this.#sweep(networkId)
    return isLess
  }

  /** We are on these networks only. */
  keepOnly(networkIds: ReadonlySet<string>): void {
    for (const known of [...this.#networks.keys(), ...this.#waiting]) {
      if (networkIds.has(known)) continue
      this.#networks.delete(known)
      this.#waiting.delete(known)
    }
  }

  /** Everything, to be written down. */
  *all(): Iterable<Row> {
    for (const network of this.#networks.values()) {
      for (const { row } of network.peers.values()) yield row
      for (const { row } of network.endpoints.values()) yield row
    }
  }

  #rowsOf(networkId: string): NetworkRows {
    const known = this.#networks.get(networkId)
    if (known !== undefined) return known
    const made = new NetworkRows()
    this.#networks.set(networkId, made)
    return made
  }

  #sweep(networkId: string): void {
    if (this.#networks.get(networkId)?.size === 0) this.#networks.delete(networkId)
  }
}

function storedRow(row: Row, isRemembered: boolean): StoredRow {
  const { networkId, table, key, owner, lTime, value } = row
  if (table === peerTable.name) {
    const record = peerTable.decode(value)
    const remote = { networkId, key, owner, lTime }
    const decoded = typeof record === 'string' ? null : record
    return { row, remote: { ...remote, record: decoded }, endpoint: null, isRemembered }
  }
  const endpoint = endpointTable.decode(value)
  const named = typeof endpoint === 'string' ? null : endpoint
  return { row, remote: null, endpoint: named, isRemembered }
}
