/** Go's fmt.Sprintf, as far as a format needs it. */
import { goJson, printGo, type GoValue } from './go-value.ts'

/** The widest field and the longest precision that are made, in characters. */
export const FIELD_WIDTH_MAX = 4096

const VERB = /%([-+# 0]*)(\d*)(?:\.(\d*))?([a-zA-Z%])/g

/** Write values by a format; what does not fit a verb is shown as Go shows it. */
export function formatGo(format: string, values: readonly GoValue[]): string {
  let next = 0
  let text = ''
  let end = 0
  for (const directive of format.matchAll(VERB)) {
    const [all, flags = '', width = '', precision, verb = ''] = directive
    text += format.slice(end, directive.index)
    end = directive.index + all.length
    if (verb === '%') text += '%'
    else if (next >= values.length) text += `%!${verb}(MISSING)`
    else {
      const digits = precision === undefined ? null : bounded(precision)
      text += padded(oneVerb(values[next], verb, { flags, digits }), flags, bounded(width))
      next += 1
    }
  }
  text += format.slice(end)
  const extra = values.slice(next).map((value) => `${typeName(value)}=${printGo(value)}`)
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.join(', ')})`
}

interface Style {
  readonly flags: string
  readonly digits: number | null
}

function bounded(digits: string): number {
  return Math.min(Number(digits || '0'), FIELD_WIDTH_MAX)
}

function oneVerb(value: GoValue, verb: string, { flags, digits }: Style): string {
  const text = printGo(value)
  if (verb === 'v') return typeof value === 'number' && flags.includes('+') ? signed(value) : text
  if (verb === 's' && typeof value !== 'number' && typeof value !== 'boolean') {
    return digits === null ? text : Array.from(text).slice(0, digits).join('')
  }
  if (verb === 'q' && typeof value === 'string') return JSON.stringify(value)
  if (verb === 't' && typeof value === 'boolean') return text
  if (verb === 'T') return typeName(value)
  if (typeof value === 'number') {
    if (verb === 'd') return flags.includes('+') ? signed(value) : text
    if (verb === 'x') return value.toString(16)
    if (verb === 'X') return value.toString(16).toUpperCase()
    if (verb === 'o' || verb === 'b') return value.toString(verb === 'o' ? 8 : 2)
    if (verb === 'c') return String.fromCodePoint(value)
    if (verb === 'f') return value.toFixed(Math.min(digits ?? 6, 100))
  }
  if ((verb === 'x' || verb === 'X') && typeof value === 'string') {
    const hex = [...new TextEncoder().encode(value)].map((one) => one.toString(16).padStart(2, '0'))
    return verb === 'x' ? hex.join('') : hex.join('').toUpperCase()
  }
  return `%!${verb}(${typeName(value)}=${text})`
}

function signed(value: number): string {
  return value < 0 ? String(value) : `+${value}`
}

function padded(text: string, flags: string, width: number): string {
  if (flags.includes('-')) return text.padEnd(width)
  const zeros = flags.includes('0') && /^[+-]?\d/.test(text)
  return text.padStart(width, zeros ? '0' : ' ')
}

function typeName(value: GoValue): string {
  const json = goJson(value)
  if (typeof json === 'number') return Number.isInteger(json) ? 'int' : 'float64'
  return typeof json === 'boolean' ? 'bool' : typeof json === 'string' ? 'string' : '<nil>'
}
