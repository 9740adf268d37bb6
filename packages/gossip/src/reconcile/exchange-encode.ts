/** The bytes of a digest exchange: GossipMessages (docker-wire §3.2) of types that Docker lacks. */
import type { BinaryWriter } from '@bufbuild/protobuf/wire'
import { setU32, setU8 } from '@weft/core'
import { openEnvelope } from '../networkdb/gossip-message.ts'
import type { BucketSet } from './bucket-set.ts'
import { DIGEST_BUCKETS, type DigestItem } from './digest-sums.ts'
import type {
  BucketsMessage,
  DigestEntry,
  DigestMessage,
  ExchangeMessage,
  ItemsMessage,
  NewsMessage,
} from './exchange-messages.ts'
import type { ItemHash } from './item-hash.ts'

/** Types of the envelope; an engine logs unknown ones and throws them away. */
export const EXCHANGE_TYPE = { digest: 64, buckets: 65, items: 66, news: 67, wants: 68 } as const

/** Bytes of a hash in a list. */
export const HASH_BYTES = 8

/** Bytes of a listed item at most: a hash, and a version below 2^50 with its live bit. */
export const LISTED_ITEM_BYTES_MAX = HASH_BYTES + 8

/** Bytes that one set adds to a digest at most, besides those of its id. */
export const DIGEST_ENTRY_BYTES_MAX = 26

/** Bytes of a digest besides its sets and the sender's name. */
export const DIGEST_OVERHEAD_BYTES = 16

/** A complete message, with its envelope. */
export function encodeExchange(message: ExchangeMessage): Uint8Array {
  const writer = openEnvelope(EXCHANGE_TYPE[message.kind]).uint32(0x12).fork()
  writer.uint32(0x0a).string(message.sender)
  if (message.kind === 'digest') writeDigest(writer, message)
  else {
    writer.uint32(0x12).string(message.setId).uint32(0x18).uint32(message.turn)
    if (message.kind !== 'news' && message.isRetry) writer.uint32(0x20).bool(true)
    if (message.kind === 'buckets') writeBuckets(writer, message)
    else if (message.kind === 'items') writeItems(writer, message)
    else if (message.kind === 'wants') writer.uint32(0x2a).bytes(hashes(message.wants))
    else writeNews(writer, message)
  }
  return writer.join().finish()
}

function writeDigest(writer: BinaryWriter, { sets, isAnswer }: DigestMessage): void {
  for (const entry of sets) writeEntry(writer.uint32(0x12).fork(), entry)
  if (isAnswer) writer.uint32(0x18).bool(true)
}

function writeEntry(writer: BinaryWriter, entry: DigestEntry): void {
  writer.uint32(0x0a).string(entry.setId)
  writer.uint32(0x10).uint32(entry.count)
  writer.uint32(0x18).uint32(entry.high >>> 0)
  writer.uint32(0x20).uint32(entry.low >>> 0)
  if (entry.isOverdue) writer.uint32(0x28).bool(true)
  writer.join()
}

function writeBuckets(writer: BinaryWriter, message: BucketsMessage): void {
  const sums = new Uint8Array(4 * DIGEST_BUCKETS)
  for (let i = 0; i < DIGEST_BUCKETS; i++) setU32(sums, 4 * i, message.sums[i] as number)
  writer.uint32(0x28).uint32(message.count)
  writer.uint32(0x30).uint32(message.high >>> 0)
  writer.uint32(0x38).uint32(message.low >>> 0)
  writer.uint32(0x42).bytes(sums)
}

function writeItems(writer: BinaryWriter, message: ItemsMessage): void {
  writeBucketSet(writer, 0x2a, message.covered)
  writeBucketSet(writer, 0x32, message.rest)
  if (message.items.length > 0) writer.uint32(0x3a).bytes(listed(message.items))
}

function writeNews(writer: BinaryWriter, message: NewsMessage): void {
  if (message.part > 0) writer.uint32(0x28).uint32(message.part)
  writer.uint32(0x30).uint32(message.parts)
  for (const told of message.messages) writer.uint32(0x3a).bytes(told)
  writeBucketSet(writer, 0x42, message.rest)
}

function writeBucketSet(writer: BinaryWriter, tag: number, buckets: BucketSet): void {
  if (!buckets.isEmpty) writer.uint32(tag).bytes(buckets.bytes())
}

/** Hashes back to back, each followed by a varint: twice its version, plus 1 for live items. */
function listed(items: readonly DigestItem[]): Uint8Array {
  const bytes = new Uint8Array(LISTED_ITEM_BYTES_MAX * items.length)
  let at = 0
  for (const item of items) {
    writeHash(bytes, at, item)
    at = writeVarint(bytes, at + HASH_BYTES, 2 * item.version + (item.isLive ? 1 : 0))
  }
  return bytes.subarray(0, at)
}

/** A varint of up to 53 bits, where bit operations end at 32. */
function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  let end = at
  while (rest >= 0x80) {
    setU8(bytes, end++, (rest % 0x80) + 0x80)
    rest = Math.trunc(rest / 0x80)
  }
  setU8(bytes, end, rest)
  return end + 1
}

function hashes(wants: readonly ItemHash[]): Uint8Array {
  const bytes = new Uint8Array(HASH_BYTES * wants.length)
  let at = 0
  for (const hash of wants) {
    writeHash(bytes, at, hash)
    at += HASH_BYTES
  }
  return bytes
}

function writeHash(bytes: Uint8Array, at: number, hash: ItemHash): void {
  setU32(bytes, at, hash.high)
  setU32(bytes, at + 4, hash.low)
}
