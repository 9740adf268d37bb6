/** What happens to streams, as the shell tells the core. */
import type { Instant, SocketAddress } from '@weft/core'
import type { StreamId } from '../output.ts'

/** Streams, by their events. */
export interface StreamInputs {
  /** Someone connected. Null: refused, too many are open. */
  accept(now: Instant, from: SocketAddress): StreamId | null
  received(now: Instant, stream: StreamId, bytes: Uint8Array): void
  /** The other side ended it (`clean`), or it failed. */
  ended(now: Instant, stream: StreamId, clean: boolean): void
}
