/** The last lines of what a simulation did, and a sum over all of them. */
import { assert } from '@weft/core'

/** Lines kept at most. */
export const TRANSCRIPT_KEPT_MAX = 100_000

/** Digits in front of the point: sorts lines of the first eleven days as text too. */
const TIME_WIDTH = 13

/** Bounded in memory; its checksum covers everything that was ever said. */
export class TranscriptRing {
  readonly #kept: number
  readonly #lines: string[] = []
  #next = 0
  #hash = 0x811c9dc5

  /** Keep the last `kept` lines. */
  constructor(kept: number) {
    assert(kept >= 1 && kept <= TRANSCRIPT_KEPT_MAX, 'a transcript keeps a bounded part')
    this.#kept = kept
  }

  /** Say something, at virtual instant `at`. */
  add(at: number, text: string): void {
    const line = `${at.toFixed(3).padStart(TIME_WIDTH)} ${text}`
    for (let i = 0; i < line.length; i++) {
      this.#hash = Math.imul(this.#hash ^ line.charCodeAt(i), 0x01000193)
    }
    this.#lines[this.#next] = line
    this.#next = (this.#next + 1) % this.#kept
  }

  /** The last lines, oldest first. */
  lines(): readonly string[] {
    return [...this.#lines.slice(this.#next), ...this.#lines.slice(0, this.#next)]
  }

  /** FNV-1a over everything said: equal runs have equal sums. Eight hexadecimal digits. */
  checksum(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0')
  }
}

/** FNV-1a over bytes: tells datagrams apart in a transcript. */
export function checksumOf(bytes: Uint8Array): string {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
