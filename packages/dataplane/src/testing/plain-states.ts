/** Desired states in few words: hosts 192.0.2.1 to .4, MACs and gateways that follow addresses. */
import { parseCidr, parseIp, parseMac, vni, type Ip, type Mac } from '@weft/core'
import type {
  DesiredState,
  LocalEndpoint,
  NetworkSpec,
  RemoteEndpoint,
  SubnetSpec,
} from '../desired-state.ts'

/** Underlay address of the host with this number, counted from 1 (RFC 5737). */
export function underlayIp(host: number): Ip {
  return parseIp(`192.0.2.${host}`)
}

/** A subnet with a gateway ending in 1, such as `10.0.1.0/24`. */
export function subnet(id: number, ...cidrs: readonly string[]): SubnetSpec {
  const gatewayOf = (cidr: string): Ip => parseIp(cidr.replace(/0?\/.*/, '1'))
  return {
    vni: vni(id),
    prefixes: cidrs.map((cidr) => ({ cidr: parseCidr(cidr), gateway: gatewayOf(cidr) })),
  }
}

function macOf(ip: string): Mac {
  const bytes = ip.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))
  return parseMac(`02:42:${bytes.join(':')}`)
}

/** An endpoint for `eth0` of a container; its first address is of IPv4 and gives the MAC. */
export function local(path: string, ip: string, ...more: readonly string[]): LocalEndpoint {
  const addresses = [ip, ...more].map((each) => parseIp(each))
  return { mac: macOf(ip), addresses, attachment: { kind: 'netns', path, ifname: 'eth0' } }
}

/** An endpoint elsewhere. */
export function remote(node: string, ip: string, ...more: readonly string[]): RemoteEndpoint {
  return { mac: macOf(ip), addresses: [ip, ...more].map((each) => parseIp(each)), node }
}

/** A network of these subnets. */
export function network(
  subnets: readonly SubnetSpec[],
  parts: Partial<Omit<NetworkSpec, 'local' | 'remote'>> & {
    readonly local?: Readonly<Record<string, LocalEndpoint>>
    readonly remote?: Readonly<Record<string, RemoteEndpoint>>
  } = {},
): NetworkSpec {
  return {
    encapsulation: 'vxlan',
    mtu: null,
    ...parts,
    subnets,
    local: new Map(Object.entries(parts.local ?? {})),
    remote: new Map(Object.entries(parts.remote ?? {})),
  }
}

let generation = 0

/** What a host should be; nodes `n1` to `n4` are the other hosts by their number. */
export function desired(
  host: { readonly ip: Ip },
  networks: Readonly<Record<string, NetworkSpec>>,
  port = 4789,
): DesiredState {
  const peers = [1, 2, 3, 4].map((i) => [`n${i}`, underlayIp(i)] as const)
  return {
    generation: ++generation,
    tunnel: { ip: host.ip, port },
    peers: new Map(
      peers.filter(([, ip]) => ip !== host.ip).map(([id, ip]) => [id, { tunnel: { ip, port } }]),
    ),
    networks: new Map(Object.entries(networks)),
  }
}
