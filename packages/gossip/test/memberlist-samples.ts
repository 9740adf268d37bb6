/** What the tests of memberlist's bytes share: options, keys, samples, arbitrary messages. */
import { fromHex, SeededRandom } from '@weft/core'
import { SimEntropy } from '@weft/core/testing'
import { nodeAead } from '@weft/runtime-node'
import fc from 'fast-check'
import type { GossipFault } from '../src/memberlist/faults.ts'
import { FIELD } from '../src/memberlist/field.ts'
import { KeyRing } from '../src/memberlist/key-ring.ts'
import { LZW_BITS_WIDEST, LZW_CLEAR, LZW_END } from '../src/memberlist/lzw-decode.ts'
import { MESSAGE_TYPE } from '../src/memberlist/message-type.ts'
import type { PacketMessage, PushPullNode, StreamMessage } from '../src/memberlist/messages.ts'
import { MsgpackWriter } from '../src/memberlist/msgpack-writer.ts'
import { PacketCodec } from '../src/memberlist/packet-codec.ts'
import type { WrapOptions } from '../src/memberlist/wrap-options.ts'

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
  return { label: '', keys: null, aead: nodeAead, entropy, compress: false, ...some }
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

/** LZW codes on the wire, each at the width that a decoder expects there (docker-wire §2.5). */
export function lzwOf(codes: readonly number[]): Uint8Array {
  const bytes: number[] = []
  let next = LZW_END
  let width = 9
  let bits = 0
  let count = 0
  for (const code of codes) {
    bits |= code << count
    for (count += width; count >= 8; count -= 8) {
      bytes.push(bits & 0xff)
      bits >>>= 8
    }
    if (code === LZW_CLEAR) {
      next = LZW_END
      width = 9
    } else if (++next === 2 ** width) {
      if (width < LZW_BITS_WIDEST) width++
      else next--
    }
  }
  return Uint8Array.from(count > 0 ? [...bytes, bits] : bytes)
}

/** LZW of more than `length` zeros, as short as can be: each run a byte longer than the last. */
export function lzwBomb(length: number): Uint8Array {
  const last = 2 ** LZW_BITS_WIDEST - 1
  const growing = Array.from({ length: last - LZW_END }, (_, i) => LZW_END + 1 + i)
  const longest = last - LZW_END + 1
  const rest = Math.ceil(length / longest)
  return lzwOf([0, ...growing, ...new Array<number>(rest).fill(last), LZW_END])
}

/** A compressing message around content of one's own making. */
export function compressionOf(content: Uint8Array): Uint8Array {
  const writer = new MsgpackWriter()
  writer.byte(MESSAGE_TYPE.compress)
  writer.map(2)
  writer.key(FIELD.algo)
  writer.uint(0)
  writer.key(FIELD.buf)
  writer.raw(content)
  return writer.take()
}
