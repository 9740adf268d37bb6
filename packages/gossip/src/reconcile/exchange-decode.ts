/** Takes the messages of a digest exchange apart; whatever is in them, it never throws. */
import { u32, u8 } from '@weft/core'
import type { GossipFault } from '../memberlist/faults.ts'
import { openGossipMessage } from '../networkdb/gossip-message.ts'
import { ProtoReader } from '../networkdb/proto-reader.ts'
import { BUCKET_SET_BYTES, BucketSet } from './bucket-set.ts'
import { bucketOf, DIGEST_BUCKETS, VERSION_MAX, type DigestItem } from './digest-sums.ts'
import { EXCHANGE_TYPE, HASH_BYTES, LISTED_ITEM_BYTES_MAX } from './exchange-encode.ts'
import {
  EXCHANGE_BYTES_MAX,
  ITEMS_MAX,
  NEWS_MESSAGES_MAX,
  NEWS_PARTS_MAX,
  SET_ID_BYTES_MAX,
  SETS_MAX,
  WANTS_MAX,
  type BucketsMessage,
  type DigestEntry,
  type DigestMessage,
  type ExchangeMessage,
  type ItemsMessage,
  type NewsMessage,
  type WantsMessage,
} from './exchange-messages.ts'
import type { ItemHash } from './item-hash.ts'

/** The message, or why it was refused. Unknown fields are passed over. */
export function decodeExchange(bytes: Uint8Array): ExchangeMessage | GossipFault {
  if (bytes.length > EXCHANGE_BYTES_MAX) return 'oversized'
  const envelope = openGossipMessage(bytes)
  if (typeof envelope === 'string') return envelope
  const read = readers.get(envelope.type)
  if (read === undefined) return 'bad-type'
  const reader = new ProtoReader(envelope.data)
  try {
    const message = read(reader, envelope.data.length)
    return reader.takeFault() ?? message
  } catch {
    return reader.takeFault() ?? 'bad-protobuf'
  }
}

/** Stop reading: what follows is not looked at. */
function tooMany(reader: ProtoReader): never {
  reader.refuse('too-many')
  throw new RangeError('too many')
}

type Read = (reader: ProtoReader, end: number) => ExchangeMessage
const readers = new Map<number, Read>([
  [EXCHANGE_TYPE.digest, readDigest],
  [EXCHANGE_TYPE.buckets, readBuckets],
  [EXCHANGE_TYPE.items, readItems],
  [EXCHANGE_TYPE.wants, readWants],
  [EXCHANGE_TYPE.news, readNews],
])

const NO_BYTES = new Uint8Array(0)
const SUMS_BYTES = 4 * DIGEST_BUCKETS

function readDigest(reader: ProtoReader, end: number): DigestMessage {
  let sender = ''
  let isAnswer = false
  const sets: DigestEntry[] = []
  while (reader.at < end) {
    const tag = reader.uint32()
    if (tag === 0x0a) sender = reader.name()
    else if (tag === 0x12) {
      if (sets.length === SETS_MAX) return tooMany(reader)
      sets.push(readEntry(reader, reader.window(end)))
    } else if (tag === 0x18) isAnswer = reader.uint32() !== 0
    else reader.skip(tag, 3)
  }
  reader.close(end)
  if (sender === '') reader.refuse('bad-value')
  return { kind: 'digest', sender, isAnswer, sets }
}

function readEntry(reader: ProtoReader, end: number): DigestEntry {
  let setId = ''
  let isOverdue = false
  let [count, high, low] = [0, 0, 0]
  while (reader.at < end) {
    const tag = reader.uint32()
    if (tag === 0x0a) setId = reader.text(SET_ID_BYTES_MAX)
    else if (tag === 0x10) count = reader.uint32()
    else if (tag === 0x18) high = reader.uint32() | 0
    else if (tag === 0x20) low = reader.uint32() | 0
    else if (tag === 0x28) isOverdue = reader.uint32() !== 0
    else reader.skip(tag, 5)
  }
  reader.close(end)
  return { setId, count, high, low, isOverdue }
}

function readBuckets(reader: ProtoReader, end: number): BucketsMessage {
  let [count, high, low] = [0, 0, 0]
  let bytes: Uint8Array = NO_BYTES
  const head = readFields(reader, end, (tag) => {
    if (tag === 0x28) count = reader.uint32()
    else if (tag === 0x30) high = reader.uint32() | 0
    else if (tag === 0x38) low = reader.uint32() | 0
    else if (tag === 0x42) bytes = reader.bytes(SUMS_BYTES)
    else reader.skip(tag, 8)
  })
  const sums = new Int32Array(DIGEST_BUCKETS)
  if (bytes.length !== SUMS_BYTES) reader.refuse('bad-value')
  else for (let i = 0; i < DIGEST_BUCKETS; i++) sums[i] = u32(bytes, 4 * i)
  return { kind: 'buckets', ...head, count, high, low, sums }
}

function readItems(reader: ProtoReader, end: number): ItemsMessage {
  let covered: Uint8Array = NO_BYTES
  let rest: Uint8Array = NO_BYTES
  let listed: Uint8Array = NO_BYTES
  const head = readFields(reader, end, (tag) => {
    if (tag === 0x2a) covered = reader.bytes(BUCKET_SET_BYTES)
    else if (tag === 0x32) rest = reader.bytes(BUCKET_SET_BYTES)
    else if (tag === 0x3a) listed = reader.bytes(ITEMS_MAX * LISTED_ITEM_BYTES_MAX)
    else reader.skip(tag, 7)
  })
  const buckets = bucketSet(reader, covered)
  const items = readListed(reader, listed, buckets)
  return { kind: 'items', ...head, covered: buckets, rest: bucketSet(reader, rest), items }
}

function readWants(reader: ProtoReader, end: number): WantsMessage {
  let wants: Uint8Array = NO_BYTES
  const head = readFields(reader, end, (tag) => {
    if (tag === 0x2a) wants = reader.bytes(WANTS_MAX * HASH_BYTES)
    else reader.skip(tag, 5)
  })
  return { kind: 'wants', ...head, wants: readHashes(reader, wants) }
}

function readNews(reader: ProtoReader, end: number): NewsMessage {
  const messages: Uint8Array[] = []
  let [part, parts] = [0, 0]
  let rest: Uint8Array = NO_BYTES
  const { sender, setId, turn } = readFields(reader, end, (tag) => {
    if (tag === 0x28) part = reader.uint32()
    else if (tag === 0x30) parts = reader.uint32()
    else if (tag === 0x3a) {
      if (messages.length === NEWS_MESSAGES_MAX) return tooMany(reader)
      messages.push(reader.bytes(EXCHANGE_BYTES_MAX))
    } else if (tag === 0x42) rest = reader.bytes(BUCKET_SET_BYTES)
    else reader.skip(tag, 8)
  })
  if (part >= parts || parts > NEWS_PARTS_MAX) reader.refuse('bad-value')
  return { kind: 'news', sender, setId, turn, part, parts, messages, rest: bucketSet(reader, rest) }
}

/** What every message but a digest begins with. */
interface Head {
  readonly sender: string
  readonly setId: string
  readonly turn: number
  readonly isRetry: boolean
}

/** Read to the end: the head here, the fields of each message by `onField`. */
function readFields(reader: ProtoReader, end: number, onField: (tag: number) => void): Head {
  let [sender, setId] = ['', '']
  let turn = 0
  let isRetry = false
  while (reader.at < end) {
    const tag = reader.uint32()
    if (tag === 0x0a) sender = reader.name()
    else if (tag === 0x12) setId = reader.text(SET_ID_BYTES_MAX)
    else if (tag === 0x18) turn = reader.uint32()
    else if (tag === 0x20) isRetry = reader.uint32() !== 0
    else onField(tag)
  }
  reader.close(end)
  if (sender === '' || setId === '' || turn === 0) reader.refuse('bad-value')
  return { sender, setId, turn, isRetry }
}

function bucketSet(reader: ProtoReader, bytes: Uint8Array): BucketSet {
  if (bytes.length === BUCKET_SET_BYTES) return BucketSet.read(bytes)
  if (bytes.length > 0) reader.refuse('bad-value')
  return new BucketSet()
}

function readHashes(reader: ProtoReader, bytes: Uint8Array): ItemHash[] {
  const hashes: ItemHash[] = []
  if (bytes.length % HASH_BYTES !== 0) reader.refuse('bad-value')
  else for (let at = 0; at < bytes.length; at += HASH_BYTES) hashes.push(hashAt(bytes, at))
  return hashes
}

/** Items of the covered buckets only: whoever lists others has not understood the question. */
function readListed(reader: ProtoReader, bytes: Uint8Array, covered: BucketSet): DigestItem[] {
  const items: DigestItem[] = []
  let at = 0
  while (at < bytes.length) {
    const end = varintEnd(bytes, at + HASH_BYTES)
    if (end === null || items.length === ITEMS_MAX) {
      reader.refuse(end === null ? 'bad-value' : 'too-many')
      return []
    }
    const hash = hashAt(bytes, at)
    const coded = varintAt(bytes, at + HASH_BYTES, end)
    const version = Math.trunc(coded / 2)
    if (version > VERSION_MAX || !covered.has(bucketOf(hash))) {
      reader.refuse('bad-value')
      return []
    }
    items.push({ ...hash, version, isLive: coded % 2 === 1 })
    at = end
  }
  return items
}

function hashAt(bytes: Uint8Array, at: number): ItemHash {
  return { high: u32(bytes, at) | 0, low: u32(bytes, at + 4) | 0 }
}

/** Where the varint at `at` ends: at most eight bytes on; null when it does not. */
function varintEnd(bytes: Uint8Array, at: number): number | null {
  const limit = Math.min(bytes.length, at + LISTED_ITEM_BYTES_MAX - HASH_BYTES)
  for (let i = at; i < limit; i++) if (u8(bytes, i) < 0x80) return i + 1
  return null
}

function varintAt(bytes: Uint8Array, start: number, end: number): number {
  let value = 0
  for (let i = end - 1; i >= start; i--) value = value * 0x80 + (u8(bytes, i) & 0x7f)
  return value
}
