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
