/** What traitors say: well-formed messages that are not so. */
import { SeededRandom } from '@weft/core'
import { SimEntropy } from '@weft/core/testing'
import { nodeAead } from '@weft/runtime-node'
import fc from 'fast-check'
import type { KeyRing } from '../src/memberlist/key-ring.ts'
import type { PacketMessage, PushPullNode, StreamMessage } from '../src/memberlist/messages.ts'
import { PacketCodec } from '../src/memberlist/packet-codec.ts'
import { encodePacketMessage } from '../src/memberlist/packet-messages.ts'
import { wrapStreamMessage } from '../src/memberlist/stream-frame.ts'
import type { WrapOptions } from '../src/memberlist/wrap-options.ts'
import { encodeNetworkDb } from '../src/networkdb/encode.ts'
import type { NetworkDbMessage } from '../src/networkdb/messages.ts'
import { BucketSet } from '../src/reconcile/bucket-set.ts'
import { encodeExchange } from '../src/reconcile/exchange-encode.ts'

/** Names that mean something to both, and one that does not. */
const name = fc.constantFrom('a', 'b', 'mallory')
const incarnation = fc.oneof(fc.nat(5), fc.constantFrom(0xffff_fffe, 0xffff_ffff))
const lTime = fc.oneof(fc.nat(60), fc.constantFrom(2 ** 40, 2 ** 48))
const address = fc.constantFrom([10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 0, 66], [0, 0, 0, 0])
const addr = address.map((bytes) => Uint8Array.from(bytes))
const networkId = fc.constantFrom('net', 'other')
const vsn = fc.constantFrom<PushPullNode['vsn'][]>([1, 5, 2, 0, 0, 0], [0, 0, 0, 0, 0, 0])
const accused = { incarnation, node: name, from: name }

const membershipLie: fc.Arbitrary<PacketMessage> = fc.oneof(
  fc.record({ kind: fc.constant('suspect' as const), ...accused }),
  fc.record({ kind: fc.constant('dead' as const), ...accused }),
  fc.record({
    kind: fc.constant('alive' as const),
    incarnation,
    node: name,
    addr,
    port: fc.constantFrom(7946, 1),
    meta: fc.constantFrom(new Uint8Array(0), new Uint8Array(512)),
    vsn,
  }),
  fc.record({ kind: fc.constant('ack' as const), seqNo: fc.nat(9), payload: fc.uint8Array() }),
  fc.record({ kind: fc.constant('nack' as const), seqNo: fc.nat(9) }),
  fc.record({
    kind: fc.constant('indirect-ping' as const),
    seqNo: fc.nat(9),
    target: addr,
    port: fc.constantFrom(0, 7946),
    node: name,
    nack: fc.boolean(),
    sourceAddr: addr,
    sourcePort: fc.constantFrom(0, 7946),
    sourceNode: name,
  }),
)

const event = { lTime, nodeName: name }
const anyTableLie: fc.Arbitrary<NetworkDbMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('node' as const),
    type: fc.constantFrom('join', 'leave'),
    ...event,
  }),
  fc.record({
    kind: fc.constant('network' as const),
    type: fc.constantFrom('join', 'leave'),
    ...event,
    networkId,
  }),
  fc.record({
    kind: fc.constant('table' as const),
    type: fc.constantFrom('create', 'update', 'delete'),
    ...event,
    networkId,
    tableName: fc.constantFrom('t', 'u'),
    key: fc.constantFrom('mine', 'theirs', 'new'),
    value: fc.uint8Array({ maxLength: 30 }),
    residualReapTimeSeconds: fc.constantFrom(0, 1, 1800),
  }),
)
/** Of two owners who write one key the later has it: that a traitor may do, as any member may. */
const tableLie = anyTableLie.filter(
  (lie) => lie.kind !== 'table' || lie.key !== 'mine' || lie.nodeName === 'a',
)
const bulkLie: fc.Arbitrary<NetworkDbMessage> = fc.record({
  kind: fc.constant('bulk-sync' as const),
  lTime,
  unsolicited: fc.boolean(),
  nodeName: name,
  networks: fc.array(networkId),
  events: fc.array(
    tableLie.filter((one) => one.kind === 'table'),
    { maxLength: 6 },
  ),
})
const stateLie: fc.Arbitrary<NetworkDbMessage> = fc.record({
  kind: fc.constant('push-pull' as const),
  lTime,
  nodeName: name,
  networks: fc.array(
    fc.record({ networkId, lTime, nodeName: name, leaving: fc.boolean() }),
    { maxLength: 6 },
  ),
})

const streamLie: fc.Arbitrary<StreamMessage> = fc.oneof(
  fc.oneof(tableLie, bulkLie).map((message) => {
    return { kind: 'user' as const, bytes: encodeNetworkDb(message) }
  }),
  fc.record({
    kind: fc.constant('push-pull' as const),
    join: fc.boolean(),
    nodes: fc.array(
      fc.record({
        name,
        addr,
        port: fc.constantFrom(7946, 1),
        meta: fc.constant(new Uint8Array(0)),
        incarnation,
        state: fc.constantFrom<PushPullNode['state'][]>('alive', 'suspect', 'dead', 'left'),
        vsn,
      }),
      { maxLength: 5 },
    ),
    userState: stateLie.map(encodeNetworkDb),
  }),
)

/** What is said in a digest exchange in the name of a peer. */
const exchangeLie: fc.Arbitrary<Uint8Array> = fc
  .record({
    setId: fc.constantFrom('m', 'a', 'r:net', 'r:other'),
    messages: fc.array(
      fc.oneof(tableLie.map(encodeNetworkDb), membershipLie.map(encodePacketMessage)),
      { maxLength: 6 },
    ),
    turn: fc.integer({ min: 1, max: 9 }),
    sender: name,
    isWhole: fc.boolean(),
  })
  .map(({ isWhole, ...said }) => {
    const rest = isWhole ? BucketSet.all() : new BucketSet()
    return encodeExchange({ kind: 'news', ...said, part: 0, parts: 1, rest })
  })

/** One thing that a traitor says, ready to be heard. */
export interface Lie {
  readonly how: 'packet' | 'stream'
  readonly bytes: Uint8Array
  readonly clean: boolean
}

/** Anything that a traitor may say of those whom the victim knows. */
export const anyLie: fc.Arbitrary<Lie> = fc.oneof(
  fc.array(membershipLie, { minLength: 1, maxLength: 5 }).map((messages) => {
    return { how: 'packet' as const, bytes: packetOf(messages, null), clean: true }
  }),
  fc.oneof(tableLie, bulkLie).map((message) => {
    const user = { kind: 'user' as const, bytes: encodeNetworkDb(message) }
    return { how: 'packet' as const, bytes: packetOf(user, null), clean: true }
  }),
  exchangeLie.map((bytes) => {
    const stream = streamOf({ kind: 'user', bytes }, null)
    return { how: 'stream' as const, bytes: stream, clean: true }
  }),
  fc.tuple(streamLie, fc.boolean()).map(([message, clean]) => {
    return { how: 'stream' as const, bytes: streamOf(message, null), clean }
  }),
)

/** A newcomer. */
export function aliveOf(node: string): PacketMessage {
  const addr4 = Uint8Array.of(10, 9, 8, 7)
  const [meta, versions] = [new Uint8Array(0), [1, 5, 2, 0, 0, 0] as const]
  return { kind: 'alive', incarnation: 1, node, addr: addr4, port: 7946, meta, vsn: versions }
}

/** A packet of these messages; without keys in the clear. */
export function packetOf(
  messages: PacketMessage | readonly PacketMessage[],
  keys: KeyRing | null,
): Uint8Array {
  const parts = [messages].flat().map(encodePacketMessage)
  return new PacketCodec(wrapOptions(keys)).wrap(parts, true)
}

/** A stream that says this. */
export function streamOf(message: StreamMessage, keys: KeyRing | null): Uint8Array {
  return wrapStreamMessage(wrapOptions(keys), message)
}

/** In the clear or sealed, compressed. */
export function wrapOptions(keys: KeyRing | null): WrapOptions {
  const entropy = new SimEntropy(new SeededRandom('lies'))
  return { label: '', keys, aead: nodeAead, entropy, compress: true }
}
