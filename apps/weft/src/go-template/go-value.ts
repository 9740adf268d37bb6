/** Values as a Go template sees them: JSON alone does not tell a struct from a map. */

/** Anything a template can be handed or can compute; `undefined` is Go's "no value". */
export type GoValue =
  | undefined
  | string
  | number
  | boolean
  | GoNil
  | GoText
  | GoMap
  | GoStruct
  | GoMethod
  | readonly GoValue[]

/** A method of a context, such as `.Label "key"`. */
export type GoMethod = (...parameters: readonly GoValue[]) => GoValue

/** A nil pointer or interface, which knows what it would point to. */
export class GoNil {
  readonly typeName: string

  constructor(typeName: string) {
    this.typeName = typeName
  }
}

/** A value with a text of its own: a time, a duration. */
export class GoText {
  readonly typeName: string
  /** As Go prints it. */
  readonly text: string
  /** As JSON has it. */
  readonly json: unknown

  constructor(typeName: string, text: string, json: unknown) {
    this.typeName = typeName
    this.text = text
    this.json = json
  }
}

/** A map with text keys. */
export class GoMap {
  readonly entries: ReadonlyMap<string, GoValue>
  /** What `index` gives for a key that is not there. */
  readonly zero: GoValue
  readonly json: unknown

  constructor(entries: ReadonlyMap<string, GoValue>, zero: GoValue, json: unknown) {
    this.entries = entries
    this.zero = zero
    this.json = json
  }

  /** Go ranges over and prints maps by key. */
  sorted(): readonly (readonly [string, GoValue])[] {
    return [...this.entries].sort(([a], [b]) => (a < b ? -1 : 1))
  }
}

/** A struct: named fields in order, and methods. */
export class GoStruct {
  readonly typeName: string
  readonly fields: ReadonlyMap<string, GoValue>
  readonly json: unknown
  readonly #embedded: readonly GoStruct[]

  constructor(parts: {
    readonly typeName: string
    readonly fields: ReadonlyMap<string, GoValue>
    readonly json: unknown
    /** Those of its fields whose own fields are its own too. */
    readonly embedded?: readonly GoStruct[]
  }) {
    this.typeName = parts.typeName
    this.fields = parts.fields
    this.json = parts.json
    this.#embedded = parts.embedded ?? []
  }

  /** True when it, or a struct that it embeds, has a field of this name. */
  has(name: string): boolean {
    return this.fields.has(name) || this.#embedded.some((one) => one.has(name))
  }

  /** Undefined when there is none. */
  get(name: string): GoValue {
    if (this.fields.has(name)) return this.fields.get(name)
    return this.#embedded.find((one) => one.has(name))?.get(name)
  }
}

/** JSON without a schema, as `json.Unmarshal` into an `interface{}` makes it. */
export function goValueOf(json: unknown): GoValue {
  if (json === null || json === undefined) return new GoNil('interface {}')
  if (Array.isArray(json)) return json.map(goValueOf)
  if (typeof json === 'object') {
    const entries = Object.entries(json).map(([key, value]) => [key, goValueOf(value)] as const)
    return new GoMap(new Map(entries), undefined, json)
  }
  return json as string | number | boolean
}

/** The type as messages name it. */
export function goTypeName(value: GoValue): string {
  if (value instanceof GoNil || value instanceof GoText || value instanceof GoStruct) {
    return value.typeName
  }
  if (value instanceof GoMap) return 'map[string]interface {}'
  if (Array.isArray(value)) return '[]interface {}'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64'
  return typeof value === 'boolean' ? 'bool' : 'string'
}

/** What `if` and `with` take for something. */
export function isGoTrue(value: GoValue): boolean {
  if (value === undefined || value instanceof GoNil) return false
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0
  if (value instanceof GoMap) return value.entries.size > 0
  return value !== 0 && value !== false
}

/** As `fmt.Sprint` writes it. */
export function printGo(value: GoValue): string {
  if (value === undefined) return '<no value>'
  if (typeof value !== 'object') return typeof value === 'function' ? '<func>' : String(value)
  if (value instanceof GoNil) return '<nil>'
  if (value instanceof GoText) return value.text
  if (value instanceof GoMap) {
    return `map[${value.sorted().map(([key, one]) => `${key}:${printGo(one)}`).join(' ')}]`
  }
  if (value instanceof GoStruct) return `{${[...value.fields.values()].map(printGo).join(' ')}}`
  return `[${value.map(printGo).join(' ')}]`
}

/** The value as JSON has it. */
export function goJson(value: GoValue): unknown {
  if (value === undefined || value instanceof GoNil || typeof value === 'function') return null
  if (value instanceof GoText || value instanceof GoMap || value instanceof GoStruct) {
    return value.json
  }
  return Array.isArray(value) ? value.map(goJson) : value
}
