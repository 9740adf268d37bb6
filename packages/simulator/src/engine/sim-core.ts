/** What the engine runs: a state machine with the verbs of every gossip core. */
import type { Instant, SocketAddress } from '@weft/core'
import type { GossipOutput, StreamInputs } from '@weft/gossip'

/** A synchronous core: handed time and bytes, asked what is to be done. */
export interface SimCore {
  readonly streams: StreamInputs
  receive(now: Instant, from: SocketAddress, bytes: Uint8Array): void
  tick(now: Instant): void
  nextDeadline(): Instant | null
  drain(): readonly GossipOutput[]
}
