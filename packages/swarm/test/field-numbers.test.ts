/** Field numbers are Docker's: the tables of docker-wire §7.5 to §7.8, against our descriptors. */
import type { DescMessage } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { MetaSchema, NodeSchema, SessionMessageSchema } from '../src/index.ts'

const FIELDS: { readonly [message: string]: string } = {
  GetRootCACertificateResponse: 'certificate=1',
  IssueNodeCertificateRequest: 'role=1 csr=2 token=3 availability=4',
  IssueNodeCertificateResponse: 'node_id=1 node_membership=2',
  NodeCertificateStatusRequest: 'node_id=1',
  NodeCertificateStatusResponse: 'status=1 certificate=2',
  IssuanceStatus: 'state=1 err=2',
  Certificate: 'role=1 csr=2 status=3 certificate=4 cn=5',
  SessionRequest: 'description=1 session_id=2',
  SessionMessage: 'session_id=1 node=2 managers=3 network_bootstrap_keys=4 root_ca=5',
  WeightedPeer: 'peer=1 weight=2',
  Peer: 'node_id=1 addr=2',
  EncryptionKey: 'subsystem=1 algorithm=2 key=3 lamport_time=4',
  HeartbeatRequest: 'session_id=1',
  HeartbeatResponse: 'period=1',
  UpdateTaskStatusRequest: 'session_id=1 updates=3',
  TaskStatusUpdate: 'task_id=1 status=2',
  AssignmentsRequest: 'session_id=1',
  AssignmentsMessage: 'type=1 applies_to=2 results_in=3 changes=4',
  AssignmentChange: 'assignment=1 action=2',
  Assignment: 'task=1 secret=2 config=3',
  AttachNetworkRequest: 'config=1 container_id=2',
  AttachNetworkResponse: 'attachment_id=1',
  NetworkAttachmentConfig: 'target=1 aliases=2 addresses=3 driver_attachment_opts=4',
  DetachNetworkRequest: 'attachment_id=1',
  HealthCheckRequest: 'service=1',
  HealthCheckResponse: 'status=1',
  Meta: 'version=1 created_at=2 updated_at=3',
  Version: 'index=1',
  Annotations: 'name=1 labels=2 indices=4',
  Node:
    'id=1 meta=2 spec=3 description=4 status=5 manager_status=6 attachment=7 certificate=8 ' +
    'role=9 attachments=10 vxlan_udp_port=11',
  NodeStatus: 'state=1 message=2 addr=3',
  ManagerStatus: 'raft_id=1 addr=2 leader=3 reachability=4',
  NodeSpec: 'annotations=1 desired_role=2 membership=3 availability=4',
  NodeDescription: 'hostname=1 platform=2 resources=3 engine=4 tls_info=5 fips=6',
  Platform: 'architecture=1 os=2',
  Resources: 'nano_cpus=1 memory_bytes=2',
  NodeTLSInfo: 'trust_root=1 cert_issuer_subject=2 cert_issuer_public_key=3',
  EngineDescription: 'engine_version=1 labels=2 plugins=3',
  PluginDescription: 'type=1 name=2',
  Task:
    'id=1 meta=2 spec=3 service_id=4 slot=5 node_id=6 annotations=7 service_annotations=8 ' +
    'status=9 desired_state=10 networks=11 endpoint=12 log_driver=13 spec_version=14',
  TaskSpec:
    'container=1 resources=2 restart=4 placement=5 log_driver=6 networks=7 attachment=8 ' +
    'force_update=9 generic=10',
  TaskStatus:
    'timestamp=1 state=2 message=3 err=4 container=5 port_status=6 applied_by=7 applied_at=8',
  ContainerStatus: 'container_id=1 pid=2 exit_code=3',
  NetworkAttachment: 'network=1 addresses=2 aliases=3 driver_attachment_opts=4',
  Network: 'id=1 meta=2 spec=3 driver_state=4 ipam=5 pending_delete=6',
  NetworkSpec:
    'annotations=1 driver_config=2 ipv6_enabled=3 internal=4 ipam=5 attachable=6 ingress=7 ' +
    'network=8',
  Driver: 'name=1 options=2',
  IPAMOptions: 'driver=1 configs=3',
  IPAMConfig: 'family=1 subnet=2 range=3 gateway=4 reserved=5',
  Endpoint: 'spec=1 ports=2 virtual_ips=3',
  EndpointSpec: 'mode=1 ports=2',
  PortConfig: 'name=1 protocol=2 target_port=3 published_port=4 publish_mode=5',
  RootCA: 'ca_key=1 ca_cert=2 ca_cert_hash=3 join_tokens=4 root_rotation=5 last_forced_rotation=6',
  JoinTokens: 'worker=1 manager=2',
  BlacklistedCertificate: 'expiry=1',
  Cluster:
    'id=1 meta=2 spec=3 root_ca=4 network_bootstrap_keys=5 encryption_key_lamport_clock=6 ' +
    'blacklisted_certificates=8 unlock_keys=9 fips=10 default_address_pool=11 subnet_size=12 ' +
    'vxlan_udp_port=13',
}

const messages: ReadonlyMap<string, DescMessage> = new Map(
  [MetaSchema, NodeSchema, SessionMessageSchema].flatMap(({ file }) =>
    file.messages.map((message) => [message.name, message] as const),
  ),
)

describe('field numbers', () => {
  it.each(Object.keys(FIELDS))('of %s are Docker’s, as far as we have the fields', (name) => {
    const theirs = new Map((FIELDS[name] ?? '').split(' ').map((one) => splitField(one)))
    const ours = messages.get(name)?.fields ?? []
    expect(ours.length).toBeGreaterThan(0)
    for (const field of ours) expect(theirs.get(field.name), field.name).toBe(field.number)
  })

  it('stand in the package whose name is in the paths', () => {
    for (const message of messages.values()) {
      expect(message.typeName).toBe(`docker.swarmkit.v1.${message.name}`)
    }
  })
})

function splitField(text: string): readonly [string, number] {
  const [name = '', number = ''] = text.split('=')
  return [name, Number(number)]
}
