/** What a kernel dataplane must be told when it is opened: a complete value from one function. */
import { valueError } from '@weft/core'

/** Options of the kernel backend. Complete: nothing is filled in later. */
export interface KernelOptions {
  /**
   * Which dataplane of this machine this is: 1 to 32 of `A-Z a-z 0-9 . _ -`, not starting with a
   * dot. Stands in every name and ownership mark, so it must be the same after a restart and
   * different for dataplanes that share a namespace directory.
   */
  readonly instance: string
  /** Path of the namespace whose addresses carry the tunnels; null for the process's own. */
  readonly underlayNamespace: string | null
  /** Where named network namespaces live; `ip netns` knows only `/run/netns`. */
  readonly namespaceDirectory: string
  /** How often everything is read back although nothing was notified, in milliseconds. */
  readonly auditIntervalMs: number
}

/** Longest instance name, in characters: marks must fit the 255 bytes of an `ifalias`. */
export const INSTANCE_LENGTH_MAX = 32

/** Usual time between audits, in milliseconds: a net under the notifications. */
export const AUDIT_INTERVAL_MS = 30_000

/**
 * Options for a host: the process's own namespace as the underlay, `/run/netns`, an audit every
 * half minute; what is given replaces that. Throws ERR_INVALID_VALUE for a malformed instance or
 * interval.
 */
export function kernelOptions(
  given: Pick<KernelOptions, 'instance'> & Partial<KernelOptions>,
): KernelOptions {
  const options: KernelOptions = {
    underlayNamespace: null,
    namespaceDirectory: '/run/netns',
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
