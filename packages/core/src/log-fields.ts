/** Log fields as JSON and as text: total over anything, and blind to raw bytes. */
import type { LogFields } from './logger.ts'

/** Objects inside objects are written out to this depth; log lines are not for trees. */
export const LOG_DEPTH_MAX = 5

/** Items of a list or object that are written out. */
export const LOG_ITEMS_MAX = 100

/** A value as JSON carries it. */
export type Plain =
  | string
  | number
  | boolean
  | null
  | readonly Plain[]
  | { readonly [name: string]: Plain }

/**
 * Any value as plain data. Raw bytes become `[16 bytes]`, so that a key logged by mistake does not
 * show; what has a `toJSON` says what it wants said. Errors keep message, code, details and cause.
 */
export function plainValue(value: unknown, depth = 0): Plain {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'function') return '[function]'
  if (typeof value === 'symbol' || typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object') return 'undefined'
  if (depth > LOG_DEPTH_MAX) return '[deep]'
  try {
    return plainObject(value, depth)
  } catch {
    // A getter or toJSON that throws must not take the line with it.
    return '[unreadable]'
  }
}

/** The fields of a line as plain data. */
export function plainFields(fields: LogFields): { readonly [name: string]: Plain } {
  return Object.fromEntries(Object.entries(fields).map(([k, v]) => [k, plainValue(v)]))
}

/** The fields of a line as text, ` name=value` for each; text that could mislead is quoted. */
export function formatFields(fields: LogFields): string {
  return Object.entries(plainFields(fields))
    .map(([name, value]) => ` ${name}=${formatPlain(value)}`)
    .join('')
}

/**
 * Text in quotes, with everything escaped that could forge a line, steer a terminal or turn the
 * reading direction.
 */
export function quoteText(value: Plain): string {
  return JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (odd) => {
    return `\\u{${(odd.codePointAt(0) ?? 0).toString(16)}}`
  })
}

function formatPlain(value: Plain): string {
  return typeof value === 'string' && /^[!#-<>-~]+$/.test(value) ? value : quoteText(value)
}

function plainObject(value: object, depth: number): Plain {
  const deeper = (inner: unknown): Plain => plainValue(inner, depth + 1)
  if (value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (value instanceof Error) return plainError(value, deeper)
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return deeper(Reflect.apply(value.toJSON, value, ['']))
  }
  if (Array.isArray(value)) return value.slice(0, LOG_ITEMS_MAX).map(deeper)
  if (value instanceof Set) return [...value].slice(0, LOG_ITEMS_MAX).map(deeper)
  const entries: [unknown, unknown][] =
    value instanceof Map ? [...value] : Object.entries(value)
  return Object.fromEntries(
    entries.slice(0, LOG_ITEMS_MAX).map(([name, inner]) => [String(name), deeper(inner)]),
  )
}

function plainError(error: Error, deeper: (inner: unknown) => Plain): Plain {
  const facts: { [name: string]: Plain } = { message: error.message }
  for (const name of ['code', 'details', 'cause'] as const) {
    const inner: unknown = Reflect.get(error, name)
    if (inner !== undefined) facts[name] = deeper(inner)
  }
  return facts
}
