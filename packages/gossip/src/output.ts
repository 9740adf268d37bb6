/** What a gossip core asks of its shell. */
import type { SocketAddress } from '@weft/core'

/** A stream, named by the core when it opens or accepts one; never given twice. */
export type StreamId = number & { readonly __streamId: never }

/** One thing to do, in order. */
export type GossipOutput =
  /** Send a datagram. */
  | { readonly kind: 'packet'; readonly to: SocketAddress; readonly bytes: Uint8Array }
  /** Connect. Writes follow at once; what happens comes back through `streams`. */
  | { readonly kind: 'stream-open'; readonly stream: StreamId; readonly to: SocketAddress }
  | { readonly kind: 'stream-write'; readonly stream: StreamId; readonly bytes: Uint8Array }
  /** Send what was written, then end. Nothing is told about this stream any more. */
  | { readonly kind: 'stream-close'; readonly stream: StreamId }
