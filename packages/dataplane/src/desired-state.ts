/** What a node's packet machinery should look like: the value every backend is told. */
import type { Cidr, Ip, Mac, SocketAddress, Vni } from '@weft/core'
import type { FramePort } from './frame-port.ts'
import type { TunnelKey } from './tunnel-key.ts'

/** Name of a node. Names are 1 to 64 of `A-Z a-z 0-9 . _ -`, not starting with a dot. */
export type NodeId = string
/** Name of an overlay network; the same form as a NodeId. */
export type NetworkId = string
/** Name of an endpoint, unique in its network; the same form as a NodeId. */
export type EndpointId = string

/**
 * The whole of what should be true on one node. Frozen, and structurally shared between
 * generations: what did not change is the same object, so a full-state apply costs what changed.
 */
export interface DesiredState {
  /** Strictly increasing; an apply for an older generation is refused. */
  readonly generation: number
  /** This node's VTEP: the underlay address and UDP port its tunnels use. */
  readonly tunnel: SocketAddress
  /** The other nodes that remote endpoints are on. */
  readonly peers: ReadonlyMap<NodeId, PeerSpec>
  readonly networks: ReadonlyMap<NetworkId, NetworkSpec>
  /**
   * Keys of every 'vxlan-esp' network: the first seals, all of them open (docker-wire §5.2). Each
   * must stay usable until an apply without it has settled, since repairs need it too. Another
   * object with a known tag is another key, unless its bytes are the same.
   */
  readonly keys?: readonly TunnelKey[]
}

/** Another node. */
export interface PeerSpec {
  /** Its VTEP; of the same family as ours. Its port may differ from ours. */
  readonly tunnel: SocketAddress
}

/** One overlay network on this node. */
export interface NetworkSpec {
  readonly encapsulation: Encapsulation
  /**
   * Largest IP packet inside the network, in bytes; null asks for the largest that the underlay
   * interface of our VTEP carries without fragmentation (its MTU less 50 over IPv4, 70 over IPv6).
   */
  readonly mtu: number | null
  readonly subnets: readonly SubnetSpec[]
  readonly local: ReadonlyMap<EndpointId, LocalEndpoint>
  readonly remote: ReadonlyMap<EndpointId, RemoteEndpoint>
}

/**
 * Names a format on the wire, not an implementation: two backends that share one interoperate.
 * 'vxlan' is RFC 7348; 'vxlan-esp' is the same inside ESP in transport mode, as Docker has it.
 */
export type Encapsulation = 'vxlan' | 'vxlan-esp'

/** One broadcast domain: a VNI with at most one prefix of each family (docker-wire §6.5). */
export interface SubnetSpec {
  readonly vni: Vni
  readonly prefixes: readonly PrefixSpec[]
}

/** Addresses of a subnet. */
export interface PrefixSpec {
  readonly cidr: Cidr
  /** Carried by every node on the network, so that it is always local; null for none. */
  readonly gateway: Ip | null
}

/** An endpoint on this node. Its addresses lie in one subnet of the network. */
export interface LocalEndpoint {
  readonly mac: Mac
  readonly addresses: readonly Ip[]
  readonly attachment: Attachment
}

/** An endpoint on another node, which must be in `peers`. */
export interface RemoteEndpoint {
  readonly mac: Mac
  readonly addresses: readonly Ip[]
  readonly node: NodeId
}

/** How an endpoint's interface reaches its owner. */
export type Attachment =
  | NetnsAttachment
  /** An in-process network card. */
  | { readonly kind: 'port'; readonly port: FramePort }

/** An interface named `ifname` inside the network namespace at `path`. */
export interface NetnsAttachment {
  readonly kind: 'netns'
  readonly path: string
  readonly ifname: string
  /**
   * Which namespace is meant, as `device:inode` of its file. A path can come to lead to another:
   * the number of a process is given again after its end. Then the endpoint fails with
   * ERR_ATTACHMENT_MISSING. Left out, it is whichever is there.
   */
  readonly identity?: string
}
