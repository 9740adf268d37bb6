/** The bytes of the messages that streams carry, each with its type byte (docker-wire §2.7). */
import { u8, unreachable } from '@weft/core'
import type { GossipFault } from './faults.ts'
import { FIELD, fieldSet } from './field.ts'
import { FieldReader } from './field-reader.ts'
import { DECOMPRESSED_BYTES_MAX, ERROR_BYTES_MAX, PUSH_PULL_NODES_MAX } from './limits.ts'
import { MESSAGE_TYPE } from './message-type.ts'
import {
  NODE_STATE,
  type ErrorResp,
  type NodeStateName,
  type PacketMessage,
  type PushPull,
  type PushPullNode,
  type StreamMessage,
} from './messages.ts'
import { MsgpackWriter } from './msgpack-writer.ts'
import { readVersions, STATE_FIELDS } from './node-fields.ts'
import { decodePacketMessage, writePacketMessage } from './packet-messages.ts'

const HEADER_FIELDS = fieldSet(FIELD.join, FIELD.nodes, FIELD.userStateLen)
const USER_FIELDS = fieldSet(FIELD.userMsgLen)
const ERROR_FIELDS = fieldSet(FIELD.error)

const STATE_NAMES: readonly NodeStateName[] = ['alive', 'suspect', 'dead', 'left']

/** What introduces a message on a stream: all of it, or the part before what it announces. */
export type StreamHead =
  | { readonly kind: 'whole'; readonly message: StreamMessage }
  | { readonly kind: 'user'; readonly bytes: number }
  | {
      readonly kind: 'push-pull'
      readonly join: boolean
      readonly nodes: number
      readonly userStateBytes: number
    }

const reader = new FieldReader()

/** The bytes of a message, its type first, neither compressed nor sealed. */
export function encodeStreamMessage(message: StreamMessage): Uint8Array {
  const writer = new MsgpackWriter()
  switch (message.kind) {
    case 'push-pull':
      writePushPull(writer, message)
      break
    case 'user':
      writer.byte(MESSAGE_TYPE.user)
      writer.map(1)
      writer.key(FIELD.userMsgLen)
      writer.uint(message.bytes.length)
      writer.append(message.bytes)
      break
    case 'error':
      writer.byte(MESSAGE_TYPE.error)
      writer.map(1)
      writer.key(FIELD.error)
      writer.text(message.error)
      break
    case 'ping':
    case 'ack':
      writePacketMessage(writer, message)
      break
    default:
      unreachable(message)
  }
  return writer.take()
}

/** True when messages of this type are known on streams. */
export function isStreamType(type: number): boolean {
  return (
    type === MESSAGE_TYPE.pushPull ||
    type === MESSAGE_TYPE.user ||
    type === MESSAGE_TYPE.ping ||
    type === MESSAGE_TYPE.ack ||
    type === MESSAGE_TYPE.error
  )
}

/** The head in this window, its type first: a type byte and one msgpack value. */
export function decodeStreamHead(
  bytes: Uint8Array,
  start: number,
  end: number,
): StreamHead | GossipFault {
  const from = start + 1
  switch (u8(bytes, start)) {
    case MESSAGE_TYPE.pushPull:
      return reader.read(bytes, from, end, HEADER_FIELDS) ?? pushPullHead()
    case MESSAGE_TYPE.user: {
      const fault = reader.read(bytes, from, end, USER_FIELDS)
      if (fault !== null) return fault
      const length = reader.number(FIELD.userMsgLen)
      return length > DECOMPRESSED_BYTES_MAX ? 'oversized' : { kind: 'user', bytes: length }
    }
    case MESSAGE_TYPE.ping:
    case MESSAGE_TYPE.ack:
      return whole(asOnStreams(decodePacketMessage(bytes, start, end)))
    case MESSAGE_TYPE.error:
      return reader.read(bytes, from, end, ERROR_FIELDS) ?? whole(errorOf())
    default:
      return 'bad-type'
  }
}

/** One node of a push/pull, in the window of its msgpack value. */
export function decodePushPullNode(
  bytes: Uint8Array,
  start: number,
  end: number,
): PushPullNode | GossipFault {
  const fault = reader.read(bytes, start, end, STATE_FIELDS)
  if (fault !== null) return fault
  const vsn = readVersions(reader, FIELD.name)
  const state = STATE_NAMES[reader.number(FIELD.state)]
  if (typeof vsn === 'string') return vsn
  if (state === undefined) return 'bad-value'
  return {
    name: reader.text(FIELD.name),
    addr: reader.address(FIELD.addr),
    port: reader.number(FIELD.port),
    meta: reader.copy(FIELD.meta),
    incarnation: reader.number(FIELD.incarnation),
    state,
    vsn,
  }
}

function pushPullHead(): StreamHead | GossipFault {
  const nodes = reader.number(FIELD.nodes)
  const userStateBytes = reader.number(FIELD.userStateLen)
  if (nodes > PUSH_PULL_NODES_MAX) return 'too-many'
  if (userStateBytes > DECOMPRESSED_BYTES_MAX) return 'oversized'
  return { kind: 'push-pull', join: reader.flag(FIELD.join), nodes, userStateBytes }
}

function errorOf(): ErrorResp | GossipFault {
  if (reader.length(FIELD.error) > ERROR_BYTES_MAX) return 'oversized'
  return { kind: 'error', error: reader.text(FIELD.error) }
}

/** Pings and acks are the same on both. */
function asOnStreams(message: PacketMessage | GossipFault): StreamMessage | GossipFault {
  if (typeof message === 'string') return message
  return message.kind === 'ping' || message.kind === 'ack' ? message : 'bad-type'
}

function whole(message: StreamMessage | GossipFault): StreamHead | GossipFault {
  return typeof message === 'string' ? message : { kind: 'whole', message }
}

function writePushPull(to: MsgpackWriter, message: PushPull): void {
  to.byte(MESSAGE_TYPE.pushPull)
  to.map(3)
  to.key(FIELD.join)
  to.flag(message.join)
  to.key(FIELD.nodes)
  to.uint(message.nodes.length)
  to.key(FIELD.userStateLen)
  to.uint(message.userState.length)
  for (const node of message.nodes) writeNode(to, node)
  to.append(message.userState)
}

function writeNode(to: MsgpackWriter, node: PushPullNode): void {
  to.map(7)
  to.key(FIELD.addr)
  to.raw(node.addr)
  to.key(FIELD.incarnation)
  to.uint(node.incarnation)
  to.key(FIELD.meta)
  to.raw(node.meta)
  to.key(FIELD.name)
  to.text(node.name)
  to.key(FIELD.port)
  to.uint(node.port)
  to.key(FIELD.state)
  to.uint(NODE_STATE[node.state])
  to.key(FIELD.vsn)
  to.raw(Uint8Array.from(node.vsn))
}
