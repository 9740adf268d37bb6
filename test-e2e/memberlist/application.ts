/** The application on a membership in a mixed ring: it tells everything that it hears. */
import { formatSocketAddress, type Instant, type SocketAddress } from '@weft/core'
import type { Member, MembershipDelegate } from '@weft/gossip'

/** As often as the library in a ring of up to nine: 4 ceil(log10(9 + 1)). */
const TRANSMISSIONS = 4

/** A line of standard output, with bytes in base64. */
export interface Telling {
  readonly event: 'join' | 'update' | 'leave' | 'user' | 'state'
  readonly name?: string
  readonly address?: string
  readonly bytes: string
  readonly join?: boolean
}

/** Bytes as they travel between processes. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** An application that does nothing but tell what it hears. */
export class Application implements MembershipDelegate {
  readonly #state: Uint8Array
  readonly #tell: (what: Telling) => void
  readonly #joins = new Map<string, (reason: string | null) => void>()
  #gossip: readonly { readonly bytes: Uint8Array; readonly left: number }[] = []

  /** `state` is what it adds to every exchange. */
  constructor(state: Uint8Array, tell: (what: Telling) => void) {
    this.#state = state
    this.#tell = tell
  }

  /** Resolves when the join at this address has succeeded, rejects when it failed. */
  joined(address: SocketAddress): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#joins.set(formatSocketAddress(address), (reason) => {
        if (reason === null) resolve()
        else reject(new Error(reason))
      })
    })
  }

  /** Tell some members, with the gossip. */
  broadcast(bytes: Uint8Array): void {
    this.#gossip = [...this.#gossip, { bytes, left: TRANSMISSIONS }]
  }

  userMessage(_now: Instant, bytes: Uint8Array): void {
    this.#tell({ event: 'user', bytes: base64(bytes) })
  }

  broadcasts(overheadBytes: number, limitBytes: number): readonly Uint8Array[] {
    let room = limitBytes
    const fits = this.#gossip.filter(({ bytes }) => {
      const needed = bytes.length + overheadBytes
      if (needed > room) return false
      room -= needed
      return true
    })
    this.#gossip = this.#gossip
      .map((one) => (fits.includes(one) ? { ...one, left: one.left - 1 } : one))
      .filter(({ left }) => left > 0)
    return fits.map(({ bytes }) => bytes)
  }

  hasBroadcasts(): boolean {
    return this.#gossip.length > 0
  }

  hasNewBroadcasts(): boolean {
    return this.#gossip.some(({ left }) => left === TRANSMISSIONS)
  }

  localState(): Uint8Array {
    return this.#state
  }

  mergeState(_now: Instant, state: Uint8Array, join: boolean): void {
    this.#tell({ event: 'state', bytes: base64(state), join })
  }

  memberJoined(_now: Instant, member: Member): void {
    this.#tellOf('join', member)
  }

  memberUpdated(_now: Instant, member: Member): void {
    this.#tellOf('update', member)
  }

  memberLeft(_now: Instant, member: Member): void {
    this.#tellOf('leave', member)
  }

  joinEnded(_now: Instant, address: SocketAddress, reason: string | null): void {
    this.#joins.get(formatSocketAddress(address))?.(reason)
  }

  #tellOf(event: 'join' | 'update' | 'leave', { name, address, meta }: Member): void {
    this.#tell({ event, name, address: formatSocketAddress(address), bytes: base64(meta) })
  }
}
