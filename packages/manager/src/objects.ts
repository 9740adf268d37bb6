/** The cluster's objects over a store: changed by transactions, told to watchers when durable. */
import {
  assert,
  Emitter,
  utf8Bytes,
  type Clock,
  type Store,
  type StoreEntry,
  type StoreWrite,
} from '@weft/core'
import { swarmError, type ObjectChange } from '@weft/swarm'
import { Draft, type StagedChange } from './draft.ts'
import { corrupt, decodeObject } from './object-codec.ts'
import { OBJECT_KINDS, Tables, type ObjectKind } from './tables.ts'

/** Writes of one transaction; etcd takes 128 operations unless told otherwise. */
export const TRANSACTION_WRITES_MAX = 100

/** Who owns the store: transactions are conditional on it, so a deposed owner can do nothing. */
export const OWNER_KEY = 'owner'

/** What stages changes; may run more than once, and throws to change nothing. */
export type Plan<Result> = (draft: Draft) => Result

interface Waiting {
  readonly plan: Plan<unknown>
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

interface Staged {
  readonly waiting: Waiting
  readonly draft: Draft
  readonly result: unknown
}

/**
 * Objects with one writer. Plans that arrive while a transaction is under way share the next one;
 * when that fails each is tried alone, so that one plan's failure is its own.
 */
export class Objects {
  /** What is durable. */
  readonly tables = new Tables()
  readonly #staged = new Tables()
  readonly #store: Store
  readonly #clock: Clock
  readonly #revisions = new Map<string, number>()
  readonly #records = new Map<string, Uint8Array>()
  readonly #events = new Emitter<{ change: ObjectChange }>()
  readonly #queue: Waiting[] = []
  readonly #idle: (() => void)[] = []
  #version = 0n
  #running = false
  #ended: (() => Error) | null = null

  private constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /**
   * Take over a store of this cluster and read all of it. Throws ERR_PRECONDITION when it holds
   * another or none, ERR_STORE_CORRUPT naming the key that does not read, and StoreErrors.
   */
  static async open(
    store: Store,
    clock: Clock,
    { owner, clusterId }: { readonly owner: string; readonly clusterId: string },
  ): Promise<Objects> {
    await checkCluster(store, clusterId)
    const objects = new Objects(store, clock)
    const claimed = await objects.#claim(owner)
    const entries = await store.list('')
    for (const kind of OBJECT_KINDS) objects.#load(kind, entries)
    for (const { key, value, revision } of entries) {
      objects.#revisions.set(key, revision)
      if (!key.includes('/')) objects.#records.set(key, value)
    }
    // Not as listed: somebody may have taken over in between.
    objects.#revisions.set(OWNER_KEY, claimed)
    return objects
  }

  /** Told after every durable change, in order. */
  watch(listener: (change: ObjectChange) => void): Disposable {
    return this.#events.on('change', listener)
  }

  /** Bytes under a key that is no object's, as they were at opening; null when there are none. */
  record(key: string): Uint8Array | null {
    return this.#records.get(key) ?? null
  }

  /**
   * Run a plan; resolves with its result when what it staged is durable and watchers know. Throws
   * what the plan throws, StoreErrors, ERR_ABORTED after `close`, and ERR_UNAVAILABLE when another
   * manager has taken the store over.
   */
  transact<Result>(plan: Plan<Result>): Promise<Result> {
    if (this.#ended !== null) return Promise.reject(this.#ended())
    return new Promise<Result>((resolve, reject) => {
      this.#queue.push({ plan, resolve: resolve as (result: unknown) => void, reject })
      if (!this.#running) void this.#run()
    })
  }

  /** Let what is under way come to its end, and take no more. */
  async close(): Promise<void> {
    this.#ended ??= stopped
    this.#refuseQueued(stopped)
    if (this.#running) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  async #claim(owner: string): Promise<number> {
    const [current] = (await this.#store.list(OWNER_KEY)).filter(({ key }) => key === OWNER_KEY)
    const checks = [{ key: OWNER_KEY, revision: current?.revision ?? null }]
    const writes = [{ key: OWNER_KEY, value: utf8Bytes(owner) }]
    const revision = await this.#store.commit({ checks, writes })
    if (revision === null) throw deposed()
    return revision
  }

  #load(kind: ObjectKind, entries: readonly StoreEntry[]): void {
    for (const entry of entries) {
      if (!entry.key.startsWith(`${kind}/`)) continue
      const object = decodeObject(kind, entry)
      this.tables.set(kind, object.id, object)
      this.#staged.set(kind, object.id, object)
      const version = object.meta?.version?.index ?? 0n
      if (version > this.#version) this.#version = version
    }
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#queue.length > 0) {
      const batch = this.#stage(this.#queue)
      if (batch.length > 0) await this.#commitOrSplit(batch)
    }
    this.#running = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Run plans from a queue until there are as many writes as one transaction takes. */
  #stage(queue: Waiting[]): Staged[] {
    const batch: Staged[] = []
    const wall = this.#clock.wall()
    let writes = 0
    for (let waiting = queue.shift(); waiting !== undefined; waiting = queue.shift()) {
      // Of two changes in one transaction the later has the later version.
      this.#version += 1n
      const draft = new Draft(this.#staged, { version: this.#version, wall })
      const result = attempt(waiting, draft)
      if (result === null) continue
      writes += draft.writes.size
      if (writes > TRANSACTION_WRITES_MAX) {
        draft.undo()
        queue.unshift(waiting)
        break
      }
      batch.push({ waiting, draft, result: result.value })
    }
    return batch
  }

  async #commitOrSplit(batch: readonly Staged[]): Promise<void> {
    const error = await this.#commit(batch)
    if (error === null) return
    for (const { draft } of [...batch].reverse()) draft.undo()
    if (batch.length === 1 || this.#ended !== null) {
      for (const { waiting } of batch) waiting.reject(error)
      return
    }
    for (const { waiting } of batch) {
      const [alone] = this.#stage([waiting])
      if (alone !== undefined) await this.#commitOrSplit([alone])
    }
  }

  /** Null when it is done and everybody knows; else why nothing of it was. */
  async #commit(batch: readonly Staged[]): Promise<unknown> {
    const writes = new Map(batch.flatMap(({ draft }) => [...draft.writes]))
    if (writes.size > 0) {
      const error = await this.#write([...writes.values()])
      if (error !== null) return error
    }
    const changes = batch.flatMap(({ draft }) => draft.changes)
    for (const { kind, id, action, object } of changes) {
      this.tables.set(kind, id, action === 'remove' ? null : (object as never))
    }
    for (const change of changes) this.#events.emit('change', changeOf(change))
    for (const { waiting, result } of batch) waiting.resolve(result)
    return null
  }

  async #write(writes: readonly StoreWrite[]): Promise<unknown> {
    const checks = [OWNER_KEY, ...writes.map(({ key }) => key)].map((key) => ({
      key,
      revision: this.#revisions.get(key) ?? null,
    }))
    try {
      const revision = await this.#store.commit({ checks, writes })
      if (revision === null) return this.#depose()
      for (const { key, value } of writes) {
        if (value === null) this.#revisions.delete(key)
        else this.#revisions.set(key, revision)
      }
      return null
    } catch (error) {
      return error
    }
  }

  #depose(): Error {
    this.#ended = deposed
    this.#refuseQueued(deposed)
    return deposed()
  }

  #refuseQueued(why: () => Error): void {
    for (const { reject } of this.#queue.splice(0)) reject(why())
  }
}

/** Before anything is touched: who opens the wrong store must not depose its owner. */
async function checkCluster(store: Store, clusterId: string): Promise<void> {
  const [entry, another] = await store.list('cluster/')
  if (entry === undefined) {
    throw swarmError('ERR_PRECONDITION', 'the store holds no cluster', { subject: 'store' })
  }
  if (another !== undefined) throw corrupt(another.key, 'there is another cluster')
  const { id } = decodeObject('cluster', entry)
  if (id === clusterId) return
  throw swarmError('ERR_PRECONDITION', 'the store is of another cluster', { subject: id })
}

/** Run a plan on a draft; null when it threw, which its caller then knows. */
function attempt({ plan, reject }: Waiting, draft: Draft): { readonly value: unknown } | null {
  try {
    const value = plan(draft)
    assert(draft.writes.size <= TRANSACTION_WRITES_MAX, 'one plan fits one transaction')
    return { value }
  } catch (error) {
    draft.undo()
    reject(error)
    return null
  }
}

function changeOf({ kind, action, object }: StagedChange): ObjectChange {
  return { kind, action, object } as ObjectChange
}

function stopped(): Error {
  return swarmError('ERR_ABORTED', 'dispatcher is stopped', { subject: 'manager' })
}

function deposed(): Error {
  const message = 'another manager has taken over the store'
  return swarmError('ERR_UNAVAILABLE', message, { subject: 'manager' })
}
