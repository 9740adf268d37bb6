/** Bytes written out in tests. */
import { fromHex } from '@weft/core'

/** The bytes of a hexadecimal text; white space is passed over. */
export function hex(text: string): Uint8Array {
  const bytes = fromHex(text)
  if (bytes === null) throw new Error(`not hexadecimal: ${text}`)
  return bytes
}
