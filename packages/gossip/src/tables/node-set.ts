/** Nodes to draw from at random, each draw in constant time. */
import type { Random } from '@weft/core'
import type { NodeRecord } from './node-record.ts'

/** Up to so many nodes are looked through; only larger sets remember places. */
const SCANNED_NODES = 32

/** Remembers where in a set each node stands. A place that is not so does no harm. */
export interface Places {
  get(node: NodeRecord): number | undefined
  set(node: NodeRecord, place: number): unknown
  delete(node: NodeRecord): unknown
}

/** In the nodes themselves: for sets of which a node is in one at most. */
export const placesInRecords: Places = {
  get: (node) => node.place,
  set: (node, place) => (node.place = place),
  delete: () => undefined,
}

/**
 * A set that is an array too. Drawing moves the drawn to the front, so that a draw of several needs
 * no copy; which order that leaves follows from the draws, hence is the same on any machine.
 */
export class NodeSet implements Iterable<NodeRecord> {
  readonly #nodes: NodeRecord[] = []
  /** Null while the set is small: there is one for each network that anybody is attached to. */
  #places: Places | null

  /** Null: in a map of its own, once there are many. */
  constructor(places: Places | null) {
    this.#places = places
  }

  /** Nodes in the set. */
  get size(): number {
    return this.#nodes.length
  }

  has(node: NodeRecord): boolean {
    return this.#placeOf(node) >= 0
  }

  /** Idempotent. */
  add(node: NodeRecord): void {
    if (this.has(node)) return
    this.#places?.set(node, this.#nodes.length)
    this.#nodes.push(node)
    if (this.#places !== null || this.size <= SCANNED_NODES) return
    this.#places = new Map(this.#nodes.map((one, place) => [one, place]))
  }

  /** Idempotent. */
  delete(node: NodeRecord): void {
    const place = this.#placeOf(node)
    if (place < 0) return
    this.#places?.delete(node)
    const last = this.#nodes.pop()
    if (last === undefined || last === node) return
    this.#nodes[place] = last
    this.#places?.set(last, place)
  }

  /** Up to `count` different nodes for which `accept` holds. */
  pick(
    random: Random,
    count: number,
    accept: (node: NodeRecord) => boolean = always,
  ): readonly NodeRecord[] {
    const picked: NodeRecord[] = []
    for (let drawn = 0; drawn < this.#nodes.length && picked.length < count; drawn++) {
      const node = this.#swap(drawn, drawn + random.below(this.#nodes.length - drawn))
      if (accept(node)) picked.push(node)
    }
    return picked
  }

  /** In no order that means anything. The set must not change meanwhile. */
  [Symbol.iterator](): Iterator<NodeRecord> {
    return this.#nodes.values()
  }

  /** -1 when it is not in. */
  #placeOf(node: NodeRecord): number {
    if (this.#places === null) return this.#nodes.indexOf(node)
    const place = this.#places.get(node) ?? -1
    return this.#nodes[place] === node ? place : -1
  }

  /** Exchange two places and return what then stands at the first. */
  #swap(a: number, b: number): NodeRecord {
    const front = this.#nodes[a] as NodeRecord
    const drawn = this.#nodes[b] as NodeRecord
    this.#nodes[a] = drawn
    this.#nodes[b] = front
    if (this.#places === null) return drawn
    this.#places.set(drawn, a)
    if (front !== drawn) this.#places.set(front, b)
    return drawn
  }
}

function always(): boolean {
  return true
}
