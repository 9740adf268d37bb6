/** MAC addresses: EUI-48, as a canonical string that works as a map key and in JSON. */
import { setU8, u8 } from './bytes.ts'
import { valueError } from './value-errors.ts'

/** A MAC address as six lower-case hexadecimal pairs with colons: `02:42:0a:00:01:02`. */
export type Mac = string & { readonly __mac: never }

/** Bytes of a MAC address. */
export const MAC_BYTES = 6

const PATTERN = /^[0-9a-f]{2}([:-])[0-9a-f]{2}(\1[0-9a-f]{2}){4}$/

/** Read a MAC with colons or dashes in either case. Throws ERR_INVALID_VALUE. */
export function parseMac(text: string): Mac {
  const lower = text.toLowerCase()
  if (!PATTERN.test(lower)) {
    throw valueError('ERR_INVALID_VALUE', 'not a MAC address', {
      kind: 'mac',
      text,
      expected: 'six hexadecimal pairs, like 02:42:0a:00:01:02',
    })
  }
  return lower.replaceAll('-', ':') as Mac
}

const PAIR = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'))

/** The MAC that stands in six bytes from `start`. */
export function macFromBytes(bytes: Uint8Array, start = 0): Mac {
  let text = PAIR[u8(bytes, start)] as string
  for (let i = 1; i < MAC_BYTES; i++) text += ':' + (PAIR[u8(bytes, start + i)] as string)
  return text as Mac
}

const HEX_VALUE = new Uint8Array(128)
for (let i = 0; i < 16; i++) HEX_VALUE[i.toString(16).charCodeAt(0)] = i

/** Write the six bytes of a MAC at `start`. */
export function writeMac(bytes: Uint8Array, start: number, mac: Mac): void {
  for (let i = 0; i < MAC_BYTES; i++) {
    const high = HEX_VALUE[mac.charCodeAt(3 * i)] as number
    const low = HEX_VALUE[mac.charCodeAt(3 * i + 1)] as number
    setU8(bytes, start + i, (high << 4) | low)
  }
}

/** Group bit of the first byte: broadcast or multicast (IEEE 802). */
export function isGroupMac(mac: Mac): boolean {
  return (parseInt(mac.slice(0, 2), 16) & 1) === 1
}
