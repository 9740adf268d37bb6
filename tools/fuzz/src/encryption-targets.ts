/** What reads sealed packets: ESP as it comes from a network, and the suites against each other. */
import {
  CIPHER_NONCE_BYTES,
  equalBytes,
  parseIp,
  setU32,
  setU8,
  u32,
  u8,
  type CipherSuite,
} from '@weft/core'
import { SeededRandom, SimEntropy } from '@weft/core/testing'
import {
  ESP_HEADER_BYTES,
  espOverheadBytes,
  KeyRing,
  NetworkKey,
  openSodium,
  SecurityAssociations,
  spiOf,
  WEFT_PROFILE,
  type PeerProfile,
} from '@weft/encryption'
import { nodeCipherSuites } from '@weft/runtime-node'
import type { FuzzTarget } from './target.ts'

const SODIUM = await openSodium()
const [LOCAL, PEER] = [parseIp('192.0.2.1'), parseIp('192.0.2.2')]
const PROTOCOL_UDP = 17

/** One way of doing ESP. The SPI follows from the tag, so that a packet says which it is for. */
interface Way {
  readonly suite: CipherSuite
  readonly tag: number
  readonly profile: PeerProfile
}

const WAYS: readonly Way[] = [...Object.values(nodeCipherSuites), SODIUM].flatMap((suite, i) => [
  { suite, tag: 2 * i, profile: { ...WEFT_PROFILE, extendedSequence: false } },
  { suite, tag: 2 * i + 1, profile: WEFT_PROFILE },
])

function keyOf({ suite, tag }: Way): NetworkKey {
  const bytes = new Uint8Array(suite.keyBytes).fill(tag + 1)
  return new NetworkKey({ lamportTime: BigInt(tag), bytes })
}

/** A node that has received nothing yet, so that a run depends on its input alone. */
function nodeOf(way: Way, local = LOCAL, peer = PEER): SecurityAssociations {
  const options = { local, suite: way.suite, protocol: PROTOCOL_UDP, sequenceAfter: () => 0 }
  const entropy = new SimEntropy(new SeededRandom('fuzz'))
  const associations = new SecurityAssociations(options, entropy)
  for (const step of new KeyRing().replace([keyOf(way)])) associations.apply(step)
  associations.addPeer(peer, way.profile)
  return associations
}

function sealedPackets(): readonly Uint8Array[] {
  return WAYS.flatMap((way) => {
    const peer = nodeOf(way, PEER, LOCAL)
    return [0, 1, 30, 1450].map((length) => {
      const bytes = new Uint8Array(length + espOverheadBytes(way.suite)).fill(0x5a)
      const end = peer.seal(bytes, ESP_HEADER_BYTES, ESP_HEADER_BYTES + length, LOCAL)
      if (typeof end !== 'number') throw new Error(`a new association says ${end}`)
      return bytes.slice(0, end)
    })
  })
}

/** Refused packets must be as they came; none may be written around. */
function open(bytes: Uint8Array, start: number, end: number): unknown {
  const before = bytes.slice()
  return WAYS.map((way) => {
    const copy = bytes.slice()
    const associations = nodeOf(way)
    const result = associations.open(copy, start, end, PEER)
    associations.assertInvariants()
    associations.close()
    const isOutsideSame =
      equalBytes(copy.subarray(0, start), before.subarray(0, start)) &&
      equalBytes(copy.subarray(end), before.subarray(end))
    if (!isOutsideSame) throw new Error('written outside of the packet')
    if (typeof result !== 'number') {
      const isAuthentic = ['bad-padding', 'bad-protocol', 'dummy'].includes(result)
      if (!isAuthentic && !equalBytes(copy, before)) throw new Error(`${result}, but changed`)
      return result
    }
    const at = start + ESP_HEADER_BYTES
    if (result < at || result > end - 2 - way.suite.tagBytes) throw new Error('no such payload')
    return copy.slice(at, result)
  })
}

/** Seal what stands there, so that what is behind the tag's check is reached with any content. */
function sealAgain(packet: Uint8Array): void {
  const way = WAYS[u8(packet, 0) % WAYS.length]
  if (way === undefined || packet.length < ESP_HEADER_BYTES + way.suite.tagBytes) return
  const spi = spiOf({ source: PEER, destination: LOCAL, tag: way.tag }, 'sixteen-byte')
  setU32(packet, 0, spi)
  const { extendedSequence } = way.profile
  const nonce = new Uint8Array(CIPHER_NONCE_BYTES)
  setU32(nonce, 0, spi)
  nonce.set(packet.subarray(8, ESP_HEADER_BYTES), 4)
  const associated = new Uint8Array(extendedSequence ? 12 : 8)
  setU32(associated, 0, spi)
  setU32(associated, associated.length - 4, u32(packet, 4))
  // Half of the trailers say what a sender would.
  const end = packet.length - way.suite.tagBytes
  if (end >= ESP_HEADER_BYTES + 2 && u8(packet, 8) % 2 === 0) {
    setU8(packet, end - 1, PROTOCOL_UDP)
    setU8(packet, end - 2, 0)
  }
  const cipher = way.suite.open(new Uint8Array(way.suite.keyBytes).fill(way.tag + 1))
  cipher.seal(packet, ESP_HEADER_BYTES, end, nonce, associated)
  cipher.close()
}

interface Text {
  readonly nonce: Uint8Array
  readonly associated: Uint8Array
  readonly plain: Uint8Array
}

function sealWith(suite: CipherSuite, { nonce, associated, plain }: Text): Uint8Array {
  const cipher = suite.open(new Uint8Array(suite.keyBytes).fill(3))
  const bytes = new Uint8Array(plain.length + suite.tagBytes)
  bytes.set(plain)
  cipher.seal(bytes, 0, plain.length, nonce, associated)
  cipher.close()
  return bytes
}

function opens(suite: CipherSuite, sealed: Uint8Array, text: Text): boolean {
  const { nonce, associated, plain } = text
  const cipher = suite.open(new Uint8Array(suite.keyBytes).fill(3))
  const bytes = sealed.slice()
  const isOpen = cipher.open(bytes, 0, bytes.length, nonce, associated)
  cipher.close()
  const expected = isOpen ? plain : sealed.subarray(0, plain.length)
  const isExpected = equalBytes(bytes.subarray(0, plain.length), expected)
  if (!isExpected) throw new Error('opened to other bytes')
  return isOpen
}

/** Nonce, associated data and text from the input; a bit to flip from its end. */
function compareSuites(bytes: Uint8Array, start: number, end: number): unknown {
  if (end - start < 16) return 'short'
  const nonce = bytes.slice(start, start + CIPHER_NONCE_BYTES)
  const at = start + CIPHER_NONCE_BYTES
  const split = Math.min(end, at + (u8(bytes, at) % 40))
  const text = { nonce, associated: bytes.slice(at, split), plain: bytes.slice(split, end) }
  const { 'chacha20-poly1305': theirs, 'aes-128-gcm-8': short, 'aes-128-gcm-16': long } =
    nodeCipherSuites
  const sealed = sealWith(SODIUM, text)
  if (!equalBytes(sealed, sealWith(theirs, text))) throw new Error('sealed to other bytes')
  const [cut, whole] = [sealWith(short, text), sealWith(long, text)]
  if (!equalBytes(cut, whole.subarray(0, cut.length))) throw new Error('another tag, not a cut one')
  const flip = u32(bytes, end - 4)
  const pairs = [[SODIUM, sealed], [theirs, sealed], [short, cut], [long, whole]] as const
  for (const [suite, good] of pairs) {
    if (!opens(suite, good, text)) throw new Error(`${suite.name} does not open what it sealed`)
    const bad = good.slice()
    const bit = flip % (8 * bad.length)
    setU8(bad, bit >>> 3, u8(bad, bit >>> 3) ^ (1 << (bit & 7)))
    if (opens(suite, bad, text)) throw new Error(`${suite.name} opens a forged text`)
  }
  return sealed
}

/** The receiving half of the encryption package. */
export const encryptionTargets: readonly FuzzTarget[] = [
  {
    name: 'encryption/esp',
    about: 'open ESP packets, forged and authentic, under every suite, extended numbers or not',
    corpus: sealedPackets,
    run: open,
    repair: sealAgain,
  },
  {
    name: 'encryption/suites',
    about: 'seal and open any text by each implementation of a suite, which must agree',
    corpus: sealedPackets,
    run: compareSuites,
  },
]
