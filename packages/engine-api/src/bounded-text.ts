/** A body that is read whole, up to a limit. */

/** The text of a body; null when it is longer than `bytesMax`, and the rest is not read. */
export async function boundedText(
  body: AsyncIterable<Uint8Array> | null,
  bytesMax: number,
): Promise<string | null> {
  if (body === null) return ''
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body) {
    size += piece.length
    if (size > bytesMax) return null
    pieces.push(piece)
  }
  return new TextDecoder().decode(Buffer.concat(pieces))
}
