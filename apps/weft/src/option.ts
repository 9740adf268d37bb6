/** Options of commands: what they are called, what they take, and what the user gave. */
import { CommandFailure, EXIT_USAGE } from './command-failure.ts'

/** One option. */
export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string
  /** One letter. */
  readonly short?: string
  /** What it takes, as help shows it (`string`, `list`, `duration`); left out for a switch. */
  readonly value?: string
  readonly about: string
}

/** The options of one call. What a command asks for and does not have is a bug. */
export class Options {
  readonly #given: ReadonlyMap<string, readonly string[]>

  constructor(given: ReadonlyMap<string, readonly string[]>) {
    this.#given = given
  }

  /** True when any was given. */
  hasAny(): boolean {
    return this.#given.size > 0
  }

  /** True when it was given, whatever its value. */
  has(name: string): boolean {
    return this.#given.has(name)
  }

  /** The last value given; empty when none was. */
  text(name: string): string {
    return this.#given.get(name)?.at(-1) ?? ''
  }

  /** Null when it was not given. */
  textOrNull(name: string): string | null {
    return this.#given.get(name)?.at(-1) ?? null
  }

  /** All values in their order. */
  list(name: string): readonly string[] {
    return this.#given.get(name) ?? []
  }

  /** All values, where `a,b` is two. */
  splitList(name: string): readonly string[] {
    return this.list(name).flatMap((text) => text.split(','))
  }

  /** `key=value` pairs; a key alone has an empty value. */
  pairs(name: string): Record<string, string> {
    return Object.fromEntries(this.list(name).map(pairOf))
  }

  /** A whole number from 0; null when not given. Throws CommandFailure. */
  count(name: string): number | null {
    const text = this.textOrNull(name)
    if (text === null) return null
    if (/^\d{1,10}$/.test(text) && Number(text) <= 0xffff_ffff) return Number(text)
    const problem = `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`
    throw new OptionFailure(name, text, problem)
  }
}

/** Splits at the first `=`. */
export function pairOf(text: string): readonly [string, string] {
  const at = text.indexOf('=')
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

/** An option with a value that it does not take; the program says which command it was. */
export class OptionFailure extends Error {
  override readonly name = 'OptionFailure'
  readonly #option: string
  readonly #text: string
  readonly #problem: string

  constructor(option: string, text: string, problem: string) {
    super(problem)
    this.#option = option
    this.#text = text
    this.#problem = problem
  }

  /** As pflag says it, with both names of the option. */
  at(path: string, options: readonly OptionSpec[]): CommandFailure {
    const short = options.find(({ name }) => name === this.#option)?.short
    const label = `${short === undefined ? '' : `-${short}, `}--${this.#option}`
    const what = `invalid argument ${JSON.stringify(this.#text)} for "${label}" flag`
    return new CommandFailure(`${what}: ${this.#problem}\nSee '${path} --help'.`, EXIT_USAGE)
  }
}
