/** A body of JSON documents, one a line, as they come. */

/** Bytes of one line: events have some hundreds. */
export const LINE_BYTES_MAX = 1024 * 1024

const NEWLINE = 10

/**
 * Each line's document. Ends with the body, or without the last line when that is cut off. Throws
 * a SyntaxError for what is no JSON and a RangeError for what is too long.
 */
export async function* readJsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator {
  const decoder = new TextDecoder()
  let rest = new Uint8Array(0)
  for await (const piece of body) {
    rest = rest.length === 0 ? new Uint8Array(piece) : new Uint8Array(Buffer.concat([rest, piece]))
    let start = 0
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, start)) {
      const line = decoder.decode(rest.subarray(start, end)).trim()
      start = end + 1
      if (line !== '') yield JSON.parse(line)
    }
    rest = rest.subarray(start)
    if (rest.length > LINE_BYTES_MAX) throw new RangeError('a line is too long')
  }
}
