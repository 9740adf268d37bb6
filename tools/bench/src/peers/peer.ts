/** Other overlays from Debian's packages, run as their manuals have it on the same two hosts. */
import type { PeerPlace } from './peer-place.ts'

/** An overlay that encrypts, in userspace. */
export interface Peer {
  readonly name: string
  /** What Debian calls the packages that it takes. */
  readonly packages: readonly string[]
  /** What they put on the PATH. */
  readonly programs: readonly string[]
  /** Start its daemons on both hosts, and see to interfaces with their addresses. */
  start(place: PeerPlace): Promise<void>
}
