/** Changes of one transaction before they count: staged, with what takes them back. */
import { create } from '@bufbuild/protobuf'
import { assert, STORE_VALUE_BYTES_MAX, type StoreWrite } from '@weft/core'
import {
  MetaSchema,
  swarmError,
  timestampOf,
  VersionSchema,
  type ChangeAction,
  type Meta,
} from '@weft/swarm'
import { encodeObject, objectKey } from './object-codec.ts'
import type { ObjectKind, ObjectKinds, Tables } from './tables.ts'

/** A staged change of one object. */
export interface StagedChange<Kind extends ObjectKind = ObjectKind> {
  readonly kind: Kind
  readonly action: ChangeAction
  readonly id: string
  /** Of a removed one the last state. */
  readonly object: ObjectKinds[Kind]
}

/** What all drafts of a transaction are stamped with. */
export interface Stamp {
  readonly version: bigint
  /** Epoch milliseconds. */
  readonly wall: number
}

/** Reads see what was staged before. Whoever throws while it is open takes nothing along. */
export class Draft {
  /** As they will be. */
  readonly tables: Tables
  readonly #stamp: Stamp
  readonly #changes: StagedChange[] = []
  readonly #writes = new Map<string, StoreWrite>()
  readonly #undo: (() => void)[] = []

  constructor(tables: Tables, stamp: Stamp) {
    this.tables = tables
    this.#stamp = stamp
  }

  get changes(): readonly StagedChange[] {
    return this.#changes
  }

  get writes(): ReadonlyMap<string, StoreWrite> {
    return this.#writes
  }

  /** Stage an object with a new version. Throws ERR_INVALID_ARGUMENT when it is too large. */
  put<Kind extends ObjectKind>(kind: Kind, object: ObjectKinds[Kind]): ObjectKinds[Kind] {
    const before = this.tables.get(kind, object.id)
    const stamped = { ...object, meta: this.#meta(before?.meta) }
    this.record(objectKey(kind, object.id), encodeObject(kind, stamped))
    const action = before === null ? 'create' : 'update'
    this.#stage({ kind, action, id: object.id, object: stamped }, stamped)
    return stamped
  }

  /** Stage the end of an object that is there. */
  remove(kind: ObjectKind, id: string): void {
    const object = this.tables.get(kind, id)
    assert(object !== null, 'what is removed is there')
    const key = objectKey(kind, id)
    this.#writes.set(key, { key, value: null })
    this.#stage({ kind, action: 'remove', id, object }, null)
  }

  /** Stage bytes that are no object. */
  record(key: string, value: Uint8Array): void {
    if (value.length > STORE_VALUE_BYTES_MAX) {
      throw swarmError('ERR_INVALID_ARGUMENT', `${key} is too large to be stored`, { subject: key })
    }
    this.#writes.set(key, { key, value })
  }

  /** What to do if this comes to nothing; the last is done first. */
  onUndo(action: () => void): void {
    this.#undo.push(action)
  }

  /** Take everything back. */
  undo(): void {
    for (const action of this.#undo.splice(0).reverse()) action()
  }

  #stage(change: StagedChange, after: ObjectKinds[ObjectKind] | null): void {
    const { kind, id } = change
    const before = this.tables.set(kind, id, after)
    this.#undo.push(() => void this.tables.set(kind, id, before))
    this.#changes.push(change)
  }

  #meta(before: Meta | undefined): Meta {
    const now = timestampOf(this.#stamp.wall)
    const version = create(VersionSchema, { index: this.#stamp.version })
    return create(MetaSchema, { version, createdAt: before?.createdAt ?? now, updatedAt: now })
  }
}
