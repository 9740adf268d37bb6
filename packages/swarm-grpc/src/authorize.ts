/** Who may call what, before any service is reached (docker-wire §7.3). */
import {
  certificateUnit,
  METHOD_ACCESS,
  swarmError,
  validityProblem,
  type Caller,
  type CertificateFacts,
  type ManagerMethod,
} from '@weft/swarm'

/** What the TLS handshake proved of the other side. */
export type Peer =
  | { readonly kind: 'stranger' }
  | { readonly kind: 'node'; readonly facts: CertificateFacts }
  /** It showed a certificate that is no good; `problem` says why. */
  | { readonly kind: 'refused'; readonly problem: string }

/** A call that is to be let in, or not. */
export interface Admission {
  readonly method: ManagerMethod
  readonly peer: Peer
  /** The cluster that the manager serves. */
  readonly clusterId: string
  /** Wall time in epoch ms. */
  readonly wall: number
}

const PREFIX =
  'Permission denied: unauthorized peer role: rpc error: code = PermissionDenied desc ='
const MANAGER = certificateUnit('manager')

/**
 * Who calls; null for a stranger where strangers may. Throws ERR_PERMISSION_DENIED with Docker's
 * words. A certificate is looked at again at each call: connections outlive certificates.
 */
export function authorize({ method, peer, clusterId, wall }: Admission): Caller | null {
  const access = METHOD_ACCESS[method]
  // Docker breaks off the handshake. A status says the same, and why.
  if (peer.kind === 'refused') throw denied(`Permission denied: ${peer.problem}`)
  if (peer.kind === 'stranger') {
    if (access === 'anyone') return null
    throw denied(`${PREFIX} no client certificates in request`)
  }
  const { facts } = peer
  const problem = validityProblem(facts, wall)
  if (problem !== null) throw denied(`Permission denied: ${problem}`)
  if (access === 'manager' && facts.role !== 'manager') throw denied(outsideOf(MANAGER))
  if (facts.clusterId !== clusterId) {
    const text = `remote certificate not part of organization: ${clusterId}`
    throw denied(`${PREFIX} Permission denied: ${text}`)
  }
  return { nodeId: facts.nodeId, clusterId: facts.clusterId, role: facts.role }
}

function outsideOf(unit: string): string {
  return `${PREFIX} Permission denied: remote certificate not part of OUs: [${unit}]`
}

function denied(message: string): Error {
  return swarmError('ERR_PERMISSION_DENIED', message, { subject: 'certificate' })
}
