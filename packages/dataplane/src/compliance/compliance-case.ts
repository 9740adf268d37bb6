/** One promise of the contract as data: what it is, what it needs, and how to find out. */
import type { Check } from './check.ts'
import type { Lab, LabOptions } from './lab.ts'

/** The families that cases belong to; a case's name begins with its family. */
export type CaseFamily =
  | 'apply'
  | 'forward'
  | 'neighbour'
  | 'adopt'
  | 'repair'
  | 'seal'
  | 'close'

/**
 * A capability by name (see `capabilityName`), or what a world has (see `labName`); or the lack of
 * one: `without overlay-family:6`.
 */
export type Requirement = string

/** A promise that every backend keeps, with the procedure that would catch it lying. */
export interface ComplianceCase {
  /** Unique: `family/what`. */
  readonly name: `${CaseFamily}/${string}`
  /** The promise, as a sentence for people. */
  readonly promise: string
  readonly requires: readonly Requirement[]
  /** The world it needs, where that differs from `LAB_DEFAULTS`. */
  readonly world: Partial<LabOptions>
  /**
   * Whether every tunnel datagram can be accounted for at the end: false where the case injects
   * datagrams, cuts links, or closes the dataplanes whose counters would tell.
   */
  readonly conserves: boolean
  /**
   * Whether nothing of what endpoints send may be read on the underlay, where networks are
   * encrypted: false where the case itself puts such a thing there.
   */
  readonly dark: boolean
  /** Rejects when the promise is broken; a CheckFailure says how. */
  run(lab: Lab, check: Check): Promise<void>
}

/** The world of a case that asks for nothing else. */
export const LAB_DEFAULTS: LabOptions = { underlay: 4, underlayMtuBytes: 1500 }

/** A case with the usual world; `parts` says what is particular. */
export function defineCase(
  parts: Pick<ComplianceCase, 'name' | 'promise' | 'run'> & Partial<ComplianceCase>,
): ComplianceCase {
  return { requires: [], world: {}, conserves: true, dark: true, ...parts }
}
