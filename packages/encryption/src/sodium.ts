/** ChaCha20-Poly1305 by libsodium, compiled to WebAssembly: the same on every machine. */
import {
  assert,
  checkKeySize,
  CIPHER_NONCE_BYTES,
  CIPHER_SUITES,
  type Cipher,
  type CipherSuite,
} from '@weft/core'
import { encryptionError } from './errors.ts'

const NAME = 'chacha20-poly1305'
const { keyBytes, tagBytes } = CIPHER_SUITES[NAME]

/** Room for a packet of 1,500 bytes; it grows when a larger one comes. */
const ROOM_BYTES = 2048

/**
 * What is used of the module under libsodium's wrappers. The wrappers copy the key into the heap
 * for each packet and leave it there; here it stands in one place, which is zeroed at the end.
 */
interface SodiumModule {
  /** The heap; another array once the heap has grown. */
  readonly HEAPU8: Uint8Array
  _malloc(bytes: number): number
  _free(address: number): void
  /** 64-bit lengths are two numbers, the low half first; the secret nonce is not used. */
  _crypto_aead_chacha20poly1305_ietf_encrypt: AeadFunction
  _crypto_aead_chacha20poly1305_ietf_decrypt: AeadFunction
}

type AeadFunction = (...addressesAndLengths: readonly number[]) => number

const FUNCTIONS = [
  '_malloc',
  '_free',
  '_crypto_aead_chacha20poly1305_ietf_encrypt',
  '_crypto_aead_chacha20poly1305_ietf_decrypt',
] as const

/**
 * Load libsodium and make its ChaCha20-Poly1305 (RFC 8439 §2.8). Nothing is loaded before. Throws
 * ERR_SODIUM_UNUSABLE where WebAssembly does not run, or the module has not what is used of it.
 */
export async function openSodium(): Promise<CipherSuite> {
  const module = await loadModule()
  const room = new Room(module)
  const suite: CipherSuite = {
    name: NAME,
    keyBytes,
    tagBytes,
    open(key) {
      checkKeySize(NAME, key.length)
      return new SodiumCipher(suite, { module, room }, key)
    },
  }
  return suite
}

async function loadModule(): Promise<SodiumModule> {
  let found: unknown
  try {
    const { default: sodium } = await import('libsodium-wrappers')
    await sodium.ready
    found = Reflect.get(sodium, 'libsodium')
  } catch (error) {
    throw encryptionError('ERR_SODIUM_UNUSABLE', 'libsodium does not load', { missing: [] }, error)
  }
  const members = (typeof found === 'object' && found !== null ? found : {}) as SodiumModule
  const missing = FUNCTIONS.filter((name) => typeof members[name] !== 'function')
  if (missing.length === 0) return members
  throw encryptionError('ERR_SODIUM_UNUSABLE', 'not the libsodium this was made for', { missing })
}

/** A place in libsodium's heap for what one packet needs: nonce, associated data, text and tag. */
class Room {
  readonly #module: SodiumModule
  #address: number
  #bytes = ROOM_BYTES

  constructor(module: SodiumModule) {
    this.#module = module
    this.#address = allocate(module, ROOM_BYTES)
  }

  /** Where so many bytes may stand until the next call. */
  reserve(bytes: number): number {
    if (bytes > this.#bytes) {
      this.#module._free(this.#address)
      this.#address = allocate(this.#module, bytes)
      this.#bytes = bytes
    }
    return this.#address
  }
}

interface Heap {
  readonly module: SodiumModule
  readonly room: Room
}

class SodiumCipher implements Cipher {
  readonly suite: CipherSuite
  readonly #module: SodiumModule
  readonly #room: Room
  /** Where the key stands; 0 once it does not. */
  #key: number

  constructor(suite: CipherSuite, { module, room }: Heap, key: Uint8Array) {
    this.suite = suite
    this.#module = module
    this.#room = room
    this.#key = allocate(module, keyBytes)
    module.HEAPU8.set(key, this.#key)
  }

  seal(
    bytes: Uint8Array,
    start: number,
    end: number,
    nonce: Uint8Array,
    associated: Uint8Array,
  ): void {
    assert(start <= end && end + tagBytes <= bytes.length, 'room for a tag')
    const length = end - start
    const at = this.#enter(nonce, associated, length + tagBytes)
    const data = at + CIPHER_NONCE_BYTES
    const text = data + associated.length
    const { HEAPU8: heap } = this.#module
    heap.set(bytes.subarray(start, end), text)
    const size = associated.length
    const seal = this.#module._crypto_aead_chacha20poly1305_ietf_encrypt
    const result = seal(text, 0, text, length, 0, data, size, 0, 0, at, this.#key)
    assert(result === 0, 'libsodium seals whatever it is given')
    bytes.set(heap.subarray(text, text + length + tagBytes), start)
  }

  open(
    bytes: Uint8Array,
    start: number,
    end: number,
    nonce: Uint8Array,
    associated: Uint8Array,
  ): boolean {
    const length = end - start
    if (length < tagBytes) return false
    const at = this.#enter(nonce, associated, length)
    const data = at + CIPHER_NONCE_BYTES
    const text = data + associated.length
    const { HEAPU8: heap } = this.#module
    heap.set(bytes.subarray(start, end), text)
    const size = associated.length
    const open = this.#module._crypto_aead_chacha20poly1305_ietf_decrypt
    const isOpen = open(text, 0, 0, text, length, 0, data, size, 0, at, this.#key) === 0
    if (isOpen) bytes.set(heap.subarray(text, text + length - tagBytes), start)
    return isOpen
  }

  close(): void {
    if (this.#key === 0) return
    this.#module.HEAPU8.fill(0, this.#key, this.#key + keyBytes)
    this.#module._free(this.#key)
    this.#key = 0
  }

  /** Put nonce and associated data into the heap, with room for a text behind them. */
  #enter(nonce: Uint8Array, associated: Uint8Array, textBytes: number): number {
    assert(this.#key !== 0, 'a cipher that was closed is not used')
    assert(nonce.length === CIPHER_NONCE_BYTES, 'a nonce has CIPHER_NONCE_BYTES')
    const at = this.#room.reserve(CIPHER_NONCE_BYTES + associated.length + textBytes)
    this.#module.HEAPU8.set(nonce, at)
    this.#module.HEAPU8.set(associated, at + CIPHER_NONCE_BYTES)
    return at
  }
}

function allocate(module: SodiumModule, bytes: number): number {
  const address = module._malloc(bytes)
  assert(address !== 0, "room in libsodium's heap")
  return address
}
