/** An address space shared by several allocators through a store: try, commit, look again. */
import { parseIp, WeftError, type Vni } from '@weft/core'
import type { AutoSubnet, Ipam, IpamOptions } from './ipam.ts'
import { ipamError } from './ipam-errors.ts'
import type { LeaseStore, StoreChange } from './lease-store.ts'
import type { Lease, LeaseRequest } from './network-leases.ts'
import { StoredView } from './stored-view.ts'
import type { PoolRequest } from './subnet-planner.ts'
import type { SubnetRequest, SubnetSpec } from './subnet-spec.ts'
import type { IpamUsage } from './usage.ts'

/** Commits that may fail in a row because others were faster. */
export const COMMIT_ATTEMPTS_MAX = 100

/** What an allocator shares. */
export interface SharedIpamOptions extends IpamOptions {
  readonly store: LeaseStore
  /** In front of every key, like `ipam/`; none may begin with another's. */
  readonly prefix: string
}

/** An outcome and the writes that make it so. */
interface Step<Result> {
  readonly result: Result
  readonly changes: readonly StoreChange[]
}

/**
 * Each operation runs on this allocator's view of the store and counts only once its writes are
 * committed on condition that nothing it relied on has changed. A refused commit, or an error on a
 * view that may be old, means reading the store again and starting over. Operations of one
 * allocator run one after the other.
 */
export class SharedIpam {
  readonly #options: SharedIpamOptions
  #view: StoredView | null = null
  /** The last view read, for where it stood in each subnet. */
  #last: StoredView | null = null
  #queue: Promise<unknown> = Promise.resolve()

  constructor(options: SharedIpamOptions) {
    this.#options = options
  }

  /** As Ipam.addPool. Every operation here also throws ERR_CONTENTION and what the store throws. */
  addPool(pool: PoolRequest): Promise<void> {
    return this.#changePlan('addPool', (ipam) => ipam.addPool(pool))
  }

  /** As Ipam.reserve. */
  reserve(cidr: string, name: string): Promise<void> {
    return this.#changePlan('reserve', (ipam) => ipam.reserve(cidr, name))
  }

  /** As Ipam.createNetwork. */
  createNetwork(
    id: string,
    subnets?: readonly (SubnetRequest | AutoSubnet)[],
  ): Promise<readonly SubnetSpec[]> {
    return this.#changePlan('createNetwork', (ipam) => ipam.createNetwork(id, subnets))
  }

  /** As Ipam.growNetwork. */
  growNetwork(id: string, subnet: SubnetRequest | AutoSubnet): Promise<SubnetSpec> {
    return this.#changePlan('growNetwork', (ipam) => ipam.growNetwork(id, subnet))
  }

  /**
   * As Ipam.removeNetwork. The network is closed first, so that leases made meanwhile are seen:
   * with any left it is opened again. Interrupted, it stays closed; removing again finishes.
   */
  async removeNetwork(id: string): Promise<void> {
    await this.#changePlan('removeNetwork', (ipam) => ipam.network(id).close())
    const inUse = await this.#enqueue(() => {
      // Leases committed before the network was closed may not be in our view.
      this.#view = null
      return this.#transact('removeNetwork', (view) => {
        const result = removeOrReopen(view.ipam, id)
        return { result, changes: view.planChanges() }
      })
    })
    if (inUse !== null) throw inUse
  }

  /** As VniAllocator.allocate. */
  allocateVni(holder: string, wanted?: number): Promise<Vni> {
    return this.#changePlan('allocateVni', ({ vnis }) => vnis.allocate(holder, wanted))
  }

  /** As VniAllocator.release. */
  releaseVni(id: number, holder: string): Promise<void> {
    return this.#changePlan('releaseVni', ({ vnis }) => vnis.release(id, holder))
  }

  /** As Ipam.lease. */
  lease(id: string, request: LeaseRequest): Promise<Lease> {
    return this.#run('lease', (view) => {
      const result = view.ipam.lease(id, request)
      return { result, changes: view.leaseChanges(result) }
    })
  }

  /** As Ipam.release. */
  release(id: string, lease: { readonly address: string; readonly holder: string }): Promise<void> {
    return this.#run('release', (view) => {
      const address = parseIp(lease.address)
      view.ipam.release(id, lease)
      const changes = view.releaseChanges({ network: id, address, holder: lease.holder })
      return { result: undefined, changes }
    })
  }

  /** Figures as of now: reads the store. */
  usage(): Promise<IpamUsage> {
    return this.#enqueue(async () => (await this.#refresh()).ipam.usage())
  }

  #changePlan<Result>(operation: string, change: (ipam: Ipam) => Result): Promise<Result> {
    return this.#run(operation, (view) => {
      const result = change(view.ipam)
      return { result, changes: view.planChanges() }
    })
  }

  #run<Result>(operation: string, step: (view: StoredView) => Step<Result>): Promise<Result> {
    return this.#enqueue(() => this.#transact(operation, step))
  }

  #enqueue<Result>(run: () => Promise<Result>): Promise<Result> {
    const mine = this.#queue.then(run)
    this.#queue = mine.catch(() => undefined)
    return mine
  }

  async #transact<Result>(
    operation: string,
    step: (view: StoredView) => Step<Result>,
  ): Promise<Result> {
    for (let attempts = 1; attempts <= COMMIT_ATTEMPTS_MAX; attempts++) {
      const isFresh = this.#view === null
      const view = this.#view ?? (await this.#refresh())
      const done = this.#try(view, step, isFresh)
      // Until the store has agreed, the view is ahead of it: forget it if anything goes wrong.
      this.#view = null
      if (done === null) continue
      const outcome = await this.#options.store.commit(done.changes)
      if (!outcome.committed) continue
      view.committed(done.changes, outcome.revision)
      this.#view = view
      return done.result
    }
    const facts = { operation, attempts: COMMIT_ATTEMPTS_MAX }
    throw ipamError('ERR_CONTENTION', 'others kept changing the store', facts)
  }

  /** Null when it failed on a view that may be old. */
  #try<Result>(
    view: StoredView,
    step: (view: StoredView) => Step<Result>,
    isFresh: boolean,
  ): Step<Result> | null {
    try {
      return step(view)
    } catch (error) {
      if (isFresh || !(error instanceof WeftError)) throw error
      return null
    }
  }

  async #refresh(): Promise<StoredView> {
    const { store, prefix } = this.#options
    const view = StoredView.read(await store.list(prefix), prefix, this.#options)
    if (this.#last !== null) view.resume(this.#last)
    this.#view = view
    this.#last = view
    return view
  }
}

/** The second half of removing a network: null when it is gone, or why it is open again. */
function removeOrReopen(ipam: Ipam, id: string): WeftError | null {
  try {
    ipam.removeNetwork(id)
    return null
  } catch (error) {
    if (!(error instanceof WeftError) || error.code !== 'ERR_NETWORK_IN_USE') throw error
    ipam.network(id).reopen()
    return error
  }
}
