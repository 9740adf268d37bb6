/** From what Docker's API shows back to the objects behind it, to show them again with our code. */
import { create } from '@bufbuild/protobuf'
import { parseIp, parseMac } from '@weft/core'
import {
  ClusterSchema,
  NetworkSchema,
  NodeMembership,
  NodeSchema,
  type AttachmentView,
  type Cluster,
  type LocalNetworkView,
  type Network,
  type Node,
  type NodeAvailability,
  type NodeRole,
  type NodeState,
  type Reachability,
} from '@weft/swarm'
import type { NetworkContainerJson, NetworkJson } from '../src/objects/network-json.ts'
import type { NodeJson } from '../src/objects/node-json.ts'
import type { SwarmJson } from '../src/objects/swarm-json.ts'

export function momentOf(text: string): { seconds: bigint; nanos: number } {
  const fraction = /\.(\d+)Z$/.exec(text)?.[1] ?? ''
  return {
    seconds: BigInt(Math.floor(Date.parse(text) / 1000)),
    nanos: Number(fraction.padEnd(9, '0')),
  }
}

interface Dated {
  readonly Version: { readonly Index: number }
  readonly CreatedAt: string
  readonly UpdatedAt: string
}

function metaOf({ Version, CreatedAt, UpdatedAt }: Dated) {
  return {
    version: { index: BigInt(Version.Index) },
    createdAt: momentOf(CreatedAt),
    updatedAt: momentOf(UpdatedAt),
  }
}

function bytesOf(base64: string | undefined): Uint8Array {
  return new Uint8Array(Buffer.from(base64 ?? '', 'base64'))
}

export function clusterOf(json: SwarmJson): Cluster {
  const span = (nanos: number | undefined): { seconds: bigint } => ({
    seconds: BigInt((nanos ?? 0) / 1_000_000_000),
  })
  return create(ClusterSchema, {
    id: json.ID,
    meta: metaOf(json),
    spec: {
      annotations: { name: json.Spec.Name, labels: { ...json.Spec.Labels } },
      caConfig: { nodeCertExpiry: span(json.Spec.CAConfig.NodeCertExpiry) },
      dispatcher: { heartbeatPeriod: span(json.Spec.Dispatcher.HeartbeatPeriod) },
    },
    rootCa: {
      caCert: new TextEncoder().encode(json.TLSInfo.TrustRoot),
      joinTokens: { worker: json.JoinTokens.Worker, manager: json.JoinTokens.Manager },
    },
    defaultAddressPool: [...json.DefaultAddrPool],
    subnetSize: json.SubnetSize,
    vxlanUdpPort: json.DataPathPort,
  })
}

const REACHABILITY = ['unknown', 'unreachable', 'reachable']

/** Enums are positions of words. */
const position = <Word extends number>(words: readonly string[], word: string): Word =>
  words.indexOf(word) as Word

export function nodeOf(json: NodeJson): Node {
  const { Description: description, ManagerStatus: manager, Status: status } = json
  return create(NodeSchema, {
    id: json.ID,
    meta: metaOf(json),
    spec: nodeSpecOf(json),
    description: {
      hostname: description.Hostname ?? '',
      platform: {
        architecture: description.Platform.Architecture ?? '',
        os: description.Platform.OS ?? '',
      },
      resources: {
        nanoCpus: BigInt(description.Resources.NanoCPUs ?? 0),
        memoryBytes: BigInt(description.Resources.MemoryBytes ?? 0),
      },
      engine: {
        engineVersion: description.Engine.EngineVersion ?? '',
        plugins: (description.Engine.Plugins ?? []).map(({ Type, Name }) => ({
          type: Type,
          name: Name,
        })),
      },
      tlsInfo: {
        trustRoot: new TextEncoder().encode(description.TLSInfo.TrustRoot),
        certIssuerSubject: bytesOf(description.TLSInfo.CertIssuerSubject),
        certIssuerPublicKey: bytesOf(description.TLSInfo.CertIssuerPublicKey),
      },
    },
    status: {
      state: position<NodeState>(['unknown', 'down', 'ready', 'disconnected'], status.State),
      addr: status.Addr,
    },
    ...(manager === undefined
      ? {}
      : {
          managerStatus: {
            leader: manager.Leader ?? false,
            reachability: position<Reachability>(REACHABILITY, manager.Reachability),
            addr: manager.Addr,
          },
        }),
  })
}

function nodeSpecOf({ Spec }: NodeJson) {
  return {
    annotations: { name: Spec.Name ?? '', labels: { ...Spec.Labels } },
    desiredRole: position<NodeRole>(['worker', 'manager'], Spec.Role),
    availability: position<NodeAvailability>(['active', 'pause', 'drain'], Spec.Availability),
    membership: NodeMembership.ACCEPTED,
  }
}

export function networkOf(json: NetworkJson): Network {
  return create(NetworkSchema, {
    id: json.Id,
    meta: { version: { index: 7n }, createdAt: momentOf(json.Created) },
    spec: {
      annotations: { name: json.Name, labels: { ...json.Labels } },
      driverConfig: { name: json.Driver },
      ipv6Enabled: json.EnableIPv6,
      internal: json.Internal,
      attachable: json.Attachable,
      ingress: json.Ingress,
    },
    driverState: { name: json.Driver, options: { ...json.Options } },
    ipam: {
      driver: { name: 'default' },
      configs: (json.IPAM.Config ?? []).map((config) => ({
        subnet: config.Subnet ?? '',
        range: config.IPRange ?? '',
        gateway: config.Gateway ?? '',
      })),
    },
  })
}

/** A network on this node, with the endpoints that `json` shows here and elsewhere. */
export function localNetworkOf(json: NetworkJson): LocalNetworkView {
  const network = networkOf(json)
  const attachments = Object.values(json.Containers ?? {}).map((one) => attachmentOf(network, one))
  const ours = new Set(attachments.map(({ endpointId }) => endpointId))
  const tasks = json.Services?.['']?.Tasks ?? []
  const remote = tasks
    .filter(({ EndpointID }) => !ours.has(EndpointID))
    .map((task) => ({
      endpointId: task.EndpointID,
      name: task.Name,
      address: task.EndpointIP,
      mac: '02:42:0a:00:01:04',
      tunnel: parseIp(task.Info?.['Host IP'] ?? ''),
    }))
  const peers = (json.Peers ?? []).map(({ Name, IP }) => ({ name: Name, address: IP }))
  return { network, attachments, remote, peers }
}

export function attachmentOf(network: Network, container: NetworkContainerJson): AttachmentView {
  const addresses = [container.IPv4Address, container.IPv6Address]
  return {
    attachmentId: `task-of-${container.Name}`,
    endpointId: container.EndpointID,
    networkId: network.id,
    networkName: network.spec?.annotations?.name ?? '',
    name: container.Name,
    aliases: [],
    addresses: addresses.filter((text) => text !== ''),
    mac: parseMac(container.MacAddress),
    mtuBytes: 1450,
    gateways: [],
    ifname: 'eth0',
    netns: `/run/netns/${container.Name}`,
    state: 'running',
    error: '',
  }
}
