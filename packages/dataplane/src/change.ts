/** Single steps from what is programmed to what is desired, and the order they are taken in. */
import type { Ip, Mac, SocketAddress, Vni } from '@weft/core'
import type {
  Encapsulation,
  EndpointId,
  LocalEndpoint,
  NetworkId,
  PrefixSpec,
} from './desired-state.ts'
import type { ProgrammedEndpoint } from './programmed-state.ts'

/**
 * One step. `from` null adds, `to` null removes, both replace in place. `item` is the desired path
 * that a failure of this step is reported under; a leftover that nobody desires has its observed
 * path. What is inside a removed network or subnet goes with it and has no steps of its own.
 */
export type Change = NetworkChange | SubnetChange | LocalChange | ForwardingChange | NeighbourChange

/** A network as a container of subnets and endpoints. */
export interface NetworkChange {
  readonly kind: 'network'
  readonly item: string
  readonly network: NetworkId
  readonly from: NetworkShape | null
  readonly to: NetworkShape | null
}

/** What a network has beside its contents. */
export interface NetworkShape {
  readonly encapsulation: Encapsulation
  /** Bytes. */
  readonly mtu: number
}

/** A broadcast domain: its bridge, tunnel and gateways. */
export interface SubnetChange {
  readonly kind: 'subnet'
  readonly item: string
  readonly network: NetworkId
  readonly vni: Vni
  readonly from: KnownSubnetShape | null
  readonly to: SubnetShape | null
}

/** What a subnet is to have beside its entries. */
export interface SubnetShape {
  readonly prefixes: readonly PrefixSpec[]
  /** Our VTEP. */
  readonly tunnel: SocketAddress
}

/** What a subnet has beside its entries, as far as the machinery says. */
export interface KnownSubnetShape {
  readonly prefixes: readonly PrefixSpec[]
  /** `ip` is null when the machinery does not say; then it is not compared. */
  readonly tunnel: { readonly ip: Ip | null; readonly port: number }
}

/** An endpoint on this node. With `from` equal to `to`: make sure that it is plugged in. */
export interface LocalChange {
  readonly kind: 'local'
  readonly item: string
  readonly network: NetworkId
  readonly endpoint: EndpointId
  readonly from: ProgrammedEndpoint | null
  readonly to: PlacedEndpoint | null
}

/** A local endpoint with the subnet that its addresses lie in. */
export interface PlacedEndpoint extends LocalEndpoint {
  readonly vni: Vni
}

/** Where frames for a remote MAC go. */
export interface ForwardingChange {
  readonly kind: 'forwarding'
  readonly item: string
  readonly network: NetworkId
  readonly vni: Vni
  readonly mac: Mac
  readonly from: SocketAddress | null
  readonly to: SocketAddress | null
}

/** Which MAC a remote address has. */
export interface NeighbourChange {
  readonly kind: 'neighbour'
  readonly item: string
  readonly network: NetworkId
  readonly vni: Vni
  readonly ip: Ip
  readonly from: Mac | null
  readonly to: Mac | null
}

/**
 * Steps in the order that interrupts least. Whole networks and subnets go first, since the new ones
 * may want their VNIs; endpoints leave before others take their names; forwarding is there before
 * an address is answered for, and stays until it is no longer; and an entry that makes way for a
 * local endpoint goes only when that endpoint is plugged in. Stable within a phase.
 */
export function order(changes: readonly Change[]): readonly Change[] {
  const phases: Change[][] = Array.from({ length: PHASES }, () => [])
  for (const change of changes) phases[phaseOf(change)]?.push(change)
  return phases.flat()
}

const PHASES = 10

function phaseOf(change: Change): number {
  const removes = change.to === null
  switch (change.kind) {
    case 'network':
      return removes ? 0 : 3
    case 'local':
      return removes ? 1 : 5
    case 'subnet':
      return removes ? 2 : 4
    case 'forwarding':
      return removes ? 9 : 6
    case 'neighbour':
      return removes ? 8 : 7
  }
}

/** How many items these steps touch: the entries of one remote endpoint count once. */
export function changedItems(changes: readonly Change[]): number {
  return new Set(changes.map((change) => change.item)).size
}

/** Items that these steps remove for good: not those that are only made anew. */
export function removedItems(changes: readonly Change[]): readonly string[] {
  const made = new Set(changes.filter(({ to }) => to !== null).map(({ item }) => item))
  const removed = changes.filter(({ item, to }) => to === null && !made.has(item))
  return [...new Set(removed.map(({ item }) => item))]
}
