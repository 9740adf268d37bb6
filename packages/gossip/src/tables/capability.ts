/** What Weft nodes know each other by: the beginning of a member's metadata. */
import { u8 } from '@weft/core'

/** ASCII `weft/1`; an engine stores and relays foreign metadata, and never reads it. */
const CAPABILITY = Uint8Array.of(0x77, 0x65, 0x66, 0x74, 0x2f, 0x31)

/** Bytes that `weftMeta` puts before an application's own. */
export const CAPABILITY_BYTES: number = CAPABILITY.length + 1

/** Metadata that says: this node compares digests. The application's own bytes follow a zero. */
export function weftMeta(application: Uint8Array): Uint8Array {
  const meta = new Uint8Array(CAPABILITY_BYTES + application.length)
  meta.set(CAPABILITY)
  meta.set(application, CAPABILITY_BYTES)
  return meta
}

/** True for metadata of a Weft node. Another version is another name: `weft/12` is not ours. */
export function isWeftMeta(meta: Uint8Array): boolean {
  if (meta.length < CAPABILITY.length) return false
  for (let i = 0; i < CAPABILITY.length; i++) if (u8(meta, i) !== u8(CAPABILITY, i)) return false
  return meta.length === CAPABILITY.length || u8(meta, CAPABILITY.length) === 0
}

/** The application's bytes in any node's metadata. */
export function applicationMeta(meta: Uint8Array): Uint8Array {
  return isWeftMeta(meta) ? meta.subarray(CAPABILITY_BYTES) : meta
}
