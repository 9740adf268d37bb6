/** What was truly done: names, attachments and rows, as those who did it know. */
import { assert, toHex, utf8Bytes, utf8Text } from '@weft/core'
import type { Row } from '@weft/gossip'

/** A row is one owner's: network, table, key. */
export type RowId = string & { readonly __rowId: never }

/** What identifies a row. */
export function rowId({ networkId, table, key }: Pick<Row, 'networkId' | 'table' | 'key'>): RowId {
  return `${networkId}/${table}/${key}` as RowId
}

interface Writing {
  readonly owner: string
  readonly id: RowId
  /** As the owner's own tables have told: more than one if it had to defend the row. */
  readonly lTimes: Set<number>
}

/** Values begin so: what is found on the wire where all should be sealed. */
export const VALUE_MARK = 'value of '

/** Every value is written once: so a value says who wrote it, where and when. */
export class Ledger {
  readonly #writings = new Map<string, Writing>()
  readonly #addresses = new Map<string, string>()
  /** Who was started last at each address. */
  readonly #tenants = new Map<string, string>()
  readonly #attached = new Set<string>()
  #written = 0

  /** A node of this name was started at this address. */
  started(name: string, address: string): void {
    this.#addresses.set(name, address)
    this.#tenants.set(address, name)
  }

  /** Was a node of another name started where this one was? */
  isReplaced(name: string): boolean {
    const address = this.#addresses.get(name)
    return address !== undefined && this.#tenants.get(address) !== name
  }

  /** A node attached to a network, at some time. */
  attached(name: string, networkId: string): void {
    this.#attached.add(`${name} ${networkId}`)
  }

  /** Was it ever true that this node attends this network? */
  everAttached(name: string, networkId: string): boolean {
    return this.#attached.has(`${name} ${networkId}`)
  }

  /** Names that nodes were ever started under. */
  get names(): number {
    return this.#addresses.size
  }

  /** Where the node of this name was started last; null: there never was one. */
  addressOf(name: string): string | null {
    return this.#addresses.get(name) ?? null
  }

  /** A fresh value, of some bytes more than its mark, for a row that is about to be written. */
  value(owner: string, id: RowId, padding: number): Uint8Array {
    const text = `${VALUE_MARK}${owner} ${this.#written++} ${'.'.repeat(padding)}`
    this.#writings.set(text, { owner, id, lTimes: new Set() })
    return utf8Bytes(text)
  }

  /** The owner's own tables say that it is written. */
  confirm(row: Row): void {
    const writing = this.#writings.get(textOf(row.value))
    assert(writing !== undefined, 'only what the workload writes is confirmed')
    writing.lTimes.add(row.lTime)
  }

  /** Why this row cannot be; null when it was written so. */
  doubt(row: Row): string | null {
    const writing = this.#writings.get(textOf(row.value))
    if (writing === undefined) return `nobody wrote ${toHex(row.value.subarray(0, 32))}`
    const { owner, id, lTimes } = writing
    if (owner !== row.owner) return `it was written by ${owner}, not ${row.owner}`
    if (id !== rowId(row)) return `it was written as ${id}, not ${rowId(row)}`
    if (lTimes.size === 0) return `its owner's own tables never told of it`
    if (lTimes.has(row.lTime)) return null
    return `it was written at ${[...lTimes].join(', ')}, not ${row.lTime}`
  }
}

function textOf(value: Uint8Array): string {
  return utf8Text(value, 0, value.length)
}
