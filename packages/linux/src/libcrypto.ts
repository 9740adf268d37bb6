/**
 * Packet ciphers from the libcrypto that this process has in it already, through FFI: a fraction of
 * the time that node:crypto takes to set a cipher up for each packet, and no garbage.
 */
import {
  assert,
  checkKeySize,
  CIPHER_NONCE_BYTES,
  CIPHER_SUITES,
  type Cipher,
  type CipherSuite,
  type CipherSuiteName,
} from '@weft/core'
import koffi from 'koffi'
import { PinnedMemory } from './pinned-memory.ts'

/** EVP_CTRL_AEAD_GET_TAG and EVP_CTRL_AEAD_SET_TAG (openssl/evp.h). */
const GET_TAG = 0x10
const SET_TAG = 0x11

const SEAL = 1
const OPEN = 0

/** What EVP_get_cipherbyname calls them. */
const NAMES: { readonly [Name in CipherSuiteName]: string } = {
  'aes-128-gcm-8': 'id-aes128-GCM',
  'aes-128-gcm-16': 'id-aes128-GCM',
  'chacha20-poly1305': 'ChaCha20-Poly1305',
}

/** A call with pointers and lengths as numbers; most answer 1 when it went well. */
type Call = (...pointersAndLengths: readonly number[]) => number

/** Functions of openssl/evp.h; their arguments are as in its manual pages. */
interface Evp {
  readonly create: Call
  readonly free: Call
  readonly byName: (name: string) => number
  readonly begin: Call
  readonly update: Call
  readonly finish: Call
  readonly control: Call
  readonly forgetErrors: Call
}

/** A library, or why there is none. */
type Loaded =
  | { readonly evp: Evp; readonly lack: null }
  | { readonly evp: null; readonly lack: string }

let loaded: Loaded | null = null

/** Why libcrypto cannot be used here; null when it can. Loads nothing that is not there. */
export function libcryptoLack(): string | null {
  return load().lack
}

/** A suite of libcrypto; null where `libcryptoLack` says why. */
export function libcryptoSuite(name: CipherSuiteName): CipherSuite | null {
  const { evp } = load()
  if (evp === null) return null
  const type = evp.byName(NAMES[name])
  if (type === 0) return null
  const suite: CipherSuite = {
    name,
    ...CIPHER_SUITES[name],
    open(key) {
      checkKeySize(name, key.length)
      return new LibraryCipher(suite, { evp, type }, key)
    },
  }
  return suite
}

function load(): Loaded {
  loaded ??= tryToLoad()
  return loaded
}

/** Node exports OpenSSL's symbols, or has the system's library loaded; others may have neither. */
function tryToLoad(): Loaded {
  try {
    const lib = koffi.load(null)
    const f = <F>(prototype: string): F => lib.func(prototype) as F
    const evp: Evp = {
      create: f('uintptr_t EVP_CIPHER_CTX_new()'),
      free: f('void EVP_CIPHER_CTX_free(uintptr_t context)'),
      byName: f('uintptr_t EVP_get_cipherbyname(const char *name)'),
      begin: f(
        'int EVP_CipherInit_ex(uintptr_t context, uintptr_t type, uintptr_t engine, ' +
          'uintptr_t key, uintptr_t nonce, int direction)',
      ),
      update: f(
        'int EVP_CipherUpdate(uintptr_t context, uintptr_t out, uintptr_t written, ' +
          'uintptr_t text, int bytes)',
      ),
      finish: f('int EVP_CipherFinal_ex(uintptr_t context, uintptr_t out, uintptr_t written)'),
      control: f('int EVP_CIPHER_CTX_ctrl(uintptr_t context, int what, int bytes, uintptr_t at)'),
      forgetErrors: f('void ERR_clear_error()'),
    }
    return { evp, lack: null }
  } catch (error) {
    return { evp: null, lack: error instanceof Error ? error.message : String(error) }
  }
}

/**
 * Places in a list of pointers. Numbers of more than 31 bits are objects in V8: read from a field
 * they are made anew for each call, read from a list with an object in it they are not.
 */
const POINTER = { context: 1, nonce: 2, associated: 3, tag: 4, written: 5 } as const

/** Where things stand in a cipher's own memory. */
const AT = { nonce: 0, associated: 16, key: 48, tag: 80, written: 96 } as const
const ROOM_BYTES = 112
const ASSOCIATED_ROOM_BYTES = AT.key - AT.associated

class LibraryCipher implements Cipher {
  readonly suite: CipherSuite
  readonly #evp: Evp
  readonly #room = PinnedMemory.allocate(ROOM_BYTES)
  readonly #pointers: unknown[]
  #associatedBytes = 0
  /** The array that was used last, which is most often the next one too. */
  #memory = this.#room

  constructor(suite: CipherSuite, library: { evp: Evp; type: number }, key: Uint8Array) {
    this.suite = suite
    this.#evp = library.evp
    const context = library.evp.create()
    assert(context !== 0, 'memory for a cipher')
    const { address, bytes } = this.#room
    const places = [AT.nonce, AT.associated, AT.tag, AT.written].map((at) => address + at)
    this.#pointers = [this, context, ...places]
    bytes.set(key, AT.key)
    const result = library.evp.begin(context, library.type, 0, address + AT.key, 0, SEAL)
    bytes.fill(0, AT.key, AT.key + key.length)
    assert(result === 1, 'a key of the right size is taken')
  }

  seal(
    bytes: Uint8Array,
    start: number,
    end: number,
    nonce: Uint8Array,
    associated: Uint8Array,
  ): void {
    const { tagBytes } = this.suite
    assert(start >= 0 && start <= end && end + tagBytes <= bytes.length, 'room for a tag')
    this.#enter(nonce, associated)
    const text = this.#addressOf(bytes, start)
    const length = end - start
    const evp = this.#evp
    const context = this.#pointer(POINTER.context)
    const tag = this.#pointer(POINTER.tag)
    const result =
      this.#begin(SEAL) &
      this.#update(text, length) &
      evp.finish(context, tag, this.#pointer(POINTER.written)) &
      evp.control(context, GET_TAG, tagBytes, tag)
    assert(result === 1, 'libcrypto seals whatever it is given')
    const room = this.#room.bytes
    for (let i = 0; i < tagBytes; i++) bytes[end + i] = room[AT.tag + i] as number
  }

  open(
    bytes: Uint8Array,
    start: number,
    end: number,
    nonce: Uint8Array,
    associated: Uint8Array,
  ): boolean {
    const { tagBytes } = this.suite
    assert(start >= 0 && end <= bytes.length, 'a window inside of its array')
    const length = end - tagBytes - start
    if (length < 0) return false
    this.#enter(nonce, associated)
    const text = this.#addressOf(bytes, start)
    const evp = this.#evp
    const context = this.#pointer(POINTER.context)
    const tag = this.#pointer(POINTER.tag)
    const room = this.#room.bytes
    for (let i = 0; i < tagBytes; i++) room[AT.tag + i] = bytes[end - tagBytes + i] as number
    const isBegun =
      this.#begin(OPEN) &
      evp.control(context, SET_TAG, tagBytes, tag) &
      this.#update(text, length)
    assert(isBegun === 1, 'libcrypto deciphers whatever it is given')
    if (evp.finish(context, tag, this.#pointer(POINTER.written)) === 1) return true
    this.#undo(text, length)
    return false
  }

  close(): void {
    const context = this.#pointer(POINTER.context)
    if (context !== 0) this.#evp.free(context)
    this.#pointers[POINTER.context] = 0
  }

  /** What was deciphered is forged: in stream ciphers the same again makes it what it was. */
  #undo(text: number, length: number): void {
    this.#evp.forgetErrors()
    const result = this.#begin(SEAL) & this.#update(text, length)
    assert(result === 1, 'libcrypto seals whatever it is given')
  }

  /** Nonces and associated data are small arrays, which may move: they are copied. */
  #enter(nonce: Uint8Array, associated: Uint8Array): void {
    assert(this.#pointer(POINTER.context) !== 0, 'a cipher that was closed is not used')
    assert(nonce.length === CIPHER_NONCE_BYTES, 'a nonce has CIPHER_NONCE_BYTES')
    const { length } = associated
    assert(length <= ASSOCIATED_ROOM_BYTES, 'associated data of packets is short')
    const { bytes } = this.#room
    for (let i = 0; i < CIPHER_NONCE_BYTES; i++) bytes[AT.nonce + i] = nonce[i] as number
    for (let i = 0; i < length; i++) bytes[AT.associated + i] = associated[i] as number
    this.#associatedBytes = length
  }

  #begin(direction: number): number {
    const evp = this.#evp
    const context = this.#pointer(POINTER.context)
    const begun = evp.begin(context, 0, 0, 0, this.#pointer(POINTER.nonce), direction)
    const length = this.#associatedBytes
    if (length === 0) return begun
    const at = this.#pointer(POINTER.associated)
    return begun & evp.update(context, 0, this.#pointer(POINTER.written), at, length)
  }

  /** Cipher a text where it stands. */
  #update(text: number, length: number): number {
    const context = this.#pointer(POINTER.context)
    return this.#evp.update(context, text, this.#pointer(POINTER.written), text, length)
  }

  #pointer(place: number): number {
    return this.#pointers[place] as number
  }

  #addressOf(bytes: Uint8Array, start: number): number {
    if (bytes !== this.#memory.bytes) this.#memory = PinnedMemory.over(bytes)
    return this.#memory.addressAt(start)
  }
}
