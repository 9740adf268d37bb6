/** The cluster's certificate authority: who gets in, and stays in (docker-wire §7.5). */
import { create } from '@bufbuild/protobuf'
import { utf8Text, type Clock, type Entropy } from '@weft/core'
import {
  certificateRole,
  certificateValidity,
  createId,
  GetRootCACertificateResponseSchema,
  IssueNodeCertificateResponseSchema,
  isSwarmError,
  NodeAvailability,
  NodeCertificateStatusResponseSchema,
  NodeMembership,
  swarmError,
  type CallContext,
  type Certificates,
  type CertificateRole,
  type GetRootCACertificateResponse,
  type IssueNodeCertificateRequest,
  type IssueNodeCertificateResponse,
  type NodeCertificateStatusRequest,
  type NodeCertificateStatusResponse,
} from '@weft/swarm'
import { clusterOf, knownNode, nodeCertificateValidityMs, notFound } from './cluster-facts.ts'
import type { Draft } from './draft.ts'
import { roleOfToken } from './join-tokens.ts'
import { invalid } from './network-spec.ts'
import { certificateObject, nodeObject, type Issuance } from './node-object.ts'
import type { Objects } from './objects.ts'

/** Bytes of a certificate request in PEM; one for a P-256 key has some 400. */
export const CSR_BYTES_MAX = 8 << 10

/** Nodes of one cluster. Whoever has a token can fill it, and nothing else. */
export const NODES_MAX = 10_000

/** What signing needs. */
export interface AuthorityPorts {
  readonly certificates: Certificates
  readonly clock: Clock
  readonly entropy: Entropy
}

/**
 * A certificate is signed before its node is written, in one transaction: there are no nodes that
 * wait, and whoever asks for the status of one is answered at once.
 */
export class Authority {
  readonly #objects: Objects
  readonly #ports: AuthorityPorts

  constructor(objects: Objects, ports: AuthorityPorts) {
    this.#objects = objects
    this.#ports = ports
  }

  rootCertificate(): GetRootCACertificateResponse {
    const certificate = this.rootPem()
    return create(GetRootCACertificateResponseSchema, { certificate })
  }

  /** The root exactly as it is served: tokens hold its digest. */
  rootPem(): Uint8Array {
    return clusterOf(this.#objects.tables).rootCa?.caCert ?? new Uint8Array(0)
  }

  /**
   * Let a node in that shows a token, or renew the certificate of one that shows its own. Throws
   * ERR_INVALID_ARGUMENT, ERR_PERMISSION_DENIED, ERR_NOT_FOUND, ERR_EXHAUSTED, ERR_UNIMPLEMENTED.
   */
  async issue(
    request: IssueNodeCertificateRequest,
    { caller }: CallContext,
  ): Promise<IssueNodeCertificateResponse> {
    const { csr, token } = request
    if (csr.length === 0) throw invalid('InvalidArgument', 'csr')
    if (csr.length > CSR_BYTES_MAX) throw invalid('the certificate request is too large', 'csr')
    const nodeId =
      caller === null
        ? await this.#join(token, csr, availabilityOf(request))
        : await this.#renew(caller.nodeId, csr)
    const nodeMembership = NodeMembership.ACCEPTED
    return create(IssueNodeCertificateResponseSchema, { nodeId, nodeMembership })
  }

  /** What became of a request. Throws ERR_NOT_FOUND. */
  status({ nodeId }: NodeCertificateStatusRequest): NodeCertificateStatusResponse {
    const certificate = this.#objects.tables.get('node', nodeId)?.certificate
    if (certificate === undefined) throw notFound('node', nodeId)
    const { status } = certificate
    return create(NodeCertificateStatusResponseSchema, {
      certificate,
      ...(status === undefined ? {} : { status }),
    })
  }

  async #join(token: string, csr: Uint8Array, availability: NodeAvailability): Promise<string> {
    const role = roleFor(this.#objects.tables, token)
    const id = createId(this.#ports.entropy)
    const issuance = await this.#sign(id, role, { csr, previous: new Uint8Array(0) })
    await this.#objects.transact((draft) => {
      // The token may have been rotated meanwhile.
      roleFor(draft.tables, token)
      if (draft.tables.all('node').size >= NODES_MAX) {
        throw swarmError('ERR_EXHAUSTED', `the swarm has ${NODES_MAX} nodes`, { subject: 'nodes' })
      }
      const certificate = certificateObject({ nodeId: id, role, csr }, issuance)
      const cluster = clusterOf(draft.tables)
      draft.put('node', nodeObject(cluster, { id, role, availability, certificate }))
    })
    return id
  }

  async #renew(id: string, csr: Uint8Array): Promise<string> {
    const node = knownNode(this.#objects.tables, id)
    const role = certificateRole(node.role)
    const previous = node.certificate?.certificate ?? new Uint8Array(0)
    const issuance = await this.#sign(id, role, { csr, previous })
    await this.#objects.transact((draft) => {
      const certificate = certificateObject({ nodeId: id, role, csr }, issuance)
      draft.put('node', { ...knownNode(draft.tables, id), certificate })
    })
    return id
  }

  /** A request that cannot be signed is reported as the certificate's status, as Docker does. */
  async #sign(
    nodeId: string,
    role: CertificateRole,
    { csr, previous }: { readonly csr: Uint8Array; readonly previous: Uint8Array },
  ): Promise<Issuance> {
    const { certificates, clock } = this.#ports
    const cluster = clusterOf(this.#objects.tables)
    const [key, root] = [cluster.rootCa?.caKey ?? EMPTY, cluster.rootCa?.caCert ?? EMPTY]
    const authority = { keyPem: textOf(key), rootPem: textOf(root) }
    const validity = certificateValidity(clock.wall(), nodeCertificateValidityMs(cluster))
    const facts = { nodeId, clusterId: cluster.id, role, ...validity }
    try {
      return { certificatePem: await certificates.sign(authority, textOf(csr), facts) }
    } catch (error) {
      if (!isSwarmError(error)) throw error
      return { problem: `failed to sign node certificate: ${error.message}`, previous }
    }
  }
}

const EMPTY = new Uint8Array(0)

function textOf(bytes: Uint8Array): string {
  return utf8Text(bytes, 0, bytes.length)
}

/** Throws ERR_INVALID_ARGUMENT for a token that is none of ours. */
function roleFor(tables: Draft['tables'], token: string): CertificateRole {
  const role = roleOfToken(clusterOf(tables).rootCa?.joinTokens, token)
  if (role === null) {
    throw invalid('A valid join token is necessary to join this cluster', 'join token')
  }
  if (role === 'worker') return role
  const message =
    'this swarm has one manager and cannot take another yet: join with the worker token'
  throw swarmError('ERR_UNIMPLEMENTED', message, { subject: 'manager token' })
}

function availabilityOf({ availability }: IssueNodeCertificateRequest): NodeAvailability {
  if (availability in AVAILABILITY_NAMES) return availability
  throw invalid(`unknown availability: ${availability}`, 'availability')
}

const AVAILABILITY_NAMES: { readonly [value: number]: true } = {
  [NodeAvailability.ACTIVE]: true,
  [NodeAvailability.PAUSE]: true,
  [NodeAvailability.DRAIN]: true,
}
