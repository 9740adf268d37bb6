/** Reading untrusted plain data: every complaint names the path of what it complains about. */
import { describeError, WeftError } from '@weft/core'
import { ipamError } from './ipam-errors.ts'

/** A value at a path. Each reading throws ERR_SNAPSHOT_INVALID when the value is something else. */
export class JsonReader {
  readonly #value: unknown
  readonly #path: string

  constructor(value: unknown, path: string) {
    this.#value = value
    this.#path = path
  }

  /** A field of an object. */
  field(name: string): JsonReader {
    const value = this.#value
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.invalid('an object')
    }
    const inner: unknown = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
    return new JsonReader(inner, this.#path === '' ? name : `${this.#path}.${name}`)
  }

  /** The items of a list, of `length` when given. */
  items(length?: number): readonly JsonReader[] {
    const value = this.#value
    if (!Array.isArray(value)) throw this.invalid('a list')
    if (length !== undefined && value.length !== length) throw this.invalid(`${length} items`)
    // Not `map`: it would leave holes where a list has holes.
    return Array.from(value, (item: unknown, at) => new JsonReader(item, `${this.#path}[${at}]`))
  }

  text(): string {
    if (typeof this.#value !== 'string') throw this.invalid('text')
    return this.#value
  }

  /** A whole number from 0 to `max`. */
  whole(max: number): number {
    const value = this.#value
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) {
      return value
    }
    throw this.invalid(`a whole number from 0 to ${max}`)
  }

  flag(): boolean {
    if (typeof this.#value !== 'boolean') throw this.invalid('true or false')
    return this.#value
  }

  /** Whether the value is null. */
  isNull(): boolean {
    return this.#value === null
  }

  /** Use the value; what fails on it becomes a complaint about this path. */
  apply<Result>(use: () => Result): Result {
    try {
      return use()
    } catch (error) {
      if (!(error instanceof WeftError) || error.code.startsWith('ERR_SNAPSHOT')) throw error
      throw this.invalid(`a value that fits: ${describeError(error)}`, error)
    }
  }

  invalid(expected: string, cause?: unknown): Error {
    const facts = { path: this.#path === '' ? '(top)' : this.#path, expected }
    return ipamError('ERR_SNAPSHOT_INVALID', 'the snapshot is not sound', facts, cause)
  }
}
