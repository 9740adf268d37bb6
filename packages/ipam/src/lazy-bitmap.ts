/** A bitmap over a huge range that costs what is used of it and finds clear bits at once. */
import { assert } from '@weft/core'

/** The largest range, in bits: numbers stay exact and the tree shallow. */
export const BITMAP_SIZE_MAX = 2 ** 48

/** 1,024 bits: 32 words, and a mask of the words that are full. */
interface Leaf {
  count: number
  full: number
  readonly words: Int32Array
}

/** 32 children; one that is empty or full is not there, and `full` tells which. */
interface Inner {
  count: number
  full: number
  readonly kids: (Inner | Leaf | undefined)[]
}

type Node = Inner | Leaf

/** Bits under a node, by its height: a leaf has height 1, so a word would have height 0. */
const SPANS = Array.from({ length: 11 }, (_, height) => 32 ** (height + 1))

/**
 * Bits 0 to `size` - 1, all clear at first. A tree with 32 branches a node, made where bits are
 * mixed: an empty or a full region of any size costs nothing. Every operation touches one path,
 * `nextClear` at most two.
 */
export class LazyBitmap {
  readonly size: number
  readonly #height: number
  readonly #root: Node

  constructor(size: number) {
    assert(Number.isInteger(size) && size >= 1 && size <= BITMAP_SIZE_MAX, 'a size of 1 to 2^48')
    this.size = size
    let height = 1
    while (span(height) < size) height++
    this.#height = height
    this.#root = emptyNode(height)
  }

  /** Bits that are set. */
  get count(): number {
    return this.#root.count
  }

  has(index: number): boolean {
    this.#check(index)
    return has(this.#root, this.#height, index)
  }

  /** Set one bit; false when it was set already. */
  set(index: number): boolean {
    return this.setRange(index, index) === 1
  }

  /** Clear one bit; false when it was clear already. */
  clear(index: number): boolean {
    this.#check(index)
    return clear(this.#root, this.#height, index)
  }

  /** Set all bits from `first` to `last`; returns how many were clear before. */
  setRange(first: number, last: number): number {
    this.#check(first)
    this.#check(last)
    assert(first <= last, 'a range runs forward')
    return setRange(this.#root, this.#height, { first, last })
  }

  /** The first clear bit at or after `from`; null when there is none. */
  nextClear(from: number): number | null {
    if (from >= this.size) return null
    this.#check(from)
    const found = nextClear(this.#root, this.#height, from)
    return found < 0 || found >= this.size ? null : found
  }

  #check(index: number): void {
    const inside = Number.isInteger(index) && index >= 0 && index < this.size
    assert(inside, 'a bit lies inside its bitmap')
  }
}

function span(height: number): number {
  return SPANS[height] as number
}

function emptyNode(height: number): Node {
  if (height === 1) return { count: 0, full: 0, words: new Int32Array(32) }
  return { count: 0, full: 0, kids: new Array<Node | undefined>(32).fill(undefined) }
}

function fullNode(height: number): Node {
  const node = emptyNode(height)
  if ('words' in node) node.words.fill(-1)
  node.full = -1
  node.count = span(height)
  return node
}

function word(leaf: Leaf, at: number): number {
  return leaf.words[at] as number
}

function has(node: Node, height: number, index: number): boolean {
  if ('words' in node) return ((word(node, index >>> 5) >>> (index & 31)) & 1) === 1
  const kidSpan = span(height - 1)
  const at = Math.floor(index / kidSpan)
  if (((node.full >>> at) & 1) === 1) return true
  const kid = node.kids[at]
  return kid !== undefined && has(kid, height - 1, index - at * kidSpan)
}

function clear(node: Node, height: number, index: number): boolean {
  if ('words' in node) return clearInLeaf(node, index)
  const kidSpan = span(height - 1)
  const at = Math.floor(index / kidSpan)
  if (((node.full >>> at) & 1) === 1) {
    node.kids[at] = fullNode(height - 1)
    node.full &= ~(1 << at)
  }
  const kid = node.kids[at]
  if (kid === undefined || !clear(kid, height - 1, index - at * kidSpan)) return false
  node.count--
  if (kid.count === 0) node.kids[at] = undefined
  return true
}

function clearInLeaf(leaf: Leaf, index: number): boolean {
  const at = index >>> 5
  const bit = 1 << (index & 31)
  if ((word(leaf, at) & bit) === 0) return false
  leaf.words[at] = word(leaf, at) & ~bit
  leaf.full &= ~(1 << at)
  leaf.count--
  return true
}

interface Range {
  readonly first: number
  readonly last: number
}

function setRange(node: Node, height: number, range: Range): number {
  if ('words' in node) return setInLeaf(node, range)
  const kidSpan = span(height - 1)
  const lastKid = Math.floor(range.last / kidSpan)
  let added = 0
  for (let at = Math.floor(range.first / kidSpan); at <= lastKid; at++) {
    if (((node.full >>> at) & 1) === 1) continue
    const base = at * kidSpan
    const first = Math.max(range.first - base, 0)
    const last = Math.min(range.last - base, kidSpan - 1)
    added += setInKid(node, at, { height: height - 1, first, last })
  }
  node.count += added
  return added
}

function setInKid(node: Inner, at: number, part: Range & { readonly height: number }): number {
  const kidSpan = span(part.height)
  const known = node.kids[at]
  const before = known?.count ?? 0
  let after = kidSpan
  if (part.first > 0 || part.last < kidSpan - 1) {
    const kid = known ?? emptyNode(part.height)
    node.kids[at] = kid
    setRange(kid, part.height, part)
    after = kid.count
  }
  if (after === kidSpan) {
    node.kids[at] = undefined
    node.full |= 1 << at
  }
  return after - before
}

function setInLeaf(leaf: Leaf, { first, last }: Range): number {
  let added = 0
  for (let at = first >>> 5; at <= last >>> 5; at++) {
    const low = at === first >>> 5 ? -1 << (first & 31) : -1
    const high = at === last >>> 5 ? -1 >>> (31 - (last & 31)) : -1
    const fresh = low & high & ~word(leaf, at)
    leaf.words[at] = word(leaf, at) | fresh
    if (word(leaf, at) === -1) leaf.full |= 1 << at
    added += popcount(fresh)
  }
  leaf.count += added
  return added
}

/** The first clear bit of a node at or after `from`, or -1. */
function nextClear(node: Node, height: number, from: number): number {
  if ('words' in node) return nextClearInLeaf(node, from)
  const kidSpan = span(height - 1)
  const at = Math.floor(from / kidSpan)
  if (((node.full >>> at) & 1) === 0) {
    const kid = node.kids[at]
    if (kid === undefined) return from
    const found = nextClear(kid, height - 1, from - at * kidSpan)
    if (found >= 0) return at * kidSpan + found
  }
  const open = ~node.full & above(at)
  if (open === 0) return -1
  const next = lowestBit(open)
  const kid = node.kids[next]
  // A child that is not full has a clear bit.
  return next * kidSpan + (kid === undefined ? 0 : nextClear(kid, height - 1, 0))
}

function nextClearInLeaf(leaf: Leaf, from: number): number {
  const at = from >>> 5
  const here = ~word(leaf, at) & (-1 << (from & 31))
  if (here !== 0) return at * 32 + lowestBit(here)
  const open = ~leaf.full & above(at)
  if (open === 0) return -1
  const next = lowestBit(open)
  return next * 32 + lowestBit(~word(leaf, next))
}

/** The bits above one position. */
function above(at: number): number {
  return at === 31 ? 0 : -1 << (at + 1)
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits)
}

function popcount(bits: number): number {
  let n = bits - ((bits >>> 1) & 0x55555555)
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333)
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
