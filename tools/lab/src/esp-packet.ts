/**
 * ESP by hand, with Node's ciphers alone: what a bystander with the keys can open and make. It
 * shares no code with what it judges but the derivation of SPIs.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { setU32, u32, u8 } from '@weft/core'
import { IP_PROTOCOL } from '@weft/wire'

/** AES-GCM with a tag of 8 bytes (RFC 4106), as Docker has it (docker-wire §5.4). */
const CIPHER = 'aes-128-gcm'
const TAG_BYTES = 8
const IV_BYTES = 8
const HEADER_BYTES = 8
const WORD_BYTES = 4

/** What a packet is sealed with; the salt is the SPI (docker-wire §5.4). */
export interface EspSecret {
  readonly spi: number
  readonly key: Uint8Array
}

/** What tells one packet from another under a key. */
export interface EspNumbers {
  readonly sequence: number
  /** Eight bytes, of which no two packets of a key have the same. */
  readonly iv: Uint8Array
}

/** The packet that carries this payload of IP protocol UDP (RFC 4303 §2). */
export function sealEsp(
  { key, spi }: EspSecret,
  numbers: EspNumbers,
  payload: Uint8Array,
): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES)
  setU32(header, 0, spi)
  setU32(header, 4, numbers.sequence)
  const padding = -(payload.length + 2) & (WORD_BYTES - 1)
  const trailer = Uint8Array.of(...ascending(padding), padding, IP_PROTOCOL.udp)
  const options = { authTagLength: TAG_BYTES }
  const cipher = createCipheriv(CIPHER, key, nonceOf(spi, numbers.iv), options)
  cipher.setAAD(header)
  const text = [cipher.update(payload), cipher.update(trailer), cipher.final()]
  return Uint8Array.from(Buffer.concat([header, numbers.iv, ...text, cipher.getAuthTag()]))
}

/** The payload of a packet; null when it was not sealed with this, or is none of UDP's. */
export function openEsp({ key, spi }: EspSecret, packet: Uint8Array): Uint8Array | null {
  const textEnd = packet.length - TAG_BYTES
  const textStart = HEADER_BYTES + IV_BYTES
  if (textEnd < textStart + 2 || u32(packet, 0) !== spi) return null
  const iv = packet.subarray(HEADER_BYTES, textStart)
  const options = { authTagLength: TAG_BYTES }
  const decipher = createDecipheriv(CIPHER, key, nonceOf(spi, iv), options)
  decipher.setAAD(packet.subarray(0, HEADER_BYTES))
  decipher.setAuthTag(packet.subarray(textEnd))
  try {
    const text = Buffer.concat([
      decipher.update(packet.subarray(textStart, textEnd)),
      decipher.final(),
    ])
    if (u8(text, text.length - 1) !== IP_PROTOCOL.udp) return null
    return Uint8Array.from(text.subarray(0, text.length - 2 - u8(text, text.length - 2)))
  } catch {
    return null
  }
}

function nonceOf(salt: number, iv: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(4 + IV_BYTES)
  setU32(nonce, 0, salt)
  nonce.set(iv, 4)
  return nonce
}

function ascending(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1)
}
