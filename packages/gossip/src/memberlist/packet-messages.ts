/** The bytes of the messages that datagrams carry, each with its type byte (docker-wire §2.2). */
import { u8, unreachable } from '@weft/core'
import type { GossipFault } from './faults.ts'
import { FieldReader } from './field-reader.ts'
import { FIELD, fieldSet } from './field.ts'
import { ACK_PAYLOAD_BYTES_MAX } from './limits.ts'
import { MESSAGE_TYPE } from './message-type.ts'
import type {
  AckResp,
  Alive,
  Dead,
  IndirectPing,
  NackResp,
  PacketMessage,
  Ping,
  Suspect,
} from './messages.ts'
import { MsgpackWriter } from './msgpack-writer.ts'
import { isAddress, isName, isOptionalName, NODE_FIELDS, readVersions } from './node-fields.ts'

const reader = new FieldReader()
const writer = new MsgpackWriter()

const PING_FIELDS = fieldSet(
  FIELD.seqNo,
  FIELD.node,
  FIELD.sourceAddr,
  FIELD.sourcePort,
  FIELD.sourceNode,
)
const INDIRECT_PING_FIELDS = PING_FIELDS | fieldSet(FIELD.target, FIELD.port, FIELD.nack)
const ACK_FIELDS = fieldSet(FIELD.seqNo, FIELD.payload)
const NACK_FIELDS = fieldSet(FIELD.seqNo)
const ACCUSATION_FIELDS = fieldSet(FIELD.incarnation, FIELD.node, FIELD.from)

/** The bytes of a message, its type first, as memberlist itself would write them. */
export function encodePacketMessage(message: PacketMessage): Uint8Array {
  writePacketMessage(writer, message)
  return writer.take()
}

/** Write a message, its type first. */
export function writePacketMessage(to: MsgpackWriter, message: PacketMessage): void {
  switch (message.kind) {
    case 'ping':
      writePing(to, message)
      return
    case 'indirect-ping':
      writeIndirectPing(to, message)
      return
    case 'ack':
      writeAck(to, message)
      return
    case 'nack':
      to.byte(MESSAGE_TYPE.nack)
      to.map(1)
      writeSeqNo(to, message.seqNo)
      return
    case 'suspect':
    case 'dead':
      writeAccusation(to, message)
      return
    case 'alive':
      writeAlive(to, message)
      return
    case 'user':
      to.byte(MESSAGE_TYPE.user)
      to.append(message.bytes)
      return
    default:
      unreachable(message)
  }
}

/** The message in this window, its type first, or why it is refused. What follows it is ignored. */
export function decodePacketMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
): PacketMessage | GossipFault {
  if (start >= end) return 'short'
  const from = start + 1
  switch (u8(bytes, start)) {
    case MESSAGE_TYPE.ping:
      return reader.read(bytes, from, end, PING_FIELDS) ?? pingOf()
    case MESSAGE_TYPE.indirectPing:
      return reader.read(bytes, from, end, INDIRECT_PING_FIELDS) ?? indirectPingOf()
    case MESSAGE_TYPE.ack:
      return reader.read(bytes, from, end, ACK_FIELDS) ?? ackOf()
    case MESSAGE_TYPE.nack:
      return reader.read(bytes, from, end, NACK_FIELDS) ?? nackOf()
    case MESSAGE_TYPE.suspect:
      return reader.read(bytes, from, end, ACCUSATION_FIELDS) ?? accusationOf('suspect')
    case MESSAGE_TYPE.dead:
      return reader.read(bytes, from, end, ACCUSATION_FIELDS) ?? accusationOf('dead')
    case MESSAGE_TYPE.alive:
      return reader.read(bytes, from, end, NODE_FIELDS) ?? aliveOf()
    case MESSAGE_TYPE.user:
      return { kind: 'user', bytes: bytes.subarray(from, end) }
    default:
      return 'bad-type'
  }
}

function pingOf(): Ping | GossipFault {
  if (!isOptionalName(reader, FIELD.node) || !isOptionalName(reader, FIELD.sourceNode)) {
    return 'bad-value'
  }
  const hasSource = reader.length(FIELD.sourceAddr) !== 0
  if (hasSource && !isAddress(reader, FIELD.sourceAddr)) return 'bad-value'
  return {
    kind: 'ping',
    seqNo: reader.number(FIELD.seqNo),
    node: reader.text(FIELD.node),
    sourceAddr: reader.address(FIELD.sourceAddr),
    sourcePort: reader.number(FIELD.sourcePort),
    sourceNode: reader.text(FIELD.sourceNode),
  }
}

function indirectPingOf(): IndirectPing | GossipFault {
  const ping = pingOf()
  if (typeof ping === 'string') return ping
  if (!isAddress(reader, FIELD.target)) return 'bad-value'
  return {
    ...ping,
    kind: 'indirect-ping',
    target: reader.address(FIELD.target),
    port: reader.number(FIELD.port),
    nack: reader.flag(FIELD.nack),
  }
}

function ackOf(): AckResp | GossipFault {
  if (reader.length(FIELD.payload) > ACK_PAYLOAD_BYTES_MAX) return 'oversized'
  return { kind: 'ack', seqNo: reader.number(FIELD.seqNo), payload: reader.copy(FIELD.payload) }
}

function nackOf(): NackResp {
  return { kind: 'nack', seqNo: reader.number(FIELD.seqNo) }
}

function accusationOf(kind: 'suspect' | 'dead'): Suspect | Dead | GossipFault {
  if (!isName(reader, FIELD.node) || !isName(reader, FIELD.from)) return 'bad-value'
  return {
    kind,
    incarnation: reader.number(FIELD.incarnation),
    node: reader.text(FIELD.node),
    from: reader.text(FIELD.from),
  }
}

function aliveOf(): Alive | GossipFault {
  const vsn = readVersions(reader, FIELD.node)
  if (typeof vsn === 'string') return vsn
  return {
    kind: 'alive',
    incarnation: reader.number(FIELD.incarnation),
    node: reader.text(FIELD.node),
    addr: reader.address(FIELD.addr),
    port: reader.number(FIELD.port),
    meta: reader.copy(FIELD.meta),
    vsn,
  }
}

function writeSeqNo(to: MsgpackWriter, seqNo: number): void {
  to.key(FIELD.seqNo)
  to.uint(seqNo)
}

/** Keys stand in byte order, and sources that are not set are left out. */
function writePing(to: MsgpackWriter, message: Ping): void {
  to.byte(MESSAGE_TYPE.ping)
  to.map(2 + sources(message))
  to.key(FIELD.node)
  to.text(message.node)
  writeSeqNo(to, message.seqNo)
  writeSource(to, message)
}

function writeIndirectPing(to: MsgpackWriter, message: IndirectPing): void {
  to.byte(MESSAGE_TYPE.indirectPing)
  to.map(5 + sources(message))
  to.key(FIELD.nack)
  to.flag(message.nack)
  to.key(FIELD.node)
  to.text(message.node)
  to.key(FIELD.port)
  to.uint(message.port)
  writeSeqNo(to, message.seqNo)
  writeSource(to, message)
  to.key(FIELD.target)
  to.raw(message.target)
}

type Source = Pick<Ping, 'sourceAddr' | 'sourcePort' | 'sourceNode'>

function sources({ sourceAddr, sourcePort, sourceNode }: Source): number {
  return Number(sourceAddr.length > 0) + Number(sourcePort > 0) + Number(sourceNode !== '')
}

function writeSource(to: MsgpackWriter, { sourceAddr, sourcePort, sourceNode }: Source): void {
  if (sourceAddr.length > 0) {
    to.key(FIELD.sourceAddr)
    to.raw(sourceAddr)
  }
  if (sourceNode !== '') {
    to.key(FIELD.sourceNode)
    to.text(sourceNode)
  }
  if (sourcePort > 0) {
    to.key(FIELD.sourcePort)
    to.uint(sourcePort)
  }
}

function writeAck(to: MsgpackWriter, message: AckResp): void {
  to.byte(MESSAGE_TYPE.ack)
  to.map(2)
  to.key(FIELD.payload)
  to.raw(message.payload)
  writeSeqNo(to, message.seqNo)
}

function writeAccusation(to: MsgpackWriter, message: Suspect | Dead): void {
  to.byte(MESSAGE_TYPE[message.kind])
  to.map(3)
  to.key(FIELD.from)
  to.text(message.from)
  to.key(FIELD.incarnation)
  to.uint(message.incarnation)
  to.key(FIELD.node)
  to.text(message.node)
}

function writeAlive(to: MsgpackWriter, message: Alive): void {
  to.byte(MESSAGE_TYPE.alive)
  to.map(6)
  to.key(FIELD.addr)
  to.raw(message.addr)
  to.key(FIELD.incarnation)
  to.uint(message.incarnation)
  to.key(FIELD.meta)
  to.raw(message.meta)
  to.key(FIELD.node)
  to.text(message.node)
  to.key(FIELD.port)
  to.uint(message.port)
  to.key(FIELD.vsn)
  to.raw(Uint8Array.from(message.vsn))
}
