/** Everything a simulation said, in order, with virtual time and the node that said it. */
import { assert } from '../assert.ts'
import type { Clock } from '../clock.ts'
import { formatFields } from '../log-fields.ts'
import { createLogger, type Logger } from '../logger.ts'
import { formatSocketAddress } from '../socket-address.ts'
import type { SimNetwork } from './sim-network.ts'

/** Lines of a transcript in memory at most; a simulation that says more has run away. */
export const TRANSCRIPT_LINES_MAX = 1_000_000

/** Digits in front of the point: sorts lines of the first 27 hours as text too. */
const TIME_WIDTH = 12

/** Collects log lines and link crossings of many nodes: the debugging tool of a simulation. */
export class Transcript {
  readonly #clock: Clock
  readonly #entries: { readonly node: string; readonly line: string }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The logger of one node. */
  logger(node: string): Logger {
    return createLogger((level, message, fields) => {
      this.#add(node, `${level.padEnd(5)} ${message}${formatFields(fields)}`)
    })
  }

  /** Write down what crosses a network's links too, under the link's name `from>to`. */
  watch(network: SimNetwork): Disposable {
    return network.capture(({ kind, link, from, to, bytes, reason }) => {
      const ends = `${formatSocketAddress(from)} ${formatSocketAddress(to)}`
      const why = reason === null ? '' : ` ${reason}`
      this.#add(link, `${kind} ${ends} ${bytes.length}B ${checksum(bytes)}${why}`)
    })
  }

  /** All lines, or those of one node or link. */
  lines(node?: string): readonly string[] {
    return this.#entries
      .filter((entry) => node === undefined || entry.node === node)
      .map((entry) => entry.line)
  }

  toString(): string {
    return this.lines().join('\n')
  }

  #add(node: string, text: string): void {
    assert(this.#entries.length < TRANSCRIPT_LINES_MAX, 'a simulation says a bounded amount')
    const time = this.#clock.now().toFixed(3).padStart(TIME_WIDTH)
    this.#entries.push({ node, line: `${time} ${node} ${text}` })
  }
}

/** FNV-1a: enough to tell datagrams apart in a transcript. */
function checksum(bytes: Uint8Array): string {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
