/** Those who watch rows and attachments: each hears every change once, in one order for all. */
import type { AttachmentChange, Row, RowChange } from './table.ts'
import type { WatchFilter } from './watch-filter.ts'
import { matches } from './watch-filter.ts'

type Watcher = {
  /** Changes up to this number were part of what was replayed. */
  readonly since: number
  isDisposed: boolean
} & (
  | { readonly kind: 'row'; readonly filter: WatchFilter; readonly call: (c: RowChange) => void }
  | { readonly kind: 'attachment'; readonly call: (c: AttachmentChange) => void }
)

type Change =
  | { readonly kind: 'row'; readonly number: number; readonly change: RowChange }
  | { readonly kind: 'attachment'; readonly number: number; readonly change: AttachmentChange }

/**
 * Changes are numbered and told after the input that made them was dealt with as a whole: who is
 * called sees a consistent state, may change it, watch more and dispose. What callbacks change is
 * told when all have heard what came before.
 */
export class Watchers {
  readonly #watchers = new Set<Watcher>()
  #queue: Change[] = []
  #number = 0
  #holds = 0
  #isTelling = false

  /** Changes wait from now on, until as many `release`s. */
  hold(): void {
    this.#holds++
  }

  /** Tell what waited, if this is the outermost hold. */
  release(): void {
    this.#holds--
    this.#tell()
  }

  row(change: RowChange): void {
    this.#number++
    if (this.#watchers.size === 0) return
    this.#queue.push({ kind: 'row', number: this.#number, change })
  }

  attachment(change: AttachmentChange): void {
    this.#number++
    if (this.#watchers.size === 0) return
    this.#queue.push({ kind: 'attachment', number: this.#number, change })
  }

  /** Hear of `rows` as created, then of every change. */
  watchRows(
    filter: WatchFilter,
    rows: Iterable<Row>,
    call: (change: RowChange) => void,
  ): Disposable {
    const changes: RowChange[] = []
    for (const row of rows) changes.push({ type: 'create', row, previous: null, road: 'local' })
    const watcher: Watcher = { since: this.#number, isDisposed: false, kind: 'row', filter, call }
    return this.#add(watcher, changes, call)
  }

  /** Hear of what is attached, then of every change. */
  watchAttachments(
    attached: readonly AttachmentChange[],
    call: (change: AttachmentChange) => void,
  ): Disposable {
    const watcher: Watcher = { since: this.#number, isDisposed: false, kind: 'attachment', call }
    return this.#add(watcher, attached, call)
  }

  #add<C>(watcher: Watcher, replay: readonly C[], call: (change: C) => void): Disposable {
    this.#watchers.add(watcher)
    const handle = {
      [Symbol.dispose]: () => {
        watcher.isDisposed = true
        this.#watchers.delete(watcher)
      },
    }
    this.hold()
    try {
      for (const change of replay) call(change)
    } finally {
      this.release()
    }
    return handle
  }

  #tell(): void {
    if (this.#holds > 0 || this.#isTelling) return
    this.#isTelling = true
    let told = 0
    try {
      // Callbacks may add to the queue while it is told.
      while (told < this.#queue.length) this.#tellOne(this.#queue[told++] as Change)
    } finally {
      // What a callback throws is a bug of its owner; nobody hears anything twice for it.
      this.#queue = this.#queue.slice(told)
      this.#isTelling = false
    }
  }

  #tellOne(change: Change): void {
    for (const watcher of this.#watchers) {
      if (watcher.isDisposed || watcher.since >= change.number) continue
      if (watcher.kind === 'row' && change.kind === 'row') {
        if (matches(watcher.filter, change.change.row)) watcher.call(change.change)
      } else if (watcher.kind === 'attachment' && change.kind === 'attachment') {
        watcher.call(change.change)
      }
    }
  }
}
