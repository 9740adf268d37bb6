/** Typed fields of parsed JSON: what is missing or of another kind is a fault, named. */
import { base64Decode, base64Encode } from '@bufbuild/protobuf/wire'

/** A value that JSON can carry. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json }

/** What is wrong with a file's JSON. */
export class JsonFault extends Error {}

/** Reads the fields of one JSON object. */
export class JsonFields {
  readonly #object: Readonly<Record<string, unknown>>
  readonly #what: string

  /** Throws JsonFault when it is no object. `what` names it in faults. */
  constructor(json: unknown, what: string) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw new JsonFault(`${what} is no object`)
    }
    this.#object = json as Readonly<Record<string, unknown>>
    this.#what = what
  }

  text(name: string): string {
    const value = this.#object[name]
    if (typeof value === 'string') return value
    throw this.#fault(name, 'no text')
  }

  /** Empty when it is not there: versions before did not write it. */
  textOrEmpty(name: string): string {
    return this.#object[name] === undefined ? '' : this.text(name)
  }

  /** A whole number that may be greater than a number holds, in decimal. */
  digits(name: string): string {
    const value = this.text(name)
    if (/^[0-9]{1,20}$/.test(value)) return value
    throw this.#fault(name, 'no decimal number')
  }

  number(name: string): number {
    const value = this.#object[name]
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value
    throw this.#fault(name, 'no whole number')
  }

  flag(name: string): boolean {
    const value = this.#object[name]
    if (typeof value === 'boolean') return value
    throw this.#fault(name, 'neither true nor false')
  }

  bytes(name: string): Uint8Array {
    return base64Decode(this.text(name))
  }

  texts(name: string): readonly string[] {
    return this.#list(name).map((value) => {
      if (typeof value !== 'string') throw this.#fault(name, 'no list of texts')
      return value
    })
  }

  /** Exactly so many whole numbers. */
  numbers(name: string, count: number): readonly number[] {
    const list = this.#list(name)
    const isFit = list.length === count && list.every((value) => Number.isSafeInteger(value))
    if (!isFit) throw this.#fault(name, `no list of ${count} whole numbers`)
    return list as readonly number[]
  }

  objects<Value>(name: string, read: (fields: JsonFields) => Value): readonly Value[] {
    return this.#list(name).map((value, i) => read(new JsonFields(value, `${name}[${i}]`)))
  }

  #list(name: string): readonly unknown[] {
    const value = this.#object[name]
    if (Array.isArray(value)) return value as readonly unknown[]
    throw this.#fault(name, 'no list')
  }

  #fault(name: string, problem: string): JsonFault {
    return new JsonFault(`${this.#what}.${name} is ${problem}`)
  }
}

/** Bytes as JSON carries them. */
export function bytesText(bytes: Uint8Array): string {
  return base64Encode(bytes)
}
