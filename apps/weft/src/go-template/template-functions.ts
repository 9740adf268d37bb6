/** Functions that a format may call: those of Go's text/template, and those Docker adds. */
import {
  goJson,
  GoMap,
  GoNil,
  GoStruct,
  goTypeName,
  isGoTrue,
  printGo,
  type GoMethod,
  type GoValue,
} from './go-value.ts'
import { formatGo } from './go-format.ts'

/** What a function says of its arguments; the evaluator says where. */
export class CallFault extends Error {
  override readonly name = 'CallFault'
  /** What it is about: how many there are, one of them, or the call as a whole. */
  readonly about: 'count' | 'call' | { readonly argument: GoValue }

  constructor(message: string, about: CallFault['about'] = 'call') {
    super(message)
    this.about = about
  }
}

/** The longest text that `pad` and `printf` make, in characters. */
export const PADDING_LENGTH_MAX = 65_536

const FUNCTIONS: Readonly<Record<string, GoMethod>> = {
  not: (value) => !isGoTrue(value),
  len: lengthOf,
  index: (item, ...keys) => keys.reduce(elementOf, item),
  slice: sliceOf,
  print: (...values) => printRow(values),
  println: (...values) => `${values.map(printGo).join(' ')}\n`,
  printf: (format, ...values) => formatGo(textOf(format), values),
  html: (...values) => printRow(values).replace(/[&<>"'\0]/g, (one) => HTML[one] ?? one),
  urlquery: (...values) => encodeURIComponent(printRow(values)).replaceAll('%20', '+'),
  eq: (first, ...others) => others.some((other) => compare(first, other) === 0),
  ne: (a, b) => compare(a, b) !== 0,
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  json: (value) => jsonText(value),
  split: (text, separator) => textOf(text).split(textOf(separator)),
  join: (list, separator) => listOf(list).map(textOf).join(textOf(separator)),
  title: (text) => titled(textOf(text)),
  lower: (text) => mapCase(textOf(text), (one) => one.toLowerCase()),
  upper: (text) => mapCase(textOf(text), (one) => one.toUpperCase()),
  pad: (text, before, after) => pad(textOf(text), numberOf(before), numberOf(after)),
  truncate: (text, length) => textOf(text).slice(0, Math.max(numberOf(length), 0)),
  getDetailsOrder: (component) => detailsOrder(component),
}

/** How many arguments a function takes: at least, at most. */
const ARGUMENTS: Readonly<Record<string, readonly [number, number]>> = {
  and: [1, Infinity], or: [1, Infinity], not: [1, 1], len: [1, 1], index: [1, Infinity],
  slice: [1, 4], printf: [1, Infinity], eq: [1, Infinity], ne: [2, 2], lt: [2, 2], le: [2, 2],
  gt: [2, 2], ge: [2, 2], json: [1, 1], split: [2, 2], join: [2, 2], title: [1, 1], lower: [1, 1],
  upper: [1, 1], pad: [3, 3], truncate: [2, 2], getDetailsOrder: [1, 1],
}

const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;', '\0': '\uFFFD',
}

/** True for a name that templates may call; the evaluator itself does `and` and `or`. */
export function isTemplateFunction(name: string): boolean {
  return Object.hasOwn(FUNCTIONS, name) || name === 'and' || name === 'or'
}

/** Call a function by name. Throws CallFault when its arguments do not fit. */
export function callTemplateFunction(name: string, parameters: readonly GoValue[]): GoValue {
  checkArgumentCount(name, parameters.length)
  return FUNCTIONS[name]?.(...parameters)
}

/** Throws CallFault for too few or too many. */
export function checkArgumentCount(name: string, count: number): void {
  const [least, most] = ARGUMENTS[name] ?? [0, Infinity]
  if (count < least || count > most) {
    const want = most === Infinity ? `at least ${least}` : String(least)
    const problem = `wrong number of args for ${name}: want ${want} got ${count}`
    throw new CallFault(problem, 'count')
  }
}

/** JSON as Docker's `json` writes it: no HTML escapes, no line separators of JavaScript's. */
export function jsonText(value: GoValue): string {
  const text = JSON.stringify(goJson(value))
  return text.replace(/[\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16)}`)
}

function lengthOf(value: GoValue): number {
  if (typeof value === 'string') return new TextEncoder().encode(value).length
  if (Array.isArray(value)) return value.length
  if (value instanceof GoMap) return value.entries.size
  const what = value instanceof GoNil ? 'nil pointer' : `type ${goTypeName(value)}`
  throw new CallFault(`error calling len: len of ${what}`)
}

function elementOf(item: GoValue, key: GoValue): GoValue {
  if (item instanceof GoMap) {
    return item.entries.has(textOf(key)) ? item.entries.get(textOf(key)) : item.zero
  }
  if (typeof item !== 'string' && !Array.isArray(item)) {
    const what = item === undefined || item instanceof GoNil ? 'untyped nil' : goTypeName(item)
    const problem = what === 'untyped nil' ? `index of ${what}` : `can't index item of type ${what}`
    throw new CallFault(`error calling index: ${problem}`)
  }
  if (typeof key !== 'number') {
    const problem = `cannot index slice/array with type ${goTypeName(key)}`
    throw new CallFault(`error calling index: ${problem}`)
  }
  if (key < 0 || key >= item.length) {
    throw new CallFault(`error calling index: index out of range: ${key}`)
  }
  return typeof item === 'string' ? item.charCodeAt(key) : (item as readonly GoValue[])[key]
}

function sliceOf(item: GoValue, from: GoValue = 0, to?: GoValue): GoValue {
  if (typeof item !== 'string' && !Array.isArray(item)) {
    throw new CallFault(`error calling slice: can't slice item of type ${goTypeName(item)}`)
  }
  const start = numberOf(from)
  const stop = to === undefined ? item.length : numberOf(to)
  if (start < 0 || stop > item.length || start > stop) {
    throw new CallFault(`error calling slice: index out of range: ${Math.max(start, stop)}`)
  }
  return item.slice(start, stop) as GoValue
}

/** Go's Sprint: a space between two operands of which neither is text. */
function printRow(values: readonly GoValue[]): string {
  return values.reduce<string>((text, value, index) => {
    const spaced = index > 0 && typeof value !== 'string' && typeof values[index - 1] !== 'string'
    return `${text}${spaced ? ' ' : ''}${printGo(value)}`
  }, '')
}

function compare(a: GoValue, b: GoValue): number {
  if (a === undefined || b === undefined) {
    throw new CallFault('error calling eq: missing argument for comparison')
  }
  const [left, right] = [plain(a), plain(b)]
  if (typeof left !== typeof right) {
    throw new CallFault('error calling eq: incompatible types for comparison')
  }
  if (left === right) return 0
  return left < right ? -1 : 1
}

function plain(value: GoValue): string | number | boolean {
  if (typeof value === 'object' || typeof value === 'function' || value === undefined) {
    return printGo(value)
  }
  return value
}

/** Go maps one character to one: `ß` has no capital. */
function mapCase(text: string, map: (character: string) => string): string {
  const mapped = (one: string): string => (Array.from(map(one)).length === 1 ? map(one) : one)
  return Array.from(text, mapped).join('')
}

/** Every letter at the beginning of a word is a capital (strings.Title). */
function titled(text: string): string {
  const start = /(^|[\x00-\x7f\s](?<![\p{L}\p{Nd}_]))(\p{L})/gu
  return text.replace(start, (all) => mapCase(all, (one) => one.toUpperCase()))
}

function textOf(value: GoValue): string {
  if (typeof value === 'string') return value
  throw wrongType(value, 'string')
}

function numberOf(value: GoValue): number {
  if (typeof value === 'number') return value
  throw wrongType(value, 'int')
}

function listOf(value: GoValue): readonly GoValue[] {
  if (Array.isArray(value)) return value as readonly GoValue[]
  throw wrongType(value, '[]string')
}

function wrongType(argument: GoValue, expected: string): CallFault {
  const problem = `wrong type for value; expected ${expected}; got ${goTypeName(argument)}`
  return new CallFault(problem, { argument })
}

function pad(text: string, before: number, after: number): string {
  if (text === '') return text
  if (before < 0 || after < 0 || before + after > PADDING_LENGTH_MAX) {
    throw new CallFault(`error calling pad: more than ${PADDING_LENGTH_MAX} spaces`)
  }
  return `${' '.repeat(before)}${text}${' '.repeat(after)}`
}

/** Keys of a component's details, for the output of `version`. */
function detailsOrder(component: GoValue): GoValue {
  const details = component instanceof GoStruct ? component.fields.get('Details') : undefined
  return details instanceof GoMap ? details.sorted().map(([key]) => key) : []
}
