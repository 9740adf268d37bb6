/** A gossip node as those see it who give it time and bytes. */
import type { Instant, SocketAddress } from '@weft/core'
import type { StreamInputs } from './membership/stream-inputs.ts'
import type { GossipOutput } from './output.ts'

/** What a shell or a simulator drives: a `Gossip`, or a `Membership` alone. */
export interface GossipCore {
  readonly streams: StreamInputs
  receive(now: Instant, from: SocketAddress, bytes: Uint8Array): void
  tick(now: Instant): void
  nextDeadline(): Instant | null
  drain(): readonly GossipOutput[]
}
