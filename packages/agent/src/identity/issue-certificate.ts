/** One certificate from one manager: asked for, waited for, read (docker-wire §7.5). */
import { create } from '@bufbuild/protobuf'
import {
  equalBytes,
  utf8Bytes,
  utf8Text,
  type CancelSignal,
  type Clock,
  type Random,
} from '@weft/core'
import {
  Backoff,
  IssuanceState,
  IssueNodeCertificateRequestSchema,
  NodeCertificateStatusRequestSchema,
  SESSION_BACKOFF,
  swarmError,
  validityProblem,
  type Certificate,
  type Certificates,
  type ManagerConnection,
  type NodeAvailability,
  type NodeIdentity,
} from '@weft/swarm'
import { sleep } from '../async/waiting.ts'

/** Bytes of a certificate chain that is taken from a manager. */
export const CERTIFICATE_BYTES_MAX = 65_536

/** What issuing needs. */
export interface IssuePorts {
  readonly certificates: Certificates
  readonly clock: Clock
  readonly random: Random
}

/** A wish for a certificate. */
export interface IssueRequest {
  readonly connection: ManagerConnection
  readonly rootPem: string
  /** Empty: the connection shows who we are. */
  readonly token: string
  readonly availability: NodeAvailability
  /** How long each call may take, in ms; the manager holds the second until the state is final. */
  readonly callMsMax: number
  readonly signal: CancelSignal
}

/**
 * A fresh key with a certificate for it. Throws SwarmErrors: ERR_INVALID_ARGUMENT for a token that
 * is not this cluster's, ERR_UNTRUSTED for a certificate that is not what was asked for, or not
 * valid by our clock.
 */
export async function issueCertificate(
  request: IssueRequest,
  ports: IssuePorts,
): Promise<NodeIdentity> {
  const { connection, token, availability, callMsMax: timeoutMs, rootPem, signal } = request
  const { keyPem, requestPem } = await ports.certificates.createRequest()
  const csr = utf8Bytes(requestPem)
  const message = create(IssueNodeCertificateRequestSchema, { csr, token, availability })
  const { nodeId } = await connection.issueNodeCertificate(message, { signal, timeoutMs })
  const certificate = await issued(request, { nodeId, csr }, ports)
  const bytes = certificate.certificate
  if (bytes.length > CERTIFICATE_BYTES_MAX) throw untrusted(nodeId, 'the certificate is too long')
  const certificatePem = utf8Text(bytes, 0, bytes.length)
  const facts = await ports.certificates.read(certificatePem, rootPem)
  if (facts.nodeId !== nodeId) throw untrusted(nodeId, 'the certificate is of another node')
  const problem = validityProblem(facts, ports.clock.wall())
  if (problem !== null) throw untrusted(nodeId, problem)
  const { clusterId, role } = facts
  return { nodeId, clusterId, role, certificatePem, keyPem, rootPem }
}

/** The certificate for our request; an older one of this node is waited over. */
async function issued(
  { connection, callMsMax: timeoutMs, signal }: IssueRequest,
  { nodeId, csr }: { readonly nodeId: string; readonly csr: Uint8Array },
  { clock, random }: IssuePorts,
): Promise<Certificate> {
  const backoff = new Backoff(SESSION_BACKOFF, random.fork('issuance'))
  for (;;) {
    const message = create(NodeCertificateStatusRequestSchema, { nodeId })
    const answer = await connection.nodeCertificateStatus(message, { signal, timeoutMs })
    const { status, certificate } = answer
    if (status?.state === IssuanceState.FAILED) {
      throw untrusted(nodeId, status.err === '' ? 'the manager did not sign' : status.err)
    }
    const isFinal = status?.state === IssuanceState.ISSUED || status?.state === IssuanceState.ROTATE
    if (isFinal && certificate !== undefined && equalBytes(certificate.csr, csr)) {
      return certificate
    }
    await sleep(clock, backoff.nextMs(), signal)
  }
}

/** ERR_UNTRUSTED of `subject`, whose `problem` it is. */
export function untrusted(subject: string, problem: string): Error {
  return swarmError('ERR_UNTRUSTED', problem, { subject, problem })
}
