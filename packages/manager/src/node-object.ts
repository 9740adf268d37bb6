/** Nodes as SwarmKit writes them. */
import { create } from '@bufbuild/protobuf'
import { utf8Bytes } from '@weft/core'
import {
  AnnotationsSchema,
  CertificateSchema,
  IssuanceState,
  IssuanceStatusSchema,
  ManagerStatusSchema,
  NodeMembership,
  nodeRole,
  NodeSchema,
  NodeSpecSchema,
  NodeState,
  NodeStatusSchema,
  Reachability,
  type Certificate,
  type CertificateRole,
  type Cluster,
  type ManagerStatus,
  type Node,
  type NodeAvailability,
  type NodeStatus,
} from '@weft/swarm'

/** The UDP port of VTEPs, unless the cluster has another (docker-wire §1.3). */
const VXLAN_PORT = 4789

/** A signed certificate, or the words why there is none. */
export type Issuance =
  | { readonly certificatePem: string }
  | { readonly problem: string; readonly previous: Uint8Array }

/** What a node asks a certificate with, and what became of it. */
export function certificateObject(
  { nodeId, role, csr }: { nodeId: string; role: CertificateRole; csr: Uint8Array },
  issuance: Issuance,
): Certificate {
  const subject = { role: nodeRole(role), csr, cn: nodeId }
  if ('certificatePem' in issuance) {
    const status = create(IssuanceStatusSchema, { state: IssuanceState.ISSUED })
    const certificate = utf8Bytes(issuance.certificatePem)
    return create(CertificateSchema, { ...subject, status, certificate })
  }
  const { problem, previous } = issuance
  const status = create(IssuanceStatusSchema, { state: IssuanceState.FAILED, err: problem })
  return create(CertificateSchema, { ...subject, status, certificate: previous })
}

/** A node that has joined and was not heard of yet. */
export function nodeObject(
  cluster: Cluster,
  {
    id,
    role,
    availability,
    certificate,
  }: {
    readonly id: string
    readonly role: CertificateRole
    readonly availability: NodeAvailability
    readonly certificate: Certificate
  },
): Node {
  return create(NodeSchema, {
    id,
    role: nodeRole(role),
    spec: create(NodeSpecSchema, {
      annotations: create(AnnotationsSchema),
      desiredRole: nodeRole(role),
      membership: NodeMembership.ACCEPTED,
      availability,
    }),
    status: nodeStatus(NodeState.UNKNOWN),
    certificate,
    vxlanUdpPort: cluster.vxlanUdpPort === 0 ? VXLAN_PORT : cluster.vxlanUdpPort,
  })
}

/** The status of a node. */
export function nodeStatus(state: NodeState, message = '', addr = ''): NodeStatus {
  return create(NodeStatusSchema, { state, message, addr })
}

/** The status of the only manager, which leads. */
export function leaderStatus(addr: string): ManagerStatus {
  const reachability = Reachability.REACHABLE
  return create(ManagerStatusSchema, { raftId: 1n, addr, leader: true, reachability })
}
