/** Messages that are each sent a limited number of times: fewest transmissions first. */

/** A message and how to know it again. */
interface Entry {
  readonly id: string
  readonly bytes: Uint8Array
  /** In a packet, wrappings of the message included. */
  readonly cost: number
}

/** What a taker can carry. */
export interface TakeOptions {
  /** Bytes of messages that one packet holds, their cost counted. */
  readonly packetBytesMax: number
  readonly packetsMax: number
  /** What a message costs beside its own cost; 0 when it is all in that. */
  readonly overheadBytes: number
  /** A message is dropped once it was taken this often; at least once. */
  readonly transmissionsMax: number
  /** Only those that were never taken. */
  readonly isFreshOnly: boolean
}

/** Whose message: our own goes out before what we pass on for others. */
export type Precedence = 'own' | 'relayed'

/** Buckets: fresh ones of our own, fresh ones of others, then by transmissions from 1 on. */
const FRESH_PLACES = { own: 0, relayed: 1 } as const

/** Entries looked at that do not fit before a packet is taken for full. */
export const MISFITS_MAX = 16

/**
 * A queue like memberlist's TransmitLimitedQueue (docker-wire §2.9, §3.7): a message about the same
 * thing replaces an older one. Entries wait in buckets by transmissions, oldest first in each, so
 * taking costs what is taken.
 */
export class TransmitQueue {
  readonly #buckets: Map<string, Entry>[] = []
  /** In which bucket each entry is. */
  readonly #places = new Map<string, number>()
  readonly #costOf: (bytes: Uint8Array) => number

  /** `costOf` tells the bytes that a message takes in a packet. */
  constructor(costOf: (bytes: Uint8Array) => number) {
    this.#costOf = costOf
  }

  /** Messages that wait. */
  get size(): number {
    return this.#places.size
  }

  /** True when something waits that was never sent. */
  get hasFresh(): boolean {
    return this.#bucket(FRESH_PLACES.own).size + this.#bucket(FRESH_PLACES.relayed).size > 0
  }

  /** True while this waits to be sent at least once more. */
  has(id: string): boolean {
    return this.#places.has(id)
  }

  /** Queue a message about `id`, in place of any older one. */
  put(id: string, bytes: Uint8Array, precedence: Precedence): void {
    this.delete(id)
    const place = FRESH_PLACES[precedence]
    this.#bucket(place).set(id, { id, bytes, cost: this.#costOf(bytes) })
    this.#places.set(id, place)
  }

  /** Idempotent. */
  delete(id: string): void {
    const place = this.#places.get(id)
    if (place === undefined) return
    this.#bucket(place).delete(id)
    this.#places.delete(id)
  }

  /** Fill packets, each message in one of them at most; empty ones are left out. */
  take(options: TakeOptions): readonly (readonly Uint8Array[])[] {
    const packets: Uint8Array[][] = []
    const taken: { readonly entry: Entry; readonly place: number }[] = []
    const filling = new Filling(options)
    const places = options.isFreshOnly ? FRESH_PLACES.relayed + 1 : this.#buckets.length
    for (let place = 0; place < places && !filling.isFull(); place++) {
      for (const entry of this.#bucket(place).values()) {
        const packet = filling.place(entry.cost + options.overheadBytes)
        if (filling.isFull()) break
        if (packet < 0) continue
        ;(packets[packet] ??= []).push(entry.bytes)
        taken.push({ entry, place })
      }
    }
    for (const { entry, place } of taken) this.#sent(entry, place, options.transmissionsMax)
    return packets
  }

  #sent(entry: Entry, place: number, transmissionsMax: number): void {
    const transmissions = Math.max(place, FRESH_PLACES.relayed)
    this.#bucket(place).delete(entry.id)
    if (transmissions >= transmissionsMax) {
      this.#places.delete(entry.id)
      return
    }
    this.#bucket(transmissions + 1).set(entry.id, entry)
    this.#places.set(entry.id, transmissions + 1)
  }

  #bucket(place: number): Map<string, Entry> {
    return (this.#buckets[place] ??= new Map<string, Entry>())
  }
}

/** Which packet a message goes to: the current one, else the next. */
class Filling {
  readonly #options: TakeOptions
  #packet = 0
  #bytesLeft: number
  #misfits = 0
  #isFull = false

  constructor(options: TakeOptions) {
    this.#options = options
    this.#bytesLeft = options.packetBytesMax
  }

  /** True once nothing more is worth a try. */
  isFull(): boolean {
    return this.#isFull
  }

  /** The packet for a message of this cost; -1: it fits none of those to come, or not this one. */
  place(cost: number): number {
    const { packetBytesMax, packetsMax } = this.#options
    if (cost > packetBytesMax) return -1
    if (cost > this.#bytesLeft) {
      if (this.#packet + 1 >= packetsMax) {
        this.#isFull = ++this.#misfits >= MISFITS_MAX
        return -1
      }
      this.#packet++
      this.#bytesLeft = packetBytesMax
    }
    this.#bytesLeft -= cost
    return this.#packet
  }
}
