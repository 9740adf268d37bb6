/** Of all rows of a network, those that are programmed: one owner for each address and MAC. */
import type { Ip, Mac } from '@weft/core'
import type { EndpointId, LocalEndpoint, RemoteEndpoint } from '@weft/dataplane'
import { candidateOf, type Ground, type RemoteRow, type RowRefusal } from './remote-candidate.ts'

/**
 * Addresses of one remote endpoint; Docker's have one of each family. A node that claims thousands
 * for one MAC would cost every other node the square of that at each change.
 */
export const REMOTE_ADDRESSES_MAX = 16

/** Remote endpoints of one network, and how many rows were left out. */
export interface RemoteEndpoints {
  readonly endpoints: ReadonlyMap<EndpointId, RemoteEndpoint>
  /** Addresses of the VTEPs behind which they are, by the name of the peer. */
  readonly vteps: ReadonlyMap<string, Ip>
  readonly refused: Readonly<Partial<Record<RowRefusal, number>>>
}

/** Judges the rows of one network; keeps what it made for rows and maps that did not change. */
export class RemoteJudge {
  #ground: Ground | null = null
  #made = new Map<RemoteRow, RemoteEndpoint | RowRefusal>()
  #merged = new Map<EndpointId, RemoteEndpoint>()
  #last: RemoteEndpoints = { endpoints: new Map(), vteps: new Map(), refused: {} }

  /**
   * Local endpoints have their addresses and MACs before any row has. Among rows the newest wins
   * (by Lamport time, then by key), so that all nodes which know the same program the same. Rows
   * of one MAC behind one VTEP in one subnet are one endpoint with several addresses.
   */
  judge(
    rows: Iterable<RemoteRow>,
    ground: Ground,
    local: ReadonlyMap<EndpointId, LocalEndpoint>,
  ): RemoteEndpoints {
    if (this.#ground?.shape !== ground.shape || this.#ground.ownVtep !== ground.ownVtep) {
      this.#made.clear()
    }
    this.#ground = ground
    const claims = new Claims(local)
    const refused: Partial<Record<RowRefusal, number>> = {}
    const made = new Map<RemoteRow, RemoteEndpoint | RowRefusal>()
    for (const row of [...rows].sort(newestFirst)) {
      const candidate = this.#made.get(row) ?? candidateOf(row, ground)
      made.set(row, candidate)
      const refusal =
        typeof candidate === 'string' ? candidate : claims.claim(row, candidate, ground)
      if (refusal !== null) refused[refusal] = (refused[refusal] ?? 0) + 1
    }
    this.#made = made
    return (this.#last = this.#settle(claims, refused))
  }

  /** The same objects as the last time wherever they say the same. */
  #settle(claims: Claims, refused: RemoteEndpoints['refused']): RemoteEndpoints {
    const endpoints = new Map<EndpointId, RemoteEndpoint>()
    let isSame = true
    for (const [key, made] of claims.endpoints) {
      const known = this.#merged.get(key)
      const endpoint = known !== undefined && isSameEndpoint(known, made) ? known : made
      endpoints.set(key, endpoint)
      isSame &&= this.#last.endpoints.get(key) === endpoint
    }
    this.#merged = endpoints
    isSame &&= endpoints.size === this.#last.endpoints.size
    if (!isSame) return { endpoints, vteps: claims.vteps, refused }
    return { endpoints: this.#last.endpoints, vteps: this.#last.vteps, refused }
  }
}

function newestFirst(a: RemoteRow, b: RemoteRow): number {
  if (a.lTime !== b.lTime) return b.lTime - a.lTime
  return a.key < b.key ? 1 : -1
}

function isSameEndpoint(a: RemoteEndpoint, b: RemoteEndpoint): boolean {
  if (a === b) return true
  const sameFace = a.mac === b.mac && a.node === b.node
  return sameFace && a.addresses.join() === b.addresses.join()
}

interface Holder {
  readonly key: EndpointId
  readonly subnet: unknown
}

/** Who has which address and which MAC. */
class Claims {
  readonly endpoints = new Map<EndpointId, RemoteEndpoint>()
  readonly vteps = new Map<string, Ip>()
  readonly #localAddresses = new Set<Ip>()
  readonly #localMacs = new Set<Mac>()
  readonly #addresses = new Set<Ip>()
  readonly #macs = new Map<Mac, Holder>()

  constructor(local: ReadonlyMap<EndpointId, LocalEndpoint>) {
    for (const { mac, addresses } of local.values()) {
      this.#localMacs.add(mac)
      for (const address of addresses) this.#localAddresses.add(address)
    }
  }

  /** Null: the row has what it claims. */
  claim(row: RemoteRow, candidate: RemoteEndpoint, { shape }: Ground): RowRefusal | null {
    const { mac, addresses, node } = candidate
    if (this.#localMacs.has(mac)) return 'local'
    if (addresses.some((address) => this.#localAddresses.has(address))) return 'local'
    if (addresses.some((address) => this.#addresses.has(address))) return 'outdated'
    const subnet = shape.finder.subnetOf(addresses)
    const holder = this.#macs.get(mac)
    const first = holder === undefined ? undefined : this.endpoints.get(holder.key)
    if (holder !== undefined && first !== undefined) {
      if (first.node !== node || holder.subnet !== subnet) return 'outdated'
      if (first.addresses.length >= REMOTE_ADDRESSES_MAX) return 'crowded'
      const merged = [...first.addresses, ...addresses].sort()
      this.endpoints.set(holder.key, { ...first, addresses: merged })
    } else {
      this.#macs.set(mac, { key: row.key, subnet })
      this.endpoints.set(row.key, candidate)
      this.vteps.set(node, row.record?.vtep ?? ('' as Ip))
    }
    for (const address of addresses) this.#addresses.add(address)
    return null
  }
}
