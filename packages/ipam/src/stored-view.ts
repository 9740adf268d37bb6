/** An address space as records of a store: one for the plan, two for each lease. */
import { ipFamily, parseIp } from '@weft/core'
import { createIpam, restoreIpam, type Ipam, type IpamOptions } from './ipam.ts'
import { ipamError } from './ipam-errors.ts'
import { JsonReader } from './json-reader.ts'
import type { StoreChange, StoredRecord } from './lease-store.ts'
import type { Lease } from './network-leases.ts'

type LeaseName = Pick<Lease, 'network' | 'address' | 'holder'>

/**
 * What one allocator knows of a store. The plan (pools, networks, VNIs) is one record that changes
 * rarely; each lease is a record by address and one by holder, so that leases of different holders
 * never conflict. Every lease is written on condition that the plan is still the one it was made
 * under: no lease can appear in a network that is going away.
 */
export class StoredView {
  readonly ipam: Ipam
  readonly #prefix: string
  readonly #revisions = new Map<string, number>()

  private constructor(ipam: Ipam, prefix: string) {
    this.ipam = ipam
    this.#prefix = prefix
  }

  /** Read all records of a space; an empty store is a space as `options` make it. */
  static read(
    records: readonly StoredRecord[],
    prefix: string,
    options: IpamOptions,
  ): StoredView {
    const plan = records.find(({ key }) => key === `${prefix}plan`)
    const ipam = plan === undefined ? createIpam(options) : restoreIpam(parseJson(plan))
    const view = new StoredView(ipam, prefix)
    for (const record of records) {
      view.#revisions.set(record.key, record.revision)
      if (record.key.startsWith(`${prefix}lease/`)) view.#adopt(record)
    }
    return view
  }

  /** Note what a commit has written. */
  committed(changes: readonly StoreChange[], revision: number): void {
    for (const { key, value } of changes) {
      if (value === null) this.#revisions.delete(key)
      else if (value !== undefined) this.#revisions.set(key, revision)
    }
  }

  /** Write the plan as it is now. */
  planChanges(): readonly StoreChange[] {
    const snapshot = this.ipam.snapshot()
    const networks = snapshot.networks.map((network) => ({
      ...network,
      subnets: network.subnets.map((s) => ({ ...s, cursor: 0, cooling: [], leases: [] })),
    }))
    return [{ ...this.#guard('plan'), value: JSON.stringify({ ...snapshot, networks }) }]
  }

  /** Write a lease, or, when it was there before, make sure that it still is. */
  leaseChanges(lease: Lease): readonly StoreChange[] {
    const { holder, address } = lease
    const [byAddress, byHolder] = this.#leaseGuards(lease)
    const guards = [this.#guard('plan'), byAddress, byHolder]
    if (byAddress.expected !== 0) return guards
    const value = JSON.stringify({ network: lease.network, address, holder })
    return guards.map((guard, at) => (at === 0 ? guard : { ...guard, value }))
  }

  /** Delete a lease that is still the one we know. */
  releaseChanges(lease: LeaseName): readonly StoreChange[] {
    return this.#leaseGuards(lease).map((guard) => ({ ...guard, value: null }))
  }

  /**
   * Go on where an older view stood in each subnet. What was leased there and is free here was
   * given back by somebody else, and has to cool down as well.
   */
  resume(older: StoredView): void {
    for (const [id, network] of this.ipam.networks) {
      const before = older.ipam.networks.get(id)?.subnets ?? []
      for (const subnet of network.subnets) {
        const match = before.find(({ spec }) => spec.cidr === subnet.spec.cidr)
        if (match !== undefined) subnet.resumeFrom(match)
      }
    }
  }

  #leaseGuards(lease: LeaseName): readonly [StoreChange, StoreChange] {
    const { network, address, holder } = lease
    const [id, name] = [encodeURIComponent(network), encodeURIComponent(holder)]
    return [
      this.#guard(`lease/${id}/${address}`),
      this.#guard(`holder/${id}/${ipFamily(address)}/${name}`),
    ]
  }

  #guard(name: string): StoreChange {
    const key = `${this.#prefix}${name}`
    return { key, expected: this.#revisions.get(key) ?? 0 }
  }

  #adopt(record: StoredRecord): void {
    const lease = new JsonReader(parseJson(record), record.key)
    const text = (name: string): string => lease.field(name).text()
    lease.apply(() => {
      this.ipam.network(text('network')).adopt(parseIp(text('address')), text('holder'))
    })
  }
}

function parseJson({ key, value }: StoredRecord): unknown {
  try {
    return JSON.parse(value)
  } catch (cause) {
    const facts = { path: key, expected: 'JSON' }
    throw ipamError('ERR_SNAPSHOT_INVALID', 'a record is not sound', facts, cause)
  }
}
