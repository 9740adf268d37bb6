/** Whose a call is, as far as the connection tells. */
import type { Peer } from './authorize.ts'

/** Which connection a call came by. */
export interface Origin {
  readonly peer: Peer
  /** Without port. */
  readonly remoteIp: string
}
