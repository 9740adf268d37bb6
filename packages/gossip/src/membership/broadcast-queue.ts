/** Messages on their way to everyone, each sent a limited number of times (docker-wire §2.9). */

/** Messages that wait. Beyond it the one sent most often, then the shortest, is dropped. */
export const BROADCASTS_MAX = 20_000

/** A message about one node. */
export interface Broadcast {
  /** Whom it is about: a newer message about a node replaces the older one. */
  readonly about: string
  readonly bytes: Uint8Array
  /** Called when it is not sent any more: often enough, or replaced. */
  readonly onDone: (() => void) | null
}

/** How much may be taken at once. */
export interface Room {
  /** What each message costs beyond its length, in bytes. */
  readonly overheadBytes: number
  readonly limitBytes: number
  /** Only messages that were sent fewer times than this. */
  readonly transmitsBelow: number
  /** So many transmissions, and a message is done. */
  readonly transmitsMax: number
}

interface Queued extends Broadcast {
  transmits: number
  lengthClass: LengthClass | null
  newer: Queued | null
  older: Queued | null
}

/** Messages of one length that were sent equally often; the newest stands first. */
interface LengthClass {
  readonly tier: LengthClass[]
  readonly length: number
  newest: Queued
}

/**
 * Fewest transmissions first, then the longest that fits, then the newest. Tiers by transmissions,
 * in each a list by length, in each a chain by age: no sorting when a packet is filled.
 */
export class BroadcastQueue {
  readonly #tiers: LengthClass[][] = []
  readonly #byNode = new Map<string, Queued>()

  /** Messages that wait. */
  get size(): number {
    return this.#byNode.size
  }

  /** Add a message; one about the same node is done. */
  add(broadcast: Broadcast): void {
    this.remove(broadcast.about)
    if (this.size >= BROADCASTS_MAX) this.#dropLast()
    this.#insert({ ...broadcast, transmits: 0, lengthClass: null, newer: null, older: null })
  }

  /** How often the message about a node was sent; null when there is none. */
  transmitsOf(about: string): number | null {
    return this.#byNode.get(about)?.transmits ?? null
  }

  /** Stop saying something about a node, if anything is said: it is done. */
  remove(about: string): void {
    const queued = this.#byNode.get(about)
    if (queued === undefined) return
    this.#unlink(queued)
    queued.onDone?.()
  }

  /** Take what fits, as sent once more. */
  take(room: Room): Uint8Array[] {
    const taken: Queued[] = []
    let freeBytes = room.limitBytes - room.overheadBytes
    const tiers = Math.min(this.#tiers.length, room.transmitsBelow)
    for (let tier = 0; tier < tiers; tier++) {
      for (;;) {
        const queued = longestWithin(this.#tiers[tier] ?? [], freeBytes)
        if (queued === null) break
        this.#unlink(queued)
        taken.push(queued)
        freeBytes -= queued.bytes.length + room.overheadBytes
      }
    }
    for (const queued of taken) {
      queued.transmits++
      if (queued.transmits < room.transmitsMax) this.#insert(queued)
      else queued.onDone?.()
    }
    return taken.map(({ bytes }) => bytes)
  }

  #insert(queued: Queued): void {
    this.#byNode.set(queued.about, queued)
    while (this.#tiers.length <= queued.transmits) this.#tiers.push([])
    const tier = this.#tiers[queued.transmits] as LengthClass[]
    const { length } = queued.bytes
    const at = firstWithin(tier, length)
    const found = tier[at]
    if (found?.length === length) {
      queued.older = found.newest
      found.newest.newer = queued
      found.newest = queued
      queued.lengthClass = found
    } else {
      queued.lengthClass = { tier, length, newest: queued }
      tier.splice(at, 0, queued.lengthClass)
    }
  }

  #unlink(queued: Queued): void {
    this.#byNode.delete(queued.about)
    const { lengthClass, newer, older } = queued
    if (lengthClass === null) return
    if (older !== null) older.newer = newer
    if (newer !== null) newer.older = older
    else if (older !== null) lengthClass.newest = older
    else lengthClass.tier.splice(lengthClass.tier.indexOf(lengthClass), 1)
    queued.lengthClass = queued.newer = queued.older = null
    while (this.#tiers.at(-1)?.length === 0) this.#tiers.pop()
  }

  #dropLast(): void {
    const last = this.#tiers.at(-1)?.at(-1)?.newest
    if (last !== undefined) this.remove(last.about)
  }
}

function longestWithin(tier: readonly LengthClass[], bytes: number): Queued | null {
  return tier[firstWithin(tier, bytes)]?.newest ?? null
}

/** Where the longest class that is not above `bytes` stands, or would stand. */
function firstWithin(tier: readonly LengthClass[], bytes: number): number {
  let low = 0
  let high = tier.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((tier[middle] as LengthClass).length > bytes) low = middle + 1
    else high = middle
  }
  return low
}
