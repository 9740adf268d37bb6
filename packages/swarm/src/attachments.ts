/** Endpoints of this node, as people ask for them and see them. */
import type { Ip, Mac } from '@weft/core'

/** Put something on a network. */
export interface AttachmentRequest {
  /** Name or ID, or a unique prefix of an ID. */
  readonly network: string
  /** The endpoint's name: what Docker calls the container's. */
  readonly name: string
  readonly aliases: readonly string[]
  readonly target: AttachmentTarget
  /** A bare address of the network; null: any. */
  readonly address: Ip | null
}

/** What is attached. A `Port` is a frame port of the dataplane contract, opaque here. */
export type AttachmentTarget<Port = unknown> =
  /** `ifname` null: the first free of eth0, eth1… */
  | { readonly kind: 'netns'; readonly path: string; readonly ifname: string | null }
  | { readonly kind: 'port'; readonly port: Port }

/** An endpoint of this node. */
export interface AttachmentView {
  /** The task's ID, which the manager gave. */
  readonly attachmentId: string
  /** 64 hexadecimal digits, Docker's form; the key of its rows. */
  readonly endpointId: string
  readonly networkId: string
  readonly networkName: string
  readonly name: string
  readonly aliases: readonly string[]
  /** In CIDR form, as the manager gave them. */
  readonly addresses: readonly string[]
  readonly mac: Mac
  /** Largest packet on the network, in bytes; 0 as long as nothing was granted. */
  readonly mtuBytes: number
  /** Of its subnet, at most one of each family. */
  readonly gateways: readonly Ip[]
  readonly ifname: string
  /** Path of the namespace; empty for a port. */
  readonly netns: string
  readonly state: 'pending' | 'running' | 'failed'
  /** Why it failed; empty otherwise. */
  readonly error: string
}
