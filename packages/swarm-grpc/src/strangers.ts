/** Connections that have proved nothing yet: how many there may be, and who gives way. */

/** Connections without a certificate of a node, at once, handshakes included. */
export const STRANGERS_MAX = 256

/** Of these, from one address. */
export const STRANGERS_PER_HOST_MAX = 64

/** A connection that can be ended. */
export interface Stranger {
  /** Its address without port. */
  readonly host: string
  destroy(): void
}

/**
 * A newcomer is always let in, and the oldest of whoever has most gives way: a flood from one
 * address displaces itself, and whoever joins is done before the flood comes round.
 */
export class Strangers {
  /** By host, the oldest first. */
  readonly #hosts = new Map<string, Set<Stranger>>()
  #count = 0

  get count(): number {
    return this.#count
  }

  add(stranger: Stranger): void {
    const own = this.#hosts.get(stranger.host) ?? new Set()
    if (own.size >= STRANGERS_PER_HOST_MAX) this.#displace(own)
    else if (this.#count >= STRANGERS_MAX) this.#displace(this.#largest())
    this.#hosts.set(stranger.host, own.add(stranger))
    this.#count++
  }

  /** It proved who it is, or is gone. */
  delete(stranger: Stranger): void {
    const own = this.#hosts.get(stranger.host)
    if (own?.delete(stranger) !== true) return
    this.#count--
    if (own.size === 0) this.#hosts.delete(stranger.host)
  }

  #largest(): ReadonlySet<Stranger> {
    let largest: ReadonlySet<Stranger> = new Set()
    for (const own of this.#hosts.values()) if (own.size > largest.size) largest = own
    return largest
  }

  #displace(from: ReadonlySet<Stranger>): void {
    const [oldest] = from
    if (oldest === undefined) return
    this.delete(oldest)
    oldest.destroy()
  }
}
