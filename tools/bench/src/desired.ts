/** Desired states for the benchmarks: one network, a /16, as many endpoints as wanted. */
import {
  parseCidr,
  parseIp,
  parseMac,
  vni,
  type Ip,
  type Mac,
  type SocketAddress,
  type Vni,
} from '@weft/core'
import type {
  DesiredState,
  LocalEndpoint,
  NetworkSpec,
  PeerSpec,
  RemoteEndpoint,
} from '@weft/dataplane'

export const BENCH_VNI = vni(4097)
const CIDR = parseCidr('10.0.0.0/16')
const GATEWAY = parseIp('10.0.0.1')

/** What varies between benchmarks. */
export interface BenchState {
  readonly tunnel: SocketAddress
  readonly peers: ReadonlyMap<string, PeerSpec>
  readonly local: ReadonlyMap<string, LocalEndpoint>
  readonly remote: ReadonlyMap<string, RemoteEndpoint>
}

/** The whole state of one host with the one network `bench`. */
export function benchState(generation: number, state: BenchState): DesiredState {
  const { local, peers, remote, tunnel } = state
  const network = benchNetwork({ encapsulation: 'vxlan', vni: BENCH_VNI, local, remote })
  return { generation, tunnel, peers, networks: new Map([['bench', network]]) }
}

/** A network with one subnet, the /16, and the largest MTU that there can be. */
export function benchNetwork({
  vni: number,
  ...rest
}: Pick<NetworkSpec, 'encapsulation' | 'local' | 'remote'> & { readonly vni: Vni }): NetworkSpec {
  const prefixes = [{ cidr: CIDR, gateway: GATEWAY }]
  return { ...rest, mtu: null, subnets: [{ vni: number, prefixes }] }
}

/** The n-th endpoint address, 10.0.1.0 onwards. */
export function nthIp(n: number): Ip {
  const host = 256 + n
  return parseIp(`10.0.${host >> 8}.${host & 255}`)
}

/** Docker's MAC for that address (docker-wire §6.4). */
export function nthMac(n: number): Mac {
  const hex = (256 + n).toString(16).padStart(4, '0')
  return parseMac(`02:42:0a:00:${hex.slice(0, 2)}:${hex.slice(2)}`)
}

/** So many remote endpoints on one node. */
export function remoteEndpoints(count: number, node: string): Map<string, RemoteEndpoint> {
  const remote = new Map<string, RemoteEndpoint>()
  for (let n = 0; n < count; n++) {
    remote.set(`endpoint-${n}`, { mac: nthMac(n), addresses: [nthIp(n)], node })
  }
  return remote
}
