/** What stands in a request's query, as Docker reads it. */
import { swarmError } from '@weft/swarm'

/** Bytes of `filters`. */
export const FILTERS_BYTES_MAX = 64 * 1024

/** Docker's flags: whatever is not one of these says yes. */
const NO: readonly string[] = ['', '0', 'no', 'false', 'none']
const TRUE: readonly string[] = ['1', 't', 'T', 'true', 'TRUE', 'True']
const FALSE: readonly string[] = ['0', 'f', 'F', 'false', 'FALSE', 'False']

/** `force` and such: present and not denied. */
export function flagOf(text: string | undefined): boolean {
  return !NO.includes((text ?? '').trim().toLowerCase())
}

/** A flag that has to be said as Go says it; absent is no. Throws ERR_INVALID_ARGUMENT. */
export function strictFlagOf(name: string, text: string | undefined): boolean {
  if (text === undefined || text === '' || FALSE.includes(text)) return false
  if (TRUE.includes(text)) return true
  const reason = `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`
  throw invalid(`invalid value for ${name}: ${text}: ${reason}`, name)
}

/** The `version` of an object that is to be changed. Throws ERR_INVALID_ARGUMENT. */
export function versionOf(kind: 'swarm' | 'node', text: string | undefined): bigint {
  const given = text ?? ''
  if (/^\d{1,20}$/.test(given)) return BigInt(given)
  const reason = `strconv.ParseUint: parsing ${JSON.stringify(given)}: invalid syntax`
  throw invalid(`invalid ${kind} version '${given}': ${reason}`, 'version')
}

/** Filters by name. A term that is absent filters nothing. */
export class FilterSet {
  readonly #terms: ReadonlyMap<string, readonly string[]>

  private constructor(terms: ReadonlyMap<string, readonly string[]>) {
    this.#terms = terms
  }

  /**
   * Reads `{"name":["a"]}`, and `{"name":{"a":true}}` as old clients say it. Throws
   * ERR_INVALID_ARGUMENT for what is neither, too long, or not among `known`.
   */
  static parse(text: string | undefined, known: readonly string[]): FilterSet {
    if (text === undefined || text === '') return new FilterSet(new Map())
    if (text.length > FILTERS_BYTES_MAX) throw invalid('filters are too long', 'filters')
    const terms = new Map(Object.entries(parseObject(text)).map(([name, v]) => [name, termsOf(v)]))
    for (const name of terms.keys()) {
      if (!known.includes(name)) throw invalid(`Invalid filter '${name}'`, name)
    }
    return new FilterSet(terms)
  }

  /** What was asked for under a name; empty when nothing was. */
  get(name: string): readonly string[] {
    return this.#terms.get(name) ?? []
  }

  /** True when nothing was asked for under the name, or `fits` one of what was. */
  match(name: string, fits: (term: string) => boolean): boolean {
    const terms = this.get(name)
    return terms.length === 0 || terms.some(fits)
  }

  /** Labels: each term must fit, as `key` or `key=value`. */
  matchLabels(name: string, labels: Readonly<Record<string, string>>): boolean {
    return this.get(name).every((term) => hasLabel(labels, term))
  }

  /** `true`, `false`, or null when it was not asked. Throws ERR_INVALID_ARGUMENT. */
  flag(name: string): boolean | null {
    const terms = this.get(name)
    if (terms.length === 0) return null
    const [yes, no] = [terms.some(isYes), terms.some(isNo)]
    if (terms.every((term) => isYes(term) || isNo(term)) && yes !== no) return yes
    const expected = `must be "true" (or "1"), or "false" (or "0")`
    throw invalid(`invalid value for filter '${name}', ${expected}`, name)
  }
}

const isYes = (term: string): boolean => term === 'true' || term === '1'
const isNo = (term: string): boolean => term === 'false' || term === '0'

/** `key`, or `key=value`. */
export function hasLabel(labels: Readonly<Record<string, string>>, term: string): boolean {
  const at = term.indexOf('=')
  const key = at < 0 ? term : term.slice(0, at)
  if (!Object.hasOwn(labels, key)) return false
  return at < 0 || labels[key] === term.slice(at + 1)
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Told below, like whatever else is no object.
  }
  throw invalid('filters must be a JSON object of lists', 'filters')
}

/** A term that is switched off would filter nothing, and prune everything: it is no term. */
function termsOf(value: unknown): readonly string[] {
  const isList = Array.isArray(value) && value.every((term) => typeof term === 'string')
  if (isList) return value
  const isSet = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (isSet && Object.values(value).every((isOn) => isOn === true)) return Object.keys(value)
  throw invalid('filters must be a JSON object of lists', 'filters')
}

function invalid(message: string, subject: string): Error {
  return swarmError('ERR_INVALID_ARGUMENT', message, { subject })
}
