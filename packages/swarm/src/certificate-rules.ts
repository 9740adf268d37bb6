/** The rules that Docker makes and renews certificates by (docker-wire §7.3, §7.5). */
import { assert, type Random } from '@weft/core'
import type { CertificateFacts, CertificateRole } from './certificates.ts'
import { swarmError } from './swarm-errors.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Lengths of time of certificates, in ms, and the names in them. */
export const CERTIFICATE_RULES = {
  /** Certificates begin this long ago, for clocks that are behind. */
  backdateMs: HOUR_MS,
  /** What a node's certificate is good for, when the cluster says nothing. */
  validityMs: 90 * DAY_MS,
  /** The shortest validity that a cluster may set. */
  validityMsMin: HOUR_MS,
  rootValidityMs: 7_300 * DAY_MS,
  /** Common name of a root, and the name a manager is asked for by who has no certificate. */
  rootName: 'swarm-ca',
  /** The name a manager is asked for by nodes of the cluster. */
  managerName: 'swarm-manager',
  /** Renewal falls between these parts of the validity. */
  renewalPercentMin: 50,
  renewalPercentMax: 80,
} as const

/** The OU of a role. */
export function certificateUnit(role: CertificateRole): 'swarm-worker' | 'swarm-manager' {
  return role === 'manager' ? 'swarm-manager' : 'swarm-worker'
}

/** The role of an OU; null when it is none of ours. */
export function roleOfUnit(unit: string): CertificateRole | null {
  if (unit === 'swarm-manager') return 'manager'
  return unit === 'swarm-worker' ? 'worker' : null
}

/** The DNS names in a node's certificate, in Docker's order. */
export function certificateDnsNames(role: CertificateRole, nodeId: string): readonly string[] {
  const names = [certificateUnit(role), nodeId]
  return role === 'manager' ? [...names, CERTIFICATE_RULES.rootName] : names
}

/** From when to when a certificate signed at `wall` is good. Epoch ms, in whole seconds. */
export function certificateValidity(
  wall: number,
  validityMs: number,
): Pick<CertificateFacts, 'notBefore' | 'notAfter'> {
  assert(validityMs >= CERTIFICATE_RULES.validityMsMin, 'certificates last an hour at least')
  const second = wall - (wall % 1000)
  return { notBefore: second - CERTIFICATE_RULES.backdateMs, notAfter: second + validityMs }
}

/**
 * When to renew a certificate: wall time in epoch ms, between 50 % and 80 % of its validity, by
 * chance, so that nodes that joined together do not come together.
 */
export function renewalInstant(
  facts: Pick<CertificateFacts, 'notBefore' | 'notAfter'>,
  random: Random,
): number {
  const { renewalPercentMin, renewalPercentMax } = CERTIFICATE_RULES
  const seconds = Math.max(0, Math.floor((facts.notAfter - facts.notBefore) / 1000))
  const earliest = Math.floor((seconds * renewalPercentMin) / 100)
  const latest = Math.floor((seconds * renewalPercentMax) / 100)
  return facts.notBefore + (earliest + random.below(latest - earliest + 1)) * 1000
}

/** True from the last point on at which a certificate should have been renewed. */
export function isCertificateDue(
  facts: Pick<CertificateFacts, 'notBefore' | 'notAfter'>,
  wall: number,
): boolean {
  const validityMs = facts.notAfter - facts.notBefore
  return wall >= facts.notBefore + (validityMs * CERTIFICATE_RULES.renewalPercentMax) / 100
}

/** Why a certificate is not good at `wall`; null when it is. A clock that is wrong is blamed. */
export function validityProblem(
  facts: Pick<CertificateFacts, 'notBefore' | 'notAfter'>,
  wall: number,
): string | null {
  if (wall < facts.notBefore) {
    const ahead = Math.ceil((facts.notBefore - wall) / 1000)
    return `certificate is not yet valid: it begins ${ahead} s from now; check the clocks`
  }
  if (wall <= facts.notAfter) return null
  const since = Math.ceil((wall - facts.notAfter) / 1000)
  return `certificate has expired ${since} s ago, or the clock is wrong`
}

/** Throws ERR_UNTRUSTED with the `validityProblem`, if there is one. */
export function checkValidity(facts: CertificateFacts, wall: number): void {
  const problem = validityProblem(facts, wall)
  if (problem === null) return
  throw swarmError('ERR_UNTRUSTED', problem, { subject: facts.nodeId, problem })
}
