/** A line on a terminal that says what is waited for, and goes when it is over. */
import type { TextSink } from '../surroundings.ts'

/** Wait, and say so when somebody watches. Settles as the work does. */
export async function showProgress<Result>(
  sink: TextSink,
  what: string,
  work: Promise<Result>,
): Promise<Result> {
  if (!sink.isTerminal) return work
  sink.write(`weft: ${what} …`)
  try {
    return await work
  } finally {
    // To the beginning of the line, and erase it (ECMA-48 EL).
    sink.write('\r\x1b[K')
  }
}

/** A line on a terminal that says how many of some are done, and goes when they are. */
export class CountProgress {
  readonly #sink: TextSink | null
  readonly #what: string
  readonly #total: number
  #done = -1

  /** `sink` null: nobody watches. */
  constructor(sink: TextSink | null, what: string, total: number) {
    this.#sink = sink
    this.#what = what
    this.#total = total
    this.count()
  }

  /** One more is done. */
  count(): void {
    this.#done += 1
    this.#sink?.write(`\r\x1b[Kweft: ${this.#what}: ${this.#done} of ${this.#total} …`)
  }

  /** Nothing is waited for any more. */
  end(): void {
    this.#sink?.write('\r\x1b[K')
  }
}
