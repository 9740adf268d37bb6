/** The bytes of NetworkDB's messages, as Docker writes them: in order, defaults left out (§3.2). */
import type { BinaryWriter } from '@bufbuild/protobuf/wire'
import { assert, unreachable } from '@weft/core'
import { gossipMessage, NETWORKDB_TYPE, openEnvelope, protoWriter } from './gossip-message.ts'
import {
  LAMPORT_TIME_MAX,
  type BulkSync,
  type NetworkDbMessage,
  type NetworkEntry,
  type NetworkEvent,
  type NetworkPushPull,
  type NodeEvent,
  type TableEvent,
} from './messages.ts'

/** A complete message, with its envelope. */
export function encodeNetworkDb(message: NetworkDbMessage): Uint8Array {
  switch (message.kind) {
    case 'node':
      return encodeNodeEvent(message)
    case 'network':
      return encodeNetworkEvent(message)
    case 'table':
      return encodeTableEvent(message)
    case 'push-pull':
      return encodePushPull(message)
    case 'bulk-sync':
      return encodeBulkSync(message, message.events.map(encodeTableEvent))
    case 'compound':
      return compoundOf(message.messages.map(encodeNetworkDb))
    default:
      return unreachable(message)
  }
}

const PRESENCE = { join: 1, leave: 2 } as const
const CHANGE = { create: 1, update: 2, delete: 3 } as const

function encodeNodeEvent({ type, lTime, nodeName }: NodeEvent): Uint8Array {
  const writer = openEvent(NETWORKDB_TYPE.node)
  writeEventHead(writer, { type: PRESENCE[type], lTime, nodeName })
  return writer.join().finish()
}

function encodeNetworkEvent({ type, lTime, nodeName, networkId }: NetworkEvent): Uint8Array {
  const writer = openEvent(NETWORKDB_TYPE.network)
  writeEventHead(writer, { type: PRESENCE[type], lTime, nodeName })
  writeText(writer, 0x22, networkId)
  return writer.join().finish()
}

/** A table event with its envelope, to be kept and put into compounds as it is. */
export function encodeTableEvent(event: TableEvent): Uint8Array {
  const { lTime, nodeName, value, residualReapTimeSeconds } = event
  const writer = openEvent(NETWORKDB_TYPE.table)
  writeEventHead(writer, { type: CHANGE[event.type], lTime, nodeName })
  writeText(writer, 0x22, event.networkId)
  writeText(writer, 0x2a, event.tableName)
  writeText(writer, 0x32, event.key)
  if (value.length > 0) writer.uint32(0x3a).bytes(value)
  if (residualReapTimeSeconds > 0) writer.uint32(0x40).int32(residualReapTimeSeconds)
  return writer.join().finish()
}

/** Events are many and small: one writer for all, whose memory has grown to what they need. */
const eventWriter = protoWriter()

function openEvent(type: number): BinaryWriter {
  // Throws away what an event left behind that could not be written: a bug, but not this one's.
  eventWriter.finish()
  return openEnvelope(type, eventWriter).uint32(0x12).fork()
}

/** What the three kinds of events begin with. */
function writeEventHead(
  writer: BinaryWriter,
  head: { readonly type: number; readonly lTime: number; readonly nodeName: string },
): void {
  writer.uint32(0x08).uint32(head.type)
  writeTime(writer, 0x10, head.lTime)
  writeText(writer, 0x1a, head.nodeName)
}

function encodePushPull({ lTime, networks, nodeName }: NetworkPushPull): Uint8Array {
  const writer = openEnvelope(NETWORKDB_TYPE.pushPull)
  const data = protoWriter()
  writeTime(data, 0x08, lTime)
  for (const entry of networks) writeNetworkEntry(data.uint32(0x12).fork(), entry)
  writeText(data, 0x1a, nodeName)
  return writer.uint32(0x12).bytes(data.finish()).finish()
}

function writeNetworkEntry(writer: BinaryWriter, entry: NetworkEntry): void {
  writeText(writer, 0x0a, entry.networkId)
  writeTime(writer, 0x10, entry.lTime)
  writeText(writer, 0x1a, entry.nodeName)
  if (entry.leaving) writer.uint32(0x20).bool(true)
  writer.join()
}

/** A bulk sync without its rows. */
export type BulkSyncHead = Omit<BulkSync, 'kind' | 'events'>

/** A bulk sync of events that `encodeTableEvent` made. Without any, its payload is `08 05`. */
export function encodeBulkSync(head: BulkSyncHead, events: readonly Uint8Array[]): Uint8Array {
  const data = protoWriter()
  writeTime(data, 0x08, head.lTime)
  if (head.unsolicited) data.uint32(0x10).bool(true)
  writeText(data, 0x1a, head.nodeName)
  for (const network of head.networks) data.uint32(0x22).string(network)
  data.uint32(0x2a).bytes(compoundOf(events))
  return gossipMessage(NETWORKDB_TYPE.bulkSync, data.finish())
}

/** One message of several complete ones, each of which takes `partBytes` of its length. */
export function compoundOf(encoded: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of encoded) length += partBytes(part.length)
  const writer = openEnvelope(NETWORKDB_TYPE.compound)
  if (length === 0) return writer.finish()
  writer.uint32(0x12).uint32(length)
  for (const part of encoded) {
    const inner = 1 + varintBytes(part.length) + part.length
    writer.uint32(0x0a).uint32(inner).uint32(0x0a).bytes(part)
  }
  return writer.finish()
}

/** Bytes that a message of this length takes inside a compound. */
export function partBytes(length: number): number {
  const inner = 1 + varintBytes(length) + length
  return 1 + varintBytes(inner) + inner
}

/** Bytes of a compound besides its parts, when those take less than 2 MiB: type, tag, length. */
export const COMPOUND_OVERHEAD_BYTES = 6

function varintBytes(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  return value < 0x1000_0000 ? 4 : 5
}

function writeTime(writer: BinaryWriter, tag: number, lTime: number): void {
  assert(
    Number.isInteger(lTime) && lTime >= 0 && lTime <= LAMPORT_TIME_MAX,
    'a Lamport time is a whole number up to LAMPORT_TIME_MAX',
  )
  if (lTime === 0) return
  writer.uint32(tag)
  if (lTime <= 0xffff_ffff) writer.uint32(lTime)
  else writer.uint64(lTime)
}

function writeText(writer: BinaryWriter, tag: number, text: string): void {
  if (text !== '') writer.uint32(tag).string(text)
}
