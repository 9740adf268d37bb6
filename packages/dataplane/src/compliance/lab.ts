/**
 * A small world in which dataplanes live: what a backend brings so that the compliance cases can
 * run on it. The cases do not know whose world it is.
 */
import type { Ip, IpFamily, Mac, SocketAddress } from '@weft/core'
import type { Capabilities, Dataplane } from '../dataplane.ts'
import type { Attachment, Encapsulation, EndpointId, NetworkId } from '../desired-state.ts'
import type { TunnelKey } from '../tunnel-key.ts'

/** What a case may ask of its world, beside capabilities of the backend. */
export interface LabOptions {
  /** Family of the underlay. */
  readonly underlay: IpFamily
  /** MTU of every underlay interface, in bytes. */
  readonly underlayMtuBytes: number
}

/** A fresh world for one case. */
export interface Lab {
  readonly capabilities: Capabilities
  /** How the networks of cases are encrypted here; they are 'vxlan' where it is left out. */
  readonly sealing?: LabSealing
  /** How many times longer than on a machine of its own things may take: emulation; else 1. */
  readonly slowness?: number
  /** A new host with an open dataplane; every host reaches every other over the underlay. */
  node(name: string): Promise<LabNode>
  /** Let time pass: virtual worlds jump, real ones wait. */
  advance(ms: number): Promise<void>
  /** The underlay path between two nodes, both directions. */
  link(a: LabNode, b: LabNode): LabLink
  /** Take the world down and say what was left behind: devices, namespaces, descriptors, tasks. */
  close(): Promise<{ readonly leaked: readonly string[] }>
}

/** The encryption of a world whose networks are 'vxlan-esp', and the hands to interfere with it. */
export interface LabSealing {
  /** Bytes that a packet takes beyond Docker's ESP, which MTUs are reckoned with. */
  readonly extraBytes: number
  /** True where rules of the host keep clear datagrams out and in, so that they can be damaged. */
  readonly guarded: boolean
  /** The key of this number, which is its tag; `otherwise` gives one of that name. */
  key(number: number, otherwise?: 'of other bytes'): TunnelKey
  /** The packet of ESP in an underlay frame; null where there is none. */
  packet(frame: Uint8Array): Uint8Array | null
  /** The underlay frame as it would be without ESP; null when no key of ours opens it. */
  open(frame: Uint8Array): Uint8Array | null
  /** The packet of ESP that carries a UDP datagram from VTEP to VTEP under the key of a number. */
  seal(ends: SealedEnds, payload: Uint8Array): Uint8Array
  /** Put bytes on the underlay the way that packets of ESP travel. */
  inject(from: LabNode, to: LabNode, packet: Uint8Array): Promise<void>
}

/** From where to where something is sealed, and with which key. */
export interface SealedEnds {
  readonly from: SocketAddress
  readonly to: SocketAddress
  readonly key: number
}

/** What a world has beside capabilities, as requirements name it. */
export const labName = {
  networks: (encapsulation: Encapsulation): string => `networks:${encapsulation}`,
  guards: 'guards',
} as const

/** The names of all that a world has. */
export function labNames({ sealing }: Pick<Lab, 'sealing'>): readonly string[] {
  if (sealing === undefined) return [labName.networks('vxlan')]
  return [labName.networks('vxlan-esp'), ...(sealing.guarded ? [labName.guards] : [])]
}

/** Opens a world; each case gets its own. */
export type OpenLab = (options: LabOptions) => Promise<Lab>

/** One host. */
export interface LabNode {
  readonly name: string
  readonly tunnel: SocketAddress
  /** The dataplane that is open now; another object after `reopen`. */
  readonly dataplane: Dataplane
  /** A container to be: something that an endpoint can be attached to, with the given interface. */
  endpoint(name: string, face: LabInterface): Promise<LabEndpoint>
  /** An attachment to nothing: well-formed, of a kind the backend has, and not there. */
  missingAttachment(): Attachment
  /** The owner of the dataplane dies on the spot; nothing is closed. */
  crash(): Promise<void>
  /** Open a dataplane again as a successor would, after a crash or a close. */
  reopen(): Promise<void>
  /** Change the machinery behind the dataplane's back. */
  sabotage(damage: Damage): Promise<void>
  /** Put an object where the dataplane would want one, as if somebody else owned it. */
  plantForeign(foreign: Foreign): Promise<void>
  /** Whether what `plantForeign` made is still there, unchanged. */
  foreignIntact(foreign: Foreign): Promise<boolean>
  /** Put a UDP datagram on the underlay towards this node's VTEP from an address of `from`. */
  inject(from: LabNode, payload: Uint8Array): Promise<void>
}

/** How an endpoint looks on the wire. */
export interface LabInterface {
  readonly mac: Mac
  readonly addresses: readonly Ip[]
}

/** Something that is or will be attached: the inside of a container, as frames. */
export interface LabEndpoint extends LabInterface {
  readonly attachment: Attachment
  /** Put a frame on the wire from inside. Lost while not attached. */
  transmit(frame: Uint8Array): Promise<void>
  /** Frames that arrived from outside since the last call, in order. */
  received(): Promise<readonly Uint8Array[]>
  /** MTU of the interface inside, in bytes; null while not attached. */
  mtuBytes(): Promise<number | null>
  /** The container goes away without being detached first. */
  vanish(): Promise<void>
}

/** The underlay between two nodes. */
export interface LabLink {
  /** Lose everything, in both directions, until healed. */
  cut(): Promise<void>
  heal(): Promise<void>
  /** Underlay frames (Ethernet) that crossed since the last call, both directions, in order. */
  captured(): Promise<readonly Uint8Array[]>
}

/** One thing gone or changed behind the dataplane's back. */
export type Damage =
  | { readonly kind: 'delete-forwarding'; readonly network: NetworkId; readonly mac: Mac }
  | {
      readonly kind: 'misdirect-forwarding'
      readonly network: NetworkId
      readonly mac: Mac
      readonly to: Ip
    }
  | { readonly kind: 'delete-neighbour'; readonly network: NetworkId; readonly ip: Ip }
  | {
      readonly kind: 'add-forwarding'
      readonly network: NetworkId
      readonly mac: Mac
      readonly to: Ip
    }
  | { readonly kind: 'delete-endpoint'; readonly network: NetworkId; readonly endpoint: EndpointId }
  | { readonly kind: 'delete-network'; readonly network: NetworkId }
  | SealingDamage

/** Security associations, or rules against clear datagrams, gone as a whole. */
export interface SealingDamage {
  readonly kind: 'delete-associations' | 'delete-guards'
}

/** Something of somebody else's, in our way. */
export type Foreign =
  /** Another tunnel device with this VNI on our port. */
  | { readonly kind: 'vni'; readonly vni: number }
  /** An interface of this name where the endpoint's should go. */
  | { readonly kind: 'interface'; readonly attachment: Attachment }
