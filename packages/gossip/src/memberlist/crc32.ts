/** CRC-32 as in IEEE 802.3, Ethernet and gzip: what memberlist checks datagrams with (§2.3). */
import { u8 } from '@weft/core'

/** Reflected form of the polynomial 0x04c11db7. */
const POLYNOMIAL = 0xedb8_8320

const TABLE = new Uint32Array(256).map((_, byte) => {
  let rest = byte
  for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? POLYNOMIAL : 0)
  return rest
})

/** The checksum of the bytes from `start` to `end`, unsigned. */
export function crc32(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0xffff_ffff
  for (let at = start; at < end; at++) {
    sum = (sum >>> 8) ^ (TABLE[(sum ^ u8(bytes, at)) & 0xff] ?? 0)
  }
  return ~sum >>> 0
}
