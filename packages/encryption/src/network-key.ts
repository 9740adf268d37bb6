/** A key as this package holds it: it goes in, it is used, and it never shows. */
import { assert, setU32, type Cipher, type CipherSuite } from '@weft/core'

const TAG_MASK = 0xffff_ffffn

/** Bytes of the salt behind a key in keying material (RFC 4106 §8.1, RFC 7634 §2). */
export const SALT_BYTES = 4

/** Node's `util.inspect` and `console.log` look for this; it is a name, not a dependency. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** What a key is made of. */
export interface NetworkKeyOptions {
  /** The Lamport time at which managers made it: its name in a cluster (docker-wire §5.1). */
  readonly lamportTime: bigint
  /** Copied. The caller zeroes its own. */
  readonly bytes: Uint8Array
}

/**
 * A key and its name. Whatever prints it, logs it or turns it into JSON gets `[key TAG]`. After
 * `zero` its bytes are gone and using it is a bug.
 */
export class NetworkKey {
  readonly lamportTime: bigint
  /** The low 32 bits of the Lamport time: the name that Docker's SPIs are made with. */
  readonly tag: number
  readonly #bytes: Uint8Array
  #zeroed = false

  constructor({ lamportTime, bytes }: NetworkKeyOptions) {
    assert(lamportTime >= 0n, 'a Lamport time is not negative')
    this.lamportTime = lamportTime
    this.tag = Number(lamportTime & TAG_MASK)
    this.#bytes = bytes.slice()
  }

  /** How long the key is. */
  get byteLength(): number {
    return this.#bytes.length
  }

  /** True once its bytes are gone. */
  get isZeroed(): boolean {
    return this.#zeroed
  }

  /** The key in use under a suite, which takes a copy of its own. Throws ERR_KEY_SIZE. */
  openCipher(suite: CipherSuite): Cipher {
    assert(!this.#zeroed, 'a key that was zeroed is not used')
    return suite.open(this.#bytes)
  }

  /**
   * Write key and salt, as xfrm wants keying material (docker-wire §5.4), and return how many bytes
   * that were. This is the one way out: the caller hands them to the kernel and zeroes them.
   */
  writeKeyMaterial(target: Uint8Array, start: number, salt: number): number {
    assert(!this.#zeroed, 'a key that was zeroed is not used')
    target.set(this.#bytes, start)
    setU32(target, start + this.#bytes.length, salt)
    return this.#bytes.length + SALT_BYTES
  }

  /** Whether both hold the same bytes; takes as long for any two of one length. */
  holdsSame(other: NetworkKey): boolean {
    if (this.#bytes.length !== other.#bytes.length) return false
    let difference = 0
    for (const [i, byte] of this.#bytes.entries()) difference |= byte ^ (other.#bytes[i] ?? 0)
    return difference === 0
  }

  /** Overwrite the bytes. */
  zero(): void {
    this.#bytes.fill(0)
    this.#zeroed = true
  }

  /** For JSON and log lines. */
  toJSON(): string {
    return `[key ${this.tag}]`
  }

  /** For templates and concatenation. */
  toString(): string {
    return this.toJSON()
  }

  [INSPECT](): string {
    return this.toJSON()
  }
}
