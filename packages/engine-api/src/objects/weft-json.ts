/** What Weft shows beyond Docker's API, under /weft of the same socket. */
import type {
  AttachmentView,
  ClusterNodeView,
  FailedItemView,
  KeyView,
  NetworkUsage,
  PeerView,
} from '@weft/swarm'

/** Body of POST /weft/attachments: one, or a list of them. */
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

/**
 * What came of one of several: a line of the answer to a list of them. `index` is its place in the
 * list.
 */
export type AttachedJson =
  | { readonly index: number; readonly attachment: AttachmentJson }
  | { readonly index: number; readonly error: AttachFailureJson }

/** Why one of several is not attached: the error that it alone would have been answered with. */
export interface AttachFailureJson {
  readonly message: string
  readonly code?: string
  readonly details?: object
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
