/** Which sets go into the digests of a round, so that each is one packet. */
import { utf8Bytes } from '@weft/core'
import type { DigestSource } from './digest-source.ts'
import { DIGEST_ENTRY_BYTES_MAX, DIGEST_OVERHEAD_BYTES } from './exchange-encode.ts'
import { SETS_MAX, type DigestEntry, type DigestMessage } from './exchange-messages.ts'

/** Packets to one peer in one round. Sets beyond what they hold take turns. */
export const DIGEST_PACKETS_MAX = 3

/** Makes the digests of a node. */
export class DigestRound {
  readonly #sender: string
  readonly #entriesBytesMax: number
  /** How many sets the last round passed over, and how many this round has. */
  #start = 0
  #taken = 0

  constructor(sender: string, messageBytesMax: number) {
    this.#sender = sender
    const overhead = DIGEST_OVERHEAD_BYTES + utf8Bytes(sender).length
    this.#entriesBytesMax = messageBytesMax - overhead
  }

  /** A new round: begin with the sets that did not fit the last one. */
  advance(): void {
    this.#start += this.#taken
    this.#taken = 0
  }

  /**
   * Up to DIGEST_PACKETS_MAX digests. Members and attachments, which all else depends on, are in
   * every round; networks take turns when there are more than fit.
   */
  digests(
    sources: readonly DigestSource[],
    entryOf: (source: DigestSource) => DigestEntry,
  ): readonly DigestMessage[] {
    const always = sources.filter((source) => isBasic(source.id))
    const rows = sources.filter((source) => !isBasic(source.id))
    const start = rows.length === 0 ? 0 : this.#start % rows.length
    const inTurn = [...always, ...rows.slice(start), ...rows.slice(0, start)]
    const groups = this.#groups(inTurn)
    const packed = groups.reduce((count, group) => count + group.length, 0)
    const isWhole = packed === inTurn.length
    this.#taken = isWhole ? 0 : Math.max(this.#taken, packed - always.length)
    return groups.map((group) => this.#digest(group.map(entryOf), false))
  }

  /** The answer to a digest: as many of these sets as fit one packet. */
  answer(sets: readonly DigestEntry[]): DigestMessage {
    let bytes = 0
    const fitting = sets.filter(({ setId }, i) => {
      bytes += entryBytes(setId)
      return i < SETS_MAX && bytes <= this.#entriesBytesMax
    })
    return this.#digest(fitting, true)
  }

  #groups(sources: readonly DigestSource[]): DigestSource[][] {
    const groups: DigestSource[][] = []
    let group: DigestSource[] = []
    let bytes = 0
    for (const source of sources) {
      const cost = entryBytes(source.id)
      if (group.length > 0 && (bytes + cost > this.#entriesBytesMax || group.length === SETS_MAX)) {
        groups.push(group)
        if (groups.length === DIGEST_PACKETS_MAX) return groups
        group = []
        bytes = 0
      }
      group.push(source)
      bytes += cost
    }
    return group.length > 0 ? [...groups, group] : groups
  }

  #digest(sets: readonly DigestEntry[], isAnswer: boolean): DigestMessage {
    return { kind: 'digest', sender: this.#sender, isAnswer, sets }
  }
}

function isBasic(setId: string): boolean {
  return setId === 'm' || setId === 'a'
}

function entryBytes(setId: string): number {
  return utf8Bytes(setId).length + DIGEST_ENTRY_BYTES_MAX
}
