/** A law of the repository: what it looks for, and how it says what it found. */
import type { Repository } from './repository.ts'

/** One place that breaks a law, with what to do about it. */
export interface Offence {
  readonly path: string
  /** From 1; left out when the file as a whole offends. */
  readonly line?: number
  readonly what: string
  readonly instead: string
}

/** A property that every commit keeps. */
export interface Law {
  /** A sentence that is true when nothing offends. */
  readonly name: string
  find(repository: Repository): readonly Offence[]
}

/** One line for people: where, what, and the replacement. */
export function describeOffence({ path, line, what, instead }: Offence): string {
  const place = line === undefined ? path : `${path}:${line}`
  return `${place}: ${what} → ${instead}`
}
