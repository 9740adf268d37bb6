/** Changes valid inputs in the ways that break decoders. */
import type { Draws } from './chance.ts'

/** Inputs stay this short: all limits of the formats are within reach of it. */
export const INPUT_BYTES_MAX = 4096

/** The edges of fields of 8 bits. */
const EDGES = [0x00, 0x01, 0x02, 0x04, 0x08, 0x0f, 0x7f, 0x80, 0xf0, 0xfe, 0xff]
const CHANGES_MAX = 6
const NOISE_BYTES_MAX = 128

type Change = (bytes: Uint8Array, draws: Draws, corpus: readonly Uint8Array[]) => Uint8Array

function set(bytes: Uint8Array, at: number, value: number): Uint8Array {
  bytes[at] = value
  return bytes
}

const flipBit: Change = (bytes, draws) => {
  const at = draws.below(bytes.length)
  return set(bytes, at, (bytes[at] ?? 0) ^ (1 << draws.below(8)))
}

const setEdge: Change = (bytes, draws) =>
  set(bytes, draws.below(bytes.length), EDGES[draws.below(EDGES.length)] ?? 0)

const setByte: Change = (bytes, draws) => set(bytes, draws.below(bytes.length), draws.below(256))

/** Length fields matter most near their true value. */
const nudge: Change = (bytes, draws) => {
  const at = draws.below(bytes.length)
  return set(bytes, at, (bytes[at] ?? 0) + draws.below(9) - 4)
}

const cutEnd: Change = (bytes, draws) => bytes.slice(0, draws.below(bytes.length + 1))

const cutEndByFew: Change = (bytes, draws) =>
  bytes.slice(0, Math.max(0, bytes.length - 1 - draws.below(8)))

const remove: Change = (bytes, draws) => {
  const from = draws.below(bytes.length)
  return joined(bytes.subarray(0, from), bytes.subarray(from + 1 + draws.below(8)))
}

const repeat: Change = (bytes, draws) => {
  const from = draws.below(bytes.length)
  const to = Math.min(bytes.length, from + 1 + draws.below(32))
  return joined(bytes.subarray(0, to), bytes.subarray(from, to), bytes.subarray(to))
}

const splice: Change = (bytes, draws, corpus) => {
  const other = corpus[draws.below(corpus.length)] ?? bytes
  const from = draws.below(other.length)
  return joined(bytes.subarray(0, draws.below(bytes.length + 1)), other.subarray(from))
}

const appendNoise: Change = (bytes, draws) => joined(bytes, noise(draws, 16))

const CHANGES: readonly Change[] = [
  flipBit,
  flipBit,
  setEdge,
  setEdge,
  setByte,
  nudge,
  nudge,
  cutEnd,
  cutEndByFew,
  remove,
  repeat,
  splice,
  appendNoise,
]

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function noise(draws: Draws, lengthMax: number): Uint8Array {
  const bytes = new Uint8Array(draws.below(lengthMax + 1))
  for (let i = 0; i < bytes.length; i++) bytes[i] = draws.below(256)
  return bytes
}

/** One input: noise now and then, otherwise a piece of the corpus with some changes. */
export function mutate(corpus: readonly Uint8Array[], draws: Draws): Uint8Array {
  const chosen = corpus[draws.below(corpus.length)]
  if (chosen === undefined || draws.below(16) === 0) return noise(draws, NOISE_BYTES_MAX)
  let bytes: Uint8Array = Uint8Array.from(chosen)
  for (let left = draws.below(CHANGES_MAX + 1); left > 0; left--) {
    const change = CHANGES[draws.below(CHANGES.length)] ?? flipBit
    if (bytes.length > 0) bytes = change(bytes, draws, corpus)
  }
  return bytes.slice(0, INPUT_BYTES_MAX)
}
