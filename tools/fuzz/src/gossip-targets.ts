/** What reads the words of other nodes: memberlist, NetworkDB, and the exchanges of our own. */
import { assert, setU32, u32, u8, utf8Bytes, type Aead, type Entropy } from '@weft/core'
import {
  BucketSet,
  decodeExchange,
  decodeLzw,
  decodeNetworkDb,
  decodePacketMessage,
  encodeExchange,
  encodeLzw,
  encodeNetworkDb,
  encodePacketMessage,
  endpointTable,
  KeyRing,
  PacketCodec,
  peerTable,
  StreamReader,
  wrapStreamMessage,
  type ExchangeMessage,
  type GossipFault,
  type PacketMessage,
  type StreamMessage,
  type WrapOptions,
} from '@weft/gossip'
import { isDeepStrictEqual } from 'node:util'
import { crc32 } from 'node:zlib'
import { recordedGossip, recordedNetworkDb, recordedRow } from './gossip-recordings.ts'
import { naiveLzw } from './naive-lzw.ts'
import type { FuzzTarget } from './target.ts'

const TAG_BYTES = 16
const CRC_TYPE = 12
const CRC_BYTES = 5
const LZW_MAX = 60_000

/** A seal that anyone can forge: changed inputs get behind it. Its tag is all zeros. */
const forgeable: Aead = {
  seal: (_use, plain) => Uint8Array.of(...plain, ...new Uint8Array(TAG_BYTES)),
  open: (_use, sealed) => {
    const plain = sealed.subarray(0, -TAG_BYTES)
    return sealed.subarray(-TAG_BYTES).every((byte) => byte === 0) ? plain.slice() : null
  },
}
const entropy: Entropy = { fill: (target) => target.fill(0x24) }

const CLEAR: WrapOptions = { label: '', keys: null, aead: forgeable, entropy, compress: false }
const SEALED: WrapOptions = {
  ...CLEAR,
  label: 'fuzz',
  keys: new KeyRing([{ tag: 'fuzz', bytes: new Uint8Array(16) }]),
  compress: true,
}

/** What a codec says of a datagram; each message must be written and read again as it is. */
function openPacket(options: WrapOptions, bytes: Uint8Array): unknown {
  const messages: PacketMessage[] = []
  const faults: GossipFault[] = []
  new PacketCodec(options).open(
    bytes,
    (message) => messages.push(message),
    (fault) => faults.push(fault),
  )
  for (const message of messages) {
    const again = encodePacketMessage(message)
    const read = decodePacketMessage(again, 0, again.length)
    if (!isDeepStrictEqual(read, message)) throw new Error(`${message.kind} is read differently`)
  }
  return messages.length === 0 && faults.length === 1 ? faults[0] : { messages, faults }
}

/** What a reader makes of a stream; in pieces it must make the same of it. */
function readStream(options: WrapOptions, bytes: Uint8Array): unknown {
  const whole = allMessages(options, bytes, bytes.length)
  for (const piece of [1, 7]) {
    const pieces = allMessages(options, bytes, piece)
    if (!isDeepStrictEqual(pieces, whole)) throw new Error(`in pieces of ${piece} it says more`)
  }
  for (const message of whole.messages) {
    const again = new StreamReader(CLEAR).push(wrapStreamMessage(CLEAR, message))
    if (!isDeepStrictEqual(again, message)) throw new Error(`${message.kind} is read differently`)
  }
  return whole.messages.length === 0 && whole.fault !== null ? whole.fault : whole
}

interface Whole {
  readonly messages: readonly StreamMessage[]
  readonly fault: GossipFault | null
  readonly isPartial: boolean
}

function allMessages(options: WrapOptions, bytes: Uint8Array, piece: number): Whole {
  const reader = new StreamReader(options)
  const messages: StreamMessage[] = []
  for (let at = 0; at < bytes.length; at += piece) {
    let message = reader.push(bytes.subarray(at, at + piece))
    while (message !== null) {
      messages.push(message)
      message = reader.push(new Uint8Array(0))
    }
  }
  return { messages, fault: reader.fault, isPartial: reader.isPartial }
}

function compareLzw(bytes: Uint8Array, start: number, end: number): unknown {
  const fast = decodeLzw(bytes, start, end, LZW_MAX)
  const slow = naiveLzw(bytes.subarray(start, end), LZW_MAX)
  if (!isDeepStrictEqual(fast, slow)) throw new Error('the naive decoder says something else')
  if (typeof fast === 'string') return fast
  const again = encodeLzw(fast, Infinity)
  const read = again === null ? null : decodeLzw(again, 0, again.length, LZW_MAX)
  if (!isDeepStrictEqual(read, fast)) throw new Error('compressed again it is something else')
  return fast
}

/** Messages must be written and read again as they are. */
function readNetworkDb(bytes: Uint8Array): unknown {
  const faults: GossipFault[] = []
  const message = decodeNetworkDb(bytes, (fault) => faults.push(fault))
  if (typeof message === 'string') return message
  const again = decodeNetworkDb(encodeNetworkDb(message), () => {
    throw new Error('what was accepted is refused when it is written again')
  })
  if (!isDeepStrictEqual(again, message)) throw new Error(`${message.kind} is read differently`)
  return { message, faults }
}

function readRows(bytes: Uint8Array): unknown {
  const endpoint = endpointTable.decode(bytes)
  const peer = peerTable.decode(bytes)
  if (typeof endpoint !== 'string') {
    const again = endpointTable.decode(endpointTable.encode(endpoint))
    if (!isDeepStrictEqual(again, endpoint)) throw new Error('an endpoint is read differently')
  }
  if (typeof peer !== 'string') {
    const again = peerTable.decode(peerTable.encode(peer))
    if (!isDeepStrictEqual(again, peer)) throw new Error('a peer is read differently')
  }
  return [endpoint, peer]
}

function readExchange(bytes: Uint8Array): unknown {
  const message = decodeExchange(bytes)
  if (typeof message === 'string') return message
  const again = decodeExchange(encodeExchange(message))
  if (!isDeepStrictEqual(shown(again), shown(message))) {
    throw new Error(`${message.kind} is read differently`)
  }
  return shown(message)
}

/** Sets of buckets are compared by their bytes: their insides are private. */
function shown(message: ExchangeMessage | GossipFault): unknown {
  if (typeof message === 'string') return message
  const covered = 'covered' in message ? message.covered.bytes() : null
  const rest = 'rest' in message ? message.rest.bytes() : null
  return { ...message, covered, rest }
}

function exchanges(): readonly Uint8Array[] {
  const hash = { high: -5, low: 77 }
  const about = { sender: '0123456789ab', setId: 'r:net' }
  const asked = { ...about, turn: 7, isRetry: true }
  const total = { count: 3, high: 1, low: -1 }
  const buckets = new BucketSet()
  buckets.add(77)
  const messages: readonly ExchangeMessage[] = [
    {
      kind: 'digest',
      sender: about.sender,
      isAnswer: false,
      sets: [
        { setId: 'm', isOverdue: false, ...total },
        { setId: 'r:net', isOverdue: true, ...total },
      ],
    },
    { kind: 'buckets', ...asked, ...total, sums: new Int32Array(256).fill(-9) },
    {
      kind: 'items',
      ...asked,
      covered: buckets,
      rest: new BucketSet(),
      items: [
        { ...hash, version: 9, isLive: true },
        { ...hash, version: 2 ** 40, isLive: false },
      ],
    },
    { kind: 'wants', ...asked, wants: [hash] },
    {
      kind: 'news',
      ...about,
      turn: 9,
      part: 1,
      parts: 2,
      messages: [utf8Bytes('news')],
      rest: BucketSet.all(),
    },
  ]
  return messages.map(encodeExchange)
}

/** Datagrams without any wrapper. */
function singleMessages(): readonly Uint8Array[] {
  return recordedGossip('packet').filter((packet) => {
    return typeof decodePacketMessage(packet, 0, packet.length) !== 'string'
  })
}

/** The same datagrams, as one who holds the key would send them. */
function sealedPackets(): readonly Uint8Array[] {
  const clear = new PacketCodec(CLEAR)
  const sealed = new PacketCodec(SEALED)
  return recordedGossip('packet').map((packet, i) => {
    const parts: Uint8Array[] = []
    clear.open(
      packet,
      (message) => parts.push(encodePacketMessage(message)),
      (fault) => assert(false, `a recorded datagram is refused: ${fault}`),
    )
    return sealed.wrap(parts, i % 2 === 0)
  })
}

function sealedStreams(): readonly Uint8Array[] {
  return recordedGossip('stream').flatMap((stream) => {
    const message = new StreamReader(CLEAR).push(stream)
    return message === null ? [] : [wrapStreamMessage(SEALED, message)]
  })
}

/** Texts that repeat, texts that do not, and one that fills the table. */
function lzwTexts(): readonly Uint8Array[] {
  const texts = [...recordedGossip('packet'), ...recordedNetworkDb(), new Uint8Array(9_000)]
  return texts.flatMap((text) => encodeLzw(text, Infinity) ?? [])
}

/** A checksum that is right again lets the rest be read. */
function repairChecksum(bytes: Uint8Array): void {
  if (bytes.length < CRC_BYTES || u8(bytes, 0) !== CRC_TYPE) return
  const sum = crc32(bytes.subarray(CRC_BYTES))
  if (u32(bytes, 1) !== sum) setU32(bytes, 1, sum)
}

/** So does a tag of zeros. */
function repairTag(bytes: Uint8Array): void {
  if (bytes.length > 2 * TAG_BYTES) bytes.fill(0, bytes.length - TAG_BYTES)
}

/** The readers of the gossip package. */
export const gossipTargets: readonly FuzzTarget[] = [
  {
    name: 'gossip/messages',
    about: 'decode single messages of memberlist in place',
    corpus: singleMessages,
    run: (bytes, start, end) => decodePacketMessage(bytes, start, end),
  },
  {
    name: 'gossip/packets',
    about: 'take datagrams apart; write and read again what they say',
    corpus: () => recordedGossip('packet'),
    run: (bytes, start, end) => openPacket(CLEAR, bytes.subarray(start, end)),
    repair: repairChecksum,
  },
  {
    name: 'gossip/sealed-packets',
    about: 'the same behind a label and a seal that anyone can forge',
    corpus: sealedPackets,
    run: (bytes, start, end) => openPacket(SEALED, bytes.subarray(start, end)),
    repair: repairTag,
  },
  {
    name: 'gossip/streams',
    about: 'read streams whole and in pieces; write and read again what they say',
    corpus: () => recordedGossip('stream'),
    run: (bytes, start, end) => readStream(CLEAR, bytes.subarray(start, end)),
  },
  {
    name: 'gossip/sealed-streams',
    about: 'the same behind a label and a seal that anyone can forge',
    corpus: sealedStreams,
    run: (bytes, start, end) => readStream(SEALED, bytes.subarray(start, end)),
    repair: repairTag,
  },
  {
    name: 'gossip/lzw',
    about: 'decompress, as a naive decoder does; compress and decompress again',
    corpus: lzwTexts,
    run: compareLzw,
  },
  {
    name: 'gossip/networkdb',
    about: "read NetworkDB's messages; write and read again what they say",
    corpus: recordedNetworkDb,
    run: (bytes, start, end) => readNetworkDb(bytes.subarray(start, end)),
  },
  {
    name: 'gossip/rows',
    about: 'read rows of both tables; write and read them again',
    corpus: () => [recordedRow('endpoint_record'), recordedRow('peer_record')],
    run: (bytes, start, end) => readRows(bytes.subarray(start, end)),
  },
  {
    name: 'gossip/exchanges',
    about: 'read digest exchanges; write and read again what they say',
    corpus: exchanges,
    run: (bytes, start, end) => readExchange(bytes.subarray(start, end)),
  },
]
