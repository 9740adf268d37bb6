/** What Weft shows beyond Docker's API, under /weft of the same socket. */
import type {
  AttachmentView,
  ClusterNodeView,
  FailedItemView,
  KeyView,
  NetworkUsage,
  PeerView,
} from '@weft/swarm'

/** Body of POST /weft/attachments. */
export interface AttachJson {
  /** Name, ID, or a unique prefix of an ID. */
  readonly network: string
  readonly name: string
  readonly aliases?: readonly string[]
  /** Absolute path of a network namespace, as the daemon sees it. */
  readonly netns: string
  /** Null or left out: the first free of eth0, eth1… */
  readonly ifname?: string | null
  /** A bare address of the network; null or left out: any. */
  readonly address?: string | null
}

/** GET /weft/attachments, an element. */
export type AttachmentJson = AttachmentView

/** GET /weft/status. */
export interface StatusJson extends ClusterNodeView {
  /** Desired, and not programmed; empty when all is well. */
  readonly failedItems: readonly FailedItemView[]
  readonly attachments: number
  readonly networks: number
  readonly peers: number
  /** How full the networks are; on managers only. */
  readonly usage: readonly (NetworkUsage & { readonly name: string })[]
}

/** GET /weft/peers, an element. */
export type PeerJson = PeerView

/** GET /weft/keys, an element: never a key's bytes. */
export type KeyJson = KeyView
