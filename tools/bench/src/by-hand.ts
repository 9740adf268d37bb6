/** The baseline: the same overlay (docker-wire §6) built by hand with ip and bridge commands. */
import type { Ip, Mac } from '@weft/core'
import { batchAside, bridgeBatch, ipBatch } from './commands.ts'
import type { BenchHost, TwoHosts } from './two-hosts.ts'

/** A remote endpoint as a person would write it down. */
export interface HandRemote {
  readonly mac: Mac
  readonly ip: Ip
  readonly vtep: Ip
}

/** Where a container is attached. */
export interface HandAttachment {
  /** Name of the bridge's end of the cable. */
  readonly port: string
  /** Name of the container's namespace. */
  readonly container: string
  readonly mac: Mac
  /** With its prefix length. */
  readonly address: string
}

/** A network built by hand on one host. */
export class HandNetwork {
  readonly namespace: string

  /** A namespace with a bridge and a VXLAN device whose underlay is the host's. */
  constructor(hosts: TwoHosts, host: BenchHost, vni: number) {
    this.namespace = hosts.namespace(`hand-${host.name}-${vni}`).name
    const { ip, port } = host.tunnel
    const tunnel = `id ${vni} dstport ${port} local ${ip} nolearning proxy`
    ipBatch(host.netns.name, [`link add vxlan0 netns ${this.namespace} type vxlan ${tunnel}`])
    ipBatch(this.namespace, [
      'link add br0 type bridge mcast_snooping 0',
      'addr add 10.0.0.1/16 dev br0',
      'link set br0 mtu 1450 up',
      'link set vxlan0 mtu 1450 master br0 up',
    ])
    bridgeBatch(this.namespace, ['link set dev vxlan0 learning off flood off'])
  }

  /** Attach a container: a batch of `ip` in each namespace, one of `bridge`. */
  async attach({ port, container, mac, address }: HandAttachment): Promise<void> {
    const peer = `peer name eth0 mtu 1450 address ${mac} netns ${container}`
    await batchAside('ip', this.namespace, [
      `link add ${port} mtu 1450 type veth ${peer}`,
      `link set ${port} master br0 up`,
    ])
    await batchAside('ip', container, [`addr add ${address} dev eth0`, 'link set eth0 up'])
    const entry = `fdb replace ${mac} dev ${port} master static`
    const flags = `link set dev ${port} learning off flood off`
    await batchAside('bridge', this.namespace, [flags, entry])
  }

  /** Neighbour and forwarding entries of remote endpoints: one batch of each program. */
  addRemotes(remotes: readonly HandRemote[]): void {
    const neighbours = remotes.map(
      ({ ip, mac }) => `neigh add ${ip} lladdr ${mac} dev vxlan0 nud permanent`,
    )
    ipBatch(this.namespace, neighbours)
    const entries = remotes.map(
      ({ mac, vtep }) => `fdb add ${mac} dev vxlan0 dst ${vtep} self master static`,
    )
    bridgeBatch(this.namespace, entries)
  }
}
