/** LZW as docker-wire §2.5 tells it, slow and obvious: what the real decoder is compared with. */
import { assert } from '@weft/core'

const CLEAR = 256
const END = 257
const WIDEST = 12

/** Outcomes that both decoders must share; `oversized` where the output exceeds `max` bytes. */
export type NaiveFault = 'bad-compression' | 'oversized'

/** The bytes that codes stand for, from a table of whole runs, bits one by one. */
export function naiveLzw(bytes: Uint8Array, max: number): Uint8Array | NaiveFault {
  const out: number[] = []
  let runs = new Map<number, readonly number[]>()
  let next = END
  let width = 9
  let last: readonly number[] | null = null
  for (let at = 0; at + width <= 8 * bytes.length; ) {
    const code = codeAt(bytes, at, width)
    at += width
    if (code === END) return Uint8Array.from(out)
    if (code === CLEAR) {
      runs = new Map()
      next = END
      width = 9
      last = null
      continue
    }
    const known: readonly number[] | undefined = code < CLEAR ? [code] : runs.get(code)
    const run: readonly number[] | null =
      known ?? (code === next && last !== null ? [...last, first(last)] : null)
    if (run === null) return 'bad-compression'
    if (last !== null) runs.set(next, [...last, first(run)])
    if (out.length + run.length > max) return 'oversized'
    out.push(...run)
    last = run
    if (++next < 2 ** width) continue
    if (width < WIDEST) width++
    else {
      next--
      last = null
    }
  }
  return 'bad-compression'
}

function first(run: readonly number[]): number {
  const [byte] = run
  assert(byte !== undefined, 'a run has a byte')
  return byte
}

function codeAt(bytes: Uint8Array, at: number, width: number): number {
  let code = 0
  for (let i = 0; i < width; i++) {
    const bit = ((bytes[(at + i) >>> 3] ?? 0) >>> ((at + i) & 7)) & 1
    code += bit * 2 ** i
  }
  return code
}
