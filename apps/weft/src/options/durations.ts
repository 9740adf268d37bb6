/** Durations as Go writes them: `90s`, `1h30m`, `2160h`. */
import { OptionFailure, type Options } from '../option.ts'

const NS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9,
}
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g
const WHOLE = /^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/

/** The longest duration that Go knows, in ns; ours are exact up to 2^53. */
export const DURATION_NS_MAX = Number.MAX_SAFE_INTEGER

/** A duration in ns; null when not given. Throws CommandFailure. */
export function durationOf(options: Options, name: string): number | null {
  const text = options.textOrNull(name)
  if (text === null) return null
  const ns = parseDuration(text)
  if (ns !== null) return ns
  throw new OptionFailure(name, text, durationProblem(text))
}

/** Go's words for what is wrong with a duration. */
function durationProblem(text: string): string {
  const quoted = JSON.stringify(text)
  const rest = text.replace(/^[+-]/, '').replace(PART, '')
  if (!/^(\d+(\.\d*)?|\.\d+)/.test(rest)) return `time: invalid duration ${quoted}`
  const unit = /^[\d.]+([^\d.]*)/.exec(rest)?.[1] ?? ''
  if (unit === '') return `time: missing unit in duration ${quoted}`
  return `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`
}

/** Nanoseconds; null for what is no duration, or none that we can hold. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0
  if (!WHOLE.test(text)) return null
  const parts = [...text.matchAll(PART)]
  const sum = parts.reduce(
    (total, [, amount = '', unit = '']) => total + Number(amount) * (NS_PER_UNIT[unit] ?? 0),
    0,
  )
  const ns = Math.round(text.startsWith('-') ? -sum : sum)
  return Math.abs(ns) <= DURATION_NS_MAX ? ns : null
}
