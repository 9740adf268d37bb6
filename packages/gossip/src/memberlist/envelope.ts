/** The sealed envelope: version, nonce, AES-GCM ciphertext and tag (docker-wire §2.6). */
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, u8 } from '@weft/core'
import type { GossipFault } from './faults.ts'
import type { WrapOptions } from './wrap-options.ts'

/** Bytes of an envelope of version 1 beyond those of what is in it. */
export const ENVELOPE_BYTES = 1 + AEAD_NONCE_BYTES + AEAD_TAG_BYTES

/** Plain text is padded to a multiple of 16 bytes: spoken by nobody since 2014, still opened. */
const VERSION_PADDED = 0
const VERSION = 1
const PADDING_BYTES = 16

const HEAD_BYTES = 1 + AEAD_NONCE_BYTES

/** Nothing is authenticated beside the text. */
export const NO_ASSOCIATED = new Uint8Array(0)

/** What a seal draws on. */
export type SealOptions = Pick<WrapOptions, 'aead' | 'entropy'>

/** What is sealed or opened: the text, and what is authenticated with it. */
export interface Sealing {
  readonly text: Uint8Array
  readonly associated: Uint8Array
}

/** Put an envelope around a text, at `at` of `into`; it takes ENVELOPE_BYTES more than the text. */
export function sealInto(
  into: Uint8Array,
  at: number,
  what: Sealing & { readonly key: Uint8Array; readonly options: SealOptions },
): void {
  const nonce = into.subarray(at + 1, at + HEAD_BYTES)
  what.options.entropy.fill(nonce)
  into[at] = VERSION
  const { key, associated } = what
  into.set(what.options.aead.seal({ key, nonce, associated }, what.text), at + HEAD_BYTES)
}

/** The text of an envelope that one of the keys opens, tried in order. */
export function openEnvelope(
  { text: envelope, associated }: Sealing,
  options: Pick<WrapOptions, 'aead' | 'keys'>,
): Uint8Array | GossipFault {
  if (envelope.length === 0) return 'short'
  const version = u8(envelope, 0)
  if (version > VERSION) return 'bad-version'
  const padding = version === VERSION_PADDED ? PADDING_BYTES : 0
  if (envelope.length < ENVELOPE_BYTES + padding) return 'short'
  const nonce = envelope.subarray(1, HEAD_BYTES)
  const sealed = envelope.subarray(HEAD_BYTES)
  for (const key of options.keys?.all() ?? []) {
    const text = options.aead.open({ key, nonce, associated }, sealed)
    if (text !== null) return version === VERSION_PADDED ? unpadded(text) : text
  }
  return 'cannot-open'
}

/** Take PKCS#7 padding off (RFC 5652 §6.3): 1 to 16 bytes that all tell their number. */
function unpadded(text: Uint8Array): Uint8Array | GossipFault {
  const count = text.length === 0 ? 0 : u8(text, text.length - 1)
  if (count === 0 || count > PADDING_BYTES || count > text.length) return 'bad-value'
  const from = text.length - count
  for (let at = from; at < text.length; at++) if (text[at] !== count) return 'bad-value'
  return text.subarray(0, from)
}
