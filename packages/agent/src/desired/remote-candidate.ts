/** One row of `overlay_peer_table`, judged: what it would program, or why it is left out. */
import {
  addressOf,
  ipFamily,
  isGroupMac,
  isMulticastIp,
  prefixLength,
  type Ip,
  type IpFamily,
} from '@weft/core'
import { nameProblem, type NodeId, type RemoteEndpoint } from '@weft/dataplane'
import type { PeerRecord } from '@weft/gossip'
import type { OverlayShape } from './overlay-shape.ts'

/** Why a row of another node is not programmed. */
export type RowRefusal =
  /** Its value does not decode. */
  | 'undecodable'
  /** Its key cannot be an item's name. */
  | 'bad-key'
  /** It names our own VTEP: what is behind that we know better. */
  | 'own-vtep'
  /** No tunnel can end there: of another family, a group, unspecified. */
  | 'bad-vtep'
  /** A group address, or all zero. */
  | 'bad-mac'
  /** In no subnet of the network, or with another prefix length, or at the subnet's edge. */
  | 'outside'
  /** It claims the gateway, which every node has. */
  | 'gateway'
  /** It claims what an endpoint of ours has. */
  | 'local'
  /** A newer row claims its address or its MAC. */
  | 'outdated'
  /** Its MAC has REMOTE_ADDRESSES_MAX addresses already. */
  | 'crowded'

/** A row of another node as it came. */
export interface RemoteRow {
  readonly networkId: string
  /** The endpoint's ID. */
  readonly key: string
  readonly owner: string
  readonly lTime: number
  /** Null: it did not decode. */
  readonly record: PeerRecord | null
}

/** What rows are judged by. */
export interface Ground {
  readonly shape: OverlayShape
  readonly ownVtep: Ip
}

/** Name of the node behind a VTEP: a colon cannot be in an item's name. */
export function peerName(vtep: Ip): NodeId {
  return vtep.replaceAll(':', '-')
}

/** The row as an endpoint, whatever other rows there are. */
export function candidateOf(row: RemoteRow, ground: Ground): RemoteEndpoint | RowRefusal {
  const { record } = row
  if (record === null) return 'undecodable'
  if (nameProblem(row.key) !== null) return 'bad-key'
  const { endpointIp, endpointMac, vtep } = record
  if (vtep === ground.ownVtep) return 'own-vtep'
  if (!canEndTunnel(vtep, ipFamily(ground.ownVtep))) return 'bad-vtep'
  if (isGroupMac(endpointMac) || endpointMac === '00:00:00:00:00:00') return 'bad-mac'
  const address = addressOf(endpointIp)
  const match = ground.shape.finder.find(address)
  if (match === null || match.edge !== null) return 'outside'
  if (prefixLength(endpointIp) !== prefixLength(match.prefix.cidr)) return 'outside'
  if (match.prefix.gateway === address) return 'gateway'
  return { mac: endpointMac, addresses: [address], node: peerName(vtep) }
}

/** Loopback is fine: several nodes may share a machine. */
function canEndTunnel(vtep: Ip, family: IpFamily): boolean {
  if (ipFamily(vtep) !== family || isMulticastIp(vtep)) return false
  if (family === 6) return vtep !== '::'
  const first = Number(vtep.slice(0, vtep.indexOf('.')))
  return first !== 0 && first < 240
}
