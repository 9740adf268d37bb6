/** Nodes to draw from at random, each draw in constant time. */
import type { Random } from '@weft/core'
import type { NodeRecord } from './node-record.ts'

/**
 * A set that is an array too. Drawing moves the drawn to the front, so that a draw of several needs
 * no copy; which order that leaves follows from the draws, hence is the same on any machine.
 */
export class NodeSet implements Iterable<NodeRecord> {
  readonly #nodes: NodeRecord[] = []
  readonly #places = new Map<NodeRecord, number>()

  /** Nodes in the set. */
  get size(): number {
    return this.#nodes.length
  }

  has(node: NodeRecord): boolean {
    return this.#places.has(node)
  }

  /** Idempotent. */
  add(node: NodeRecord): void {
    if (this.#places.has(node)) return
    this.#places.set(node, this.#nodes.length)
    this.#nodes.push(node)
  }

  /** Idempotent. */
  delete(node: NodeRecord): void {
    const place = this.#places.get(node)
    if (place === undefined) return
    this.#places.delete(node)
    const last = this.#nodes.pop()
    if (last === undefined || last === node) return
    this.#nodes[place] = last
    this.#places.set(last, place)
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

  /** Exchange two places and return what then stands at the first. */
  #swap(a: number, b: number): NodeRecord {
    const front = this.#nodes[a] as NodeRecord
    const drawn = this.#nodes[b] as NodeRecord
    this.#nodes[a] = drawn
    this.#nodes[b] = front
    this.#places.set(drawn, a)
    if (front !== drawn) this.#places.set(front, b)
    return drawn
  }
}

function always(): boolean {
  return true
}
