/** What options may be, whether they come by flag or by file. */
import { isAbsolute } from 'node:path'
import { daemonError } from './daemon-errors.ts'
import {
  DATAPLANES,
  GOSSIP_PROFILES,
  LOG_FORMATS,
  LOG_LEVELS,
  type DaemonOptions,
} from './daemon-options.ts'

/** Names as flags and the file spell them, with what reads the value or says what is expected. */
const READERS: { readonly [Name in keyof DaemonOptions]: Reader<DaemonOptions[Name]> } = {
  state: absolutePath,
  socket: absolutePath,
  group: text,
  dataplane: oneOf(DATAPLANES),
  instance: text,
  logLevel: oneOf(LOG_LEVELS),
  logFormat: oneOf(LOG_FORMATS),
  gossipProfile: oneOf(GOSSIP_PROFILES),
  defaultAdvertiseAddr: text,
  label: labels,
  tunables,
}

/** The value, or what it should have been. */
type Reader<Value> = (value: unknown) => { readonly value: Value } | { readonly expected: string }

/**
 * Check options from `origin`, by name as `DaemonOptions` has them. Throws ERR_OPTION for names
 * that are none and values that will not do.
 */
export function readOptions(
  given: Readonly<Record<string, unknown>>,
  origin: string,
): Partial<DaemonOptions> {
  const entries = Object.entries(given).map(([name, value]) => {
    const reader = Object.hasOwn(READERS, name) ? READERS[name as keyof DaemonOptions] : null
    const spelt = optionName(name)
    if (reader === null) throw refuse(origin, spelt, 'there is no such option')
    const read = reader(value)
    if ('expected' in read) throw refuse(origin, spelt, `expected ${read.expected}`)
    return [name, read.value] as const
  })
  return Object.fromEntries(entries)
}

/** `logLevel` is `log-level` to users. */
export function optionName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** `log-level` is `logLevel` here. */
export function fieldName(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** An ERR_OPTION. */
export function refuse(origin: string, name: string, problem: string): Error {
  return daemonError('ERR_OPTION', 'an option cannot be used', { origin, name, problem })
}

function text(value: unknown): { value: string } | { expected: string } {
  return typeof value === 'string' && value !== '' ? { value } : { expected: 'a text' }
}

function absolutePath(value: unknown): { value: string } | { expected: string } {
  const isPath = typeof value === 'string' && isAbsolute(value)
  return isPath ? { value } : { expected: 'an absolute path' }
}

function oneOf<const Value>(values: readonly Value[]): Reader<Value> {
  return (value) => {
    const found = values.find((one) => one === value)
    return found === undefined ? { expected: `one of ${values.join(', ')}` } : { value: found }
  }
}

function labels(value: unknown): { value: string[] } | { expected: string } {
  const isLabels =
    Array.isArray(value) && value.every((one) => typeof one === 'string' && /^[^=]+=/.test(one))
  return isLabels ? { value: value as string[] } : { expected: 'name=value' }
}

/** Which there are is known only to what is loaded later, and checked then. */
function tunables(value: unknown): { value: Record<string, number> } | { expected: string } {
  if (typeof value !== 'object' || value === null) return { expected: 'an object' }
  for (const [name, amount] of Object.entries(value)) {
    const isAmount = typeof amount === 'number' && Number.isSafeInteger(amount) && amount > 0
    if (!isAmount) return { expected: `a whole number above 0 as ${name}` }
  }
  return { value: value as Record<string, number> }
}
