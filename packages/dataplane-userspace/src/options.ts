/** What a userspace dataplane is told when it is opened: a complete value from one function. */
import { valueError } from '@weft/core'

/** Options of the userspace backend. Complete: nothing is filled in later. */
export interface UserspaceOptions {
  /**
   * Which dataplane of this machine this is: 1 to 32 of `A-Z a-z 0-9 . _ -`, not starting with a
   * dot. Stands in every ownership mark.
   */
  readonly instance: string
  /** Path of the namespace whose addresses carry the tunnels; null for the process's own. */
  readonly underlayNamespace: string | null
  /** How often everything is read back although nothing was noticed, in milliseconds. */
  readonly auditIntervalMs: number
}

/** Longest instance name, in characters: marks must fit the 255 bytes of an `ifalias`. */
export const INSTANCE_LENGTH_MAX = 32

/** Usual time between audits, in milliseconds. */
export const AUDIT_INTERVAL_MS = 30_000

/**
 * Options for a host: the process's own namespace as the underlay, an audit every half minute;
 * what is given replaces that. Throws ERR_INVALID_VALUE for a malformed instance or interval.
 */
export function userspaceOptions(
  given: Pick<UserspaceOptions, 'instance'> & Partial<UserspaceOptions>,
): UserspaceOptions {
  const options: UserspaceOptions = {
    underlayNamespace: null,
    auditIntervalMs: AUDIT_INTERVAL_MS,
    ...given,
  }
  checkInstance(options.instance)
  checkInterval(options.auditIntervalMs)
  return Object.freeze(options)
}

const INSTANCE = new RegExp(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,${INSTANCE_LENGTH_MAX - 1}}$`)

function checkInstance(instance: string): void {
  if (INSTANCE.test(instance)) return
  throw valueError('ERR_INVALID_VALUE', 'not an instance name', {
    kind: 'instance',
    text: instance,
    expected: `1 to ${INSTANCE_LENGTH_MAX} of A-Z a-z 0-9 . _ -, not starting with a dot`,
  })
}

function checkInterval(ms: number): void {
  if (Number.isFinite(ms) && ms > 0) return
  throw valueError('ERR_INVALID_VALUE', 'not an interval', {
    kind: 'auditIntervalMs',
    text: String(ms),
    expected: 'a number of milliseconds above 0',
  })
}
