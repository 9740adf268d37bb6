/** Which peers need security associations, and their observed text (docker-wire §5.4). */
import type { Ip } from '@weft/core'
import type { DesiredState, NodeId } from './desired-state.ts'
import type { TunnelKey } from './tunnel-key.ts'

/** A peer's tunnel address that packets of encrypted networks go to. */
export interface SealedPeer {
  readonly node: NodeId
  readonly ip: Ip
  /** Where its tunnels listen. */
  readonly port: number
}

/** Every peer with an endpoint on an encrypted network; of two with one address the first. */
export function sealedPeers({ networks, peers }: DesiredState): readonly SealedPeer[] {
  const nodes = new Set<NodeId>()
  for (const { encapsulation, remote } of networks.values()) {
    if (encapsulation !== 'vxlan-esp') continue
    for (const { node } of remote.values()) nodes.add(node)
  }
  const sealed = new Map<Ip, SealedPeer>()
  for (const node of nodes) {
    const tunnel = peers.get(node)?.tunnel
    if (tunnel === undefined || sealed.has(tunnel.ip)) continue
    sealed.set(tunnel.ip, { node, ip: tunnel.ip, port: tunnel.port })
  }
  return [...sealed.values()]
}

/** Names of the keys that an association has, never their bytes; null where nothing seals. */
export interface AssociationTags {
  readonly seals: number | string | null
  readonly opens: readonly (number | string)[]
}

/** The tags of a whole association under these keys, the sealing one first. */
export function associationTags(keys: readonly TunnelKey[]): AssociationTags {
  return { seals: keys[0]?.tag ?? null, opens: keys.map(({ tag }) => tag) }
}
