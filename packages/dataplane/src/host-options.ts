/** What a dataplane of a live host must be told when it is opened, whatever does the forwarding. */
import { valueError } from '@weft/core'

/** Options that the backends of a live host have in common. */
export interface HostOptions {
  /**
   * Which dataplane of this machine this is: 1 to 32 of `A-Z a-z 0-9 . _ -`, not starting with a
   * dot. Stands in every name and ownership mark, so it must be the same after a restart and
   * different for dataplanes that could meet.
   */
  readonly instance: string
  /** Path of the namespace whose addresses carry the tunnels; null for the process's own. */
  readonly underlayNamespace: string | null
  /** How often everything is read back although nothing was noticed, in milliseconds. */
  readonly auditIntervalMs: number
}

/** What must be given, and what may be. */
export type GivenOptions<Options extends HostOptions> = Pick<Options, 'instance'> &
  Partial<Options>

/** Longest instance name, in characters: marks must fit the 255 bytes of an `ifalias`. */
export const INSTANCE_LENGTH_MAX = 32

/** Usual time between audits, in milliseconds: a net under the notifications. */
export const AUDIT_INTERVAL_MS = 30_000

/**
 * Options for a host: the process's own namespace as the underlay, an audit every half minute;
 * what is given replaces that, and `usual` what a backend has besides. Throws ERR_INVALID_VALUE
 * for a malformed instance or interval.
 */
export function hostOptions<Own extends object>(
  given: GivenOptions<HostOptions & Own>,
  usual: Own,
): Readonly<HostOptions & Own> {
  const options: HostOptions & Own = {
    underlayNamespace: null,
    auditIntervalMs: AUDIT_INTERVAL_MS,
    ...usual,
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
