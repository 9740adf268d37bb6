/** Who is where: the hosts, networks and containers of the demo, and what each host should do. */
import {
  parseCidr,
  parseIp,
  parseMac,
  vni,
  type Cidr,
  type Ip,
  type Mac,
  type SocketAddress,
  type Vni,
} from '@weft/core'
import type {
  Attachment,
  DesiredState,
  LocalEndpoint,
  NetworkSpec,
  PeerSpec,
  RemoteEndpoint,
} from '@weft/dataplane'

export const SUBNET: Cidr = parseCidr('10.0.1.0/24')
export const GATEWAY: Ip = parseIp('10.0.1.1')

/** An overlay network of the demo. Both have the same subnet. */
export interface CastNetwork {
  readonly name: string
  readonly vni: Vni
}

/** A container of the demo; `host` changes when it moves. */
export interface CastContainer {
  readonly name: string
  readonly network: string
  readonly ip: Ip
  readonly mac: Mac
  host: string
}

/** The two networks: one subnet, two VNIs. */
export const NETWORKS: readonly CastNetwork[] = [
  { name: 'blue', vni: vni(4097) },
  { name: 'green', vni: vni(4098) },
]

/** Host part of the one address that exists in green only. */
const GREEN_ONLY = 200

/** A container of each network on every host, and one in green that blue has no address for. */
export function castContainers(hosts: readonly string[]): CastContainer[] {
  const containers = NETWORKS.flatMap(({ name }) =>
    hosts.map((host, i) => container(`${name}-${i + 1}`, { network: name, host, index: 11 + i })),
  )
  const [first = ''] = hosts
  const only = { network: 'green', host: first, index: GREEN_ONLY }
  return [...containers, container('green-only', only)]
}

function container(
  name: string,
  { network, host, index }: { network: string; host: string; index: number },
): CastContainer {
  // Docker's rule: the MAC is 02:42 and the four bytes of the address (docker-wire §6.4). So equal
  // addresses in both networks have equal MACs too, and only the VNI tells them apart.
  const mac = parseMac(`02:42:0a:00:01:${index.toString(16).padStart(2, '0')}`)
  return { name, network, host, ip: parseIp(`10.0.1.${index}`), mac }
}

/** Everything a host's desired state is computed from. */
export interface Placement {
  readonly vteps: ReadonlyMap<string, SocketAddress>
  readonly containers: readonly CastContainer[]
  readonly attachments: ReadonlyMap<CastContainer, Attachment>
}

/** What one host's dataplane should make true. */
export function desiredFor(host: string, generation: number, placement: Placement): DesiredState {
  const tunnel = placement.vteps.get(host)
  if (tunnel === undefined) throw new Error(`bug: no host ${host}`)
  const peers = new Map<string, PeerSpec>()
  for (const [name, address] of placement.vteps) {
    if (name !== host) peers.set(name, { tunnel: address })
  }
  const networks = new Map(NETWORKS.map((n) => [n.name, networkFor(host, n, placement)]))
  return { generation, tunnel, peers, networks }
}

function networkFor(host: string, network: CastNetwork, placement: Placement): NetworkSpec {
  const local = new Map<string, LocalEndpoint>()
  const remote = new Map<string, RemoteEndpoint>()
  for (const member of placement.containers) {
    if (member.network !== network.name) continue
    const { mac, ip } = member
    const attachment = placement.attachments.get(member)
    if (member.host !== host) remote.set(member.name, { mac, addresses: [ip], node: member.host })
    else if (attachment !== undefined) local.set(member.name, { mac, addresses: [ip], attachment })
  }
  return {
    encapsulation: 'vxlan',
    mtu: null,
    subnets: [{ vni: network.vni, prefixes: [{ cidr: SUBNET, gateway: GATEWAY }] }],
    local,
    remote,
  }
}
