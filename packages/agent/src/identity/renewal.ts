/** Keeps this node's certificate fresh: before it ends, and when a manager wants another. */
import {
  describeError,
  equalBytes,
  instantAfter,
  utf8Bytes,
  utf8Text,
  type Clock,
  type Instant,
  type Logger,
  type Random,
} from '@weft/core'
import {
  Backoff,
  certificateRole,
  IssuanceState,
  NodeAvailability,
  renewalInstant,
  validityProblem,
  type CertificateFacts,
  type Certificates,
  type NodeIdentity,
  type SessionMessage,
} from '@weft/swarm'
import type { AgentTunables } from '../agent-options.ts'
import { CancelSource } from '../async/cancel-source.ts'
import type { Sessions } from '../session/sessions.ts'
import { CERTIFICATE_BYTES_MAX, issueCertificate, untrusted } from './issue-certificate.ts'

/** Two attempts are this far apart at least, in ms, whatever a manager wants. */
const ATTEMPT_MS = 1000

/** What renewing needs. */
export interface RenewalParts {
  readonly certificates: Certificates
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly tunables: AgentTunables
  readonly sessions: () => Pick<Sessions, 'call' | 'isOpen' | 'reopen'>
  readonly save: (identity: NodeIdentity) => Promise<void>
  /** A new identity was written down, and is in use from here on. */
  readonly onIdentity: (identity: NodeIdentity) => void
}

/** Why a manager wants another certificate than the one in use. */
type Wish = 'rotation' | 'role' | 'root'

/** Holds the identity in use. */
export class Renewal {
  readonly #parts: RenewalParts
  readonly #stop = new CancelSource()
  readonly #backoff: Backoff
  #identity: NodeIdentity
  #facts: CertificateFacts
  #renewAt: number
  #wish: Wish | null = null
  #attemptAt: Instant
  #timer: Disposable | null = null
  #renewing: Promise<void> | null = null

  private constructor(identity: NodeIdentity, facts: CertificateFacts, parts: RenewalParts) {
    const { clock, random, tunables } = parts
    this.#parts = parts
    this.#identity = identity
    this.#facts = facts
    this.#renewAt = renewalInstant(facts, random)
    this.#attemptAt = clock.now()
    const lastMs = Math.max(ATTEMPT_MS, tunables.certificateCheckMs)
    this.#backoff = new Backoff({ firstMs: ATTEMPT_MS, lastMs }, random.fork('renewal'))
  }

  /** Throws ERR_UNTRUSTED for an identity that is none. An expired one is one. */
  static async open(identity: NodeIdentity, parts: RenewalParts): Promise<Renewal> {
    const facts = await parts.certificates.read(identity.certificatePem, identity.rootPem)
    return new Renewal(identity, facts, parts)
  }

  get identity(): NodeIdentity {
    return this.#identity
  }

  /** Why the certificate is no good just now; empty when it is. */
  get problem(): string {
    return validityProblem(this.#facts, this.#parts.clock.wall()) ?? ''
  }

  /** Look now, and from now on now and then: wall time may jump. */
  check(): void {
    const { clock, tunables, sessions } = this.#parts
    if (this.#stop.aborted) return
    this.#timer?.[Symbol.dispose]()
    const now = clock.now()
    const isDue = this.#wish !== null || clock.wall() >= this.#renewAt
    if (isDue && now >= this.#attemptAt && sessions().isOpen) this.#renewing ??= this.#renew()
    const next = instantAfter(now, tunables.certificateCheckMs)
    const isSoon = isDue && this.#attemptAt > now && this.#attemptAt < next
    this.#timer = clock.schedule(isSoon ? this.#attemptAt : next, () => this.check())
  }

  /** What a manager says of us: it may want another certificate. */
  hear({ node, rootCa }: SessionMessage): void {
    const { role, rootPem } = this.#identity
    const desired = node?.spec?.desiredRole
    if (node?.certificate?.status?.state === IssuanceState.ROTATE) this.#wish = 'rotation'
    else if (desired !== undefined && certificateRole(desired) !== role) this.#wish = 'role'
    else if (this.#wish !== 'root') this.#wish = null
    if (!equalBytes(rootCa, utf8Bytes(rootPem)) && rootCa.length > 0) void this.#trust(rootCa)
    this.check()
  }

  async close(): Promise<void> {
    this.#stop.cancel(new Error('the node stops'))
    this.#timer?.[Symbol.dispose]()
    await this.#renewing
  }

  /** It came from a manager that the root of before vouches for, and has to be one all the same. */
  async #trust(root: Uint8Array): Promise<void> {
    const { certificates, log } = this.#parts
    const rootPem = utf8Text(root, 0, Math.min(root.length, CERTIFICATE_BYTES_MAX))
    try {
      if (root.length > CERTIFICATE_BYTES_MAX) throw untrusted('root', 'the root is too long')
      await certificates.readRoot(rootPem)
    } catch (error) {
      log.warn('the root of a manager cannot be used', { reason: describeError(error) })
      return
    }
    this.#identity = { ...this.#identity, rootPem }
    this.#wish = 'root'
    this.check()
  }

  async #renew(): Promise<void> {
    const { certificates, clock, random, log, tunables, sessions, save } = this.#parts
    this.#attemptAt = instantAfter(clock.now(), this.#backoff.nextMs())
    const wish = {
      rootPem: this.#identity.rootPem,
      token: '',
      availability: NodeAvailability.ACTIVE,
      callMsMax: tunables.callMsMax,
      signal: this.#stop,
    }
    try {
      const identity = await sessions().call(
        (connection) => issueCertificate({ ...wish, connection }, { certificates, clock, random }),
        { signal: this.#stop },
      )
      const facts = await certificates.read(identity.certificatePem, identity.rootPem)
      const { nodeId, clusterId } = this.#identity
      if (identity.nodeId !== nodeId || identity.clusterId !== clusterId) {
        throw untrusted(nodeId, 'the certificate makes another node of us')
      }
      await save(identity)
      this.#take(identity, facts)
    } catch (error) {
      log.warn('certificate not renewed', { reason: describeError(error) })
    } finally {
      this.#renewing = null
      this.check()
    }
  }

  #take(identity: NodeIdentity, facts: CertificateFacts): void {
    const isWished = identity.role !== this.#identity.role || this.#wish !== 'role'
    this.#identity = identity
    this.#facts = facts
    this.#renewAt = renewalInstant(facts, this.#parts.random)
    this.#wish = null
    if (isWished) this.#backoff.reset()
    this.#parts.onIdentity(identity)
    this.#parts.sessions().reopen()
  }
}
