/** How a machine becomes a node: a token is turned into an identity (docker-wire §7.5). */
import { create } from '@bufbuild/protobuf'
import {
  describeError,
  hasCode,
  utf8Text,
  type Cancellable,
  type CancelSignal,
  type Clock,
  type Logger,
  type Random,
} from '@weft/core'
import {
  caDigest,
  GetRootCACertificateRequestSchema,
  isSwarmError,
  parseJoinToken,
  swarmError,
  type Certificates,
  type JoinToken,
  type ManagerDialer,
  type NodeAvailability,
  type NodeIdentity,
} from '@weft/swarm'
import { CancelSource, checkCancelled } from '../async/cancel-source.ts'
import { sleep } from '../async/waiting.ts'
import { CERTIFICATE_BYTES_MAX, issueCertificate } from './issue-certificate.ts'

/** Rounds over all addresses before it is given up, and the pause between two, as dockerd does. */
export const JOIN_ROUNDS_MAX = 5
const JOIN_PAUSE_MS = 2000

/** One call to a manager, in ms. */
const CALL_MS = 5000

/** Asking to be let in. */
export interface IdentityRequest extends Cancellable {
  /** `host:port` of managers; at least one. */
  readonly addresses: readonly string[]
  /** What `swarm join-token` printed. */
  readonly token: string
  readonly availability: NodeAvailability
}

/** What asking needs. */
export interface IdentityPorts {
  readonly dialer: ManagerDialer
  readonly certificates: Certificates
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** A node that was let in. */
export interface GrantedIdentity {
  readonly identity: NodeIdentity
  /** The manager that answered, of those that were given. */
  readonly manager: string
  /** Our own address on the connection to it: what to advertise when nothing is said. */
  readonly localIp: string
}

/**
 * Ask managers in turn for an identity. Throws SwarmErrors: ERR_INVALID_ARGUMENT for a token that
 * is none or not this cluster's, ERR_UNTRUSTED for a root that the token does not name or a clock
 * that is off, ERR_UNAVAILABLE when nobody answered; and the signal's reason.
 */
export async function requestIdentity(
  request: IdentityRequest,
  ports: IdentityPorts,
): Promise<GrantedIdentity> {
  const token = parseJoinToken(request.token)
  if (request.addresses.length === 0) {
    const text = 'at least one address of a manager is needed'
    throw swarmError('ERR_INVALID_ARGUMENT', text, { subject: 'addresses' })
  }
  const never = new CancelSource()
  const signal = request.signal ?? never
  let last: unknown = null
  for (let round = 1; round <= JOIN_ROUNDS_MAX; round++) {
    if (round > 1) await sleep(ports.clock, JOIN_PAUSE_MS, signal)
    for (const manager of request.addresses) {
      checkCancelled(signal)
      try {
        return await askOne({ request, token, manager, signal }, ports)
      } catch (error) {
        checkCancelled(signal)
        if (isFinal(error)) throw error
        last = error
        ports.log.info('manager did not let us in', { manager, reason: describeError(error) })
      }
    }
  }
  throw last
}

interface Asking {
  readonly request: IdentityRequest
  readonly token: JoinToken
  readonly manager: string
  readonly signal: CancelSignal
}

async function askOne(asking: Asking, ports: IdentityPorts): Promise<GrantedIdentity> {
  const { request, manager, signal } = asking
  const rootPem = await provenRoot(asking, ports)
  await using connection = ports.dialer.dial(manager, { kind: 'root', rootPem })
  const { token, availability } = request
  const wish = { connection, rootPem, token, availability, callMsMax: CALL_MS, signal }
  const identity = await issueCertificate(wish, ports)
  return { identity, manager, localIp: await connection.localIp() }
}

/** The cluster's root from whoever answers: that it is the right one, the token's digest proves. */
async function provenRoot(
  { token, manager, signal }: Asking,
  { dialer, certificates }: IdentityPorts,
): Promise<string> {
  await using connection = dialer.dial(manager, { kind: 'none' })
  const options = { signal, timeoutMs: CALL_MS }
  const message = create(GetRootCACertificateRequestSchema)
  const { certificate } = await connection.getRootCertificate(message, options)
  const isSized = certificate.length <= CERTIFICATE_BYTES_MAX
  if (!isSized || caDigest(certificates.sha256(certificate)) !== token.digest) {
    const problem = `remote CA does not match fingerprint. Expected: ${digestHex(token.digest)}`
    throw swarmError('ERR_UNTRUSTED', problem, { subject: manager, problem })
  }
  return utf8Text(certificate, 0, certificate.length)
}

/** A token's digest as Docker prints it. */
function digestHex(digest: string): string {
  let value = 0n
  for (const digit of digest) value = value * 36n + BigInt(parseInt(digit, 36))
  return value.toString(16).padStart(64, '0')
}

/** What no other manager and no other time would answer differently. */
function isFinal(error: unknown): boolean {
  if (!isSwarmError(error)) return false
  return !RETRIED.some((code) => hasCode(error, code))
}

const RETRIED = ['ERR_UNAVAILABLE', 'ERR_ABORTED', 'ERR_EXHAUSTED', 'ERR_OUT_OF_SEQUENCE'] as const
