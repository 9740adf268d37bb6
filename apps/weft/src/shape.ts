/** Builds values for templates from JSON by the types that Docker's client decodes it into. */
import { GoMap, GoNil, GoStruct, GoText, goValueOf, type GoValue } from './go-template/go-value.ts'
import { goDuration, goTime } from './output/units.ts'

/** Makes a value of JSON; of what is not there, the type's zero. */
export type Shape = (json: unknown) => GoValue

/** The zero time. */
const ZERO_TIME = '0001-01-01T00:00:00Z'

/** A string. */
export const text: Shape = (json) => (typeof json === 'string' ? json : '')

/** A number. */
export const number: Shape = (json) => (typeof json === 'number' ? json : 0)

/** A bool. */
export const flag: Shape = (json) => json === true

/** A time.Time. */
export const time: Shape = (json) => {
  const instant = typeof json === 'string' ? json : ZERO_TIME
  return new GoText('time.Time', goTime(instant), instant)
}

/** A time.Duration, in ns. */
export const duration: Shape = (json) => {
  const ns = typeof json === 'number' ? json : 0
  return new GoText('time.Duration', goDuration(ns), ns)
}

/** Whatever it is. */
export const anything: Shape = (json) => goValueOf(json)

/** A slice. */
export function list(element: Shape): Shape {
  return (json) => (Array.isArray(json) ? json.map(element) : [])
}

/** A map with string keys. */
export function map(element: Shape): Shape {
  return (json) => {
    const entries = Object.entries(typeof json === 'object' && json !== null ? json : {})
    const values = entries.map(([key, value]) => [key, element(value)] as const)
    return new GoMap(new Map(values), element(undefined), json ?? null)
  }
}

/** A map of strings. */
export const labels: Shape = map(text)

/** A field of a struct: its shape, and its name in JSON where that is another. */
export type FieldShape = Shape | readonly [jsonName: string, shape: Shape]

/** A struct by its type's name in Go and its fields. */
export function struct(typeName: string, fields: Readonly<Record<string, FieldShape>>): Shape {
  const shapes = Object.entries(fields).map(([name, field]) => {
    const [jsonName, shape] = typeof field === 'function' ? [name, field] : field
    return { name, jsonName, shape }
  })
  return (json) => {
    const object = typeof json === 'object' && json !== null ? json : {}
    const values = shapes.map(({ name, jsonName, shape }) => {
      const own = jsonName === EMBEDDED ? json : (object as Record<string, unknown>)[jsonName]
      return { name, value: shape(own), isEmbedded: jsonName === EMBEDDED }
    })
    const fields = new Map(values.map(({ name, value }) => [name, value]))
    const embedded = values.flatMap(({ value, isEmbedded }) =>
      isEmbedded && value instanceof GoStruct ? [value] : [],
    )
    return new GoStruct({ typeName, fields, json: json ?? {}, embedded })
  }
}

/** Marks a field whose own fields stand beside it in JSON. */
const EMBEDDED = ''

/** An embedded struct: its fields are its owner's. */
export function embedded(shape: Shape): FieldShape {
  return [EMBEDDED, shape]
}

/** A pointer to a struct: nil when it is not there. */
export function pointer(typeName: string, fields: Readonly<Record<string, FieldShape>>): Shape {
  const shape = struct(`*${typeName}`, fields)
  return (json) => (json === null || json === undefined ? new GoNil(`*${typeName}`) : shape(json))
}
