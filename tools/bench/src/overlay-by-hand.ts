/** The limit to compare with: a kernel VXLAN between two containers, built by hand. */
import { interfaceAddress, parseCidr } from '@weft/core'
import { HandNetwork } from './by-hand.ts'
import { nthIp, nthMac } from './desired.ts'
import type { BenchHost, TwoHosts } from './two-hosts.ts'

const HAND_VNI = 4098
const NETWORK = parseCidr('10.0.0.0/16')

/** Where a measurement runs: a client namespace, a server namespace, the server's address. */
export interface OverlayPath {
  readonly client: string
  readonly server: string
  readonly address: string
}

/** Two containers on two hosts, joined by a VXLAN that `ip` and `bridge` have made. */
export async function overlayByHand(hosts: TwoHosts): Promise<OverlayPath> {
  const sides: readonly (readonly [BenchHost, BenchHost])[] = [
    [hosts.a, hosts.b],
    [hosts.b, hosts.a],
  ]
  const containers: string[] = []
  for (const [n, [host, other]] of sides.entries()) {
    const network = new HandNetwork(hosts, host, HAND_VNI)
    const container = hosts.namespace(`hand-c${n}`).name
    const address = interfaceAddress(nthIp(n), NETWORK)
    await network.attach({ port: 'veth0', container, mac: nthMac(n), address })
    network.addRemotes([{ mac: nthMac(1 - n), ip: nthIp(1 - n), vtep: other.tunnel.ip }])
    containers.push(container)
  }
  return { client: containers[0] ?? '', server: containers[1] ?? '', address: nthIp(1) }
}
