/** What wraps the messages of one cluster: label, seal, compression (docker-wire §2.3, §2.7). */
import type { Aead, Entropy } from '@weft/core'
import type { KeyRing } from './key-ring.ts'

/** Shared by packets and streams. */
export interface WrapOptions {
  /** Empty: none. At most LABEL_BYTES_MAX bytes of UTF-8. */
  readonly label: string
  /** Null, or a ring without keys: in the clear. The ring may change at any time. */
  readonly keys: KeyRing | null
  readonly aead: Aead
  readonly entropy: Entropy
  /** Compress what gets shorter by it (packets), or everything (streams, as memberlist does). */
  readonly compress: boolean
}
