/** What the tests of memberlist's bytes share: options, keys, samples, arbitrary messages. */
import { AEAD_TAG_BYTES, fromHex, SeededRandom, type Aead, type AeadUse } from '@weft/core'
import { SimEntropy } from '@weft/core/testing'
import fc from 'fast-check'
import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { GossipFault } from '../src/memberlist/faults.ts'
import { KeyRing } from '../src/memberlist/key-ring.ts'
import type { PacketMessage, PushPullNode, StreamMessage } from '../src/memberlist/messages.ts'
import { PacketCodec } from '../src/memberlist/packet-codec.ts'
import type { WrapOptions } from '../src/memberlist/wrap-options.ts'

const algorithm = ({ key }: AeadUse) => `aes-${8 * key.length}-gcm` as 'aes-128-gcm'

/** AES-GCM by node:crypto. */
export const testAead: Aead = {
  seal(use, plain) {
    const cipher = createCipheriv(algorithm(use), use.key, use.nonce).setAAD(use.associated)
    return new Uint8Array(
      Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]),
    )
  },
  open(use, sealed) {
    const tagAt = sealed.length - AEAD_TAG_BYTES
    const cipher = createDecipheriv(algorithm(use), use.key, use.nonce).setAAD(use.associated)
    cipher.setAuthTag(sealed.subarray(tagAt))
    const plain = cipher.update(sealed.subarray(0, tagAt))
    try {
      cipher.final()
      return new Uint8Array(plain)
    } catch {
      return null
    }
  },
}

/** Bytes from hex that is known to be hex. */
export function hex(text: string): Uint8Array {
  const bytes = fromHex(text)
  if (bytes === null) throw new Error(`not hex: ${text}`)
  return bytes
}

/** A key of `bytes` bytes, all of them `fill`. */
export function keyOf(fill: number, bytes = 16): { tag: string; bytes: Uint8Array } {
  return { tag: `key-${fill}`, bytes: new Uint8Array(bytes).fill(fill) }
}

/** A ring of three, as Docker has it. */
export function threeKeys(): KeyRing {
  return new KeyRing([keyOf(1), keyOf(2), keyOf(3)])
}

/** In the clear, without a label, uncompressed, unless told otherwise. */
export function optionsOf(some: Partial<WrapOptions> = {}): WrapOptions {
  const entropy = new SimEntropy(new SeededRandom(7))
  return { label: '', keys: null, aead: testAead, entropy, compress: false, ...some }
}

/** What a codec makes of a datagram. */
export interface Opened {
  readonly messages: readonly PacketMessage[]
  readonly faults: readonly GossipFault[]
}

/** Open a datagram with a codec of its own. */
export function openWith(options: WrapOptions, bytes: Uint8Array): Opened {
  const messages: PacketMessage[] = []
  const faults: GossipFault[] = []
  new PacketCodec(options).open(
    bytes,
    (message) => messages.push(message),
    (fault) => faults.push(fault),
  )
  return { messages, faults }
}

/** Names hold no U+FFFD: what is not UTF-8 would be one with it. */
const name = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 12 }),
    fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }),
  )
  .filter((text) => !text.includes('\ufffd'))
const u32 = fc.oneof(fc.nat(200), fc.nat(70_000), fc.nat(0xffff_ffff))
const port = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 65_535 }))
const blob = (maxLength: number) => fc.uint8Array({ maxLength })
/** No IPv4 address in IPv6 form: it would come back as its 4 bytes. */
const address = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => bytes.with(0, 0xfd)),
)
const u8 = fc.nat(255)
const vsn = fc.tuple(u8, u8, u8, u8, u8, u8)
const source = {
  sourceAddr: fc.oneof(fc.constant(new Uint8Array(0)), address),
  sourcePort: fc.nat(65_535),
  sourceNode: fc.oneof(fc.constant(''), name),
}
const known = { incarnation: u32, node: name, from: name }

const ping = fc.record({
  kind: fc.constant('ping' as const),
  seqNo: u32,
  node: fc.oneof(fc.constant(''), name),
  ...source,
})
const ack = fc.record({ kind: fc.constant('ack' as const), seqNo: u32, payload: blob(300) })
const user = fc.record({ kind: fc.constant('user' as const), bytes: blob(300) })

/** Any message that a datagram may carry. */
export const anyPacketMessage: fc.Arbitrary<PacketMessage> = fc.oneof(
  ping,
  ack,
  user,
  fc.record({
    kind: fc.constant('indirect-ping' as const),
    seqNo: u32,
    target: address,
    port: fc.nat(65_535),
    node: fc.oneof(fc.constant(''), name),
    nack: fc.boolean(),
    ...source,
  }),
  fc.record({ kind: fc.constant('nack' as const), seqNo: u32 }),
  fc.record({ kind: fc.constant('suspect' as const), ...known }),
  fc.record({ kind: fc.constant('dead' as const), ...known }),
  fc.record({
    kind: fc.constant('alive' as const),
    incarnation: u32,
    node: name,
    addr: address,
    port,
    meta: blob(512),
    vsn,
  }),
)

const node: fc.Arbitrary<PushPullNode> = fc.record({
  name,
  addr: address,
  port,
  meta: blob(40),
  incarnation: u32,
  state: fc.constantFrom('alive', 'suspect', 'dead', 'left'),
  vsn,
})

/** Any message that a stream may carry. */
export const anyStreamMessage: fc.Arbitrary<StreamMessage> = fc.oneof(
  ping,
  ack,
  user,
  fc.record({ kind: fc.constant('error' as const), error: fc.string({ maxLength: 300 }) }),
  fc.record({
    kind: fc.constant('push-pull' as const),
    join: fc.boolean(),
    nodes: fc.array(node, { maxLength: 8 }),
    userState: blob(400),
  }),
)
