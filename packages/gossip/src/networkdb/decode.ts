/** NetworkDB's messages out of bytes from the network: bounded, and never throwing (§3.2). */
import type { GossipFault } from '../memberlist/faults.ts'
import { readEvent, readTableEvent, type EventMessage } from './decode-event.ts'
import { NETWORKDB_TYPE, readEnvelope, type Envelope } from './gossip-message.ts'
import {
  BROKEN_PARTS_MAX,
  BULK_NETWORKS_MAX,
  EVENTS_MAX,
  NETWORK_ENTRIES_MAX,
} from './limits.ts'
import type {
  BulkSync,
  Compound,
  NetworkDbMessage,
  NetworkEntry,
  NetworkPushPull,
  TableEvent,
} from './messages.ts'
import { ProtoReader } from './proto-reader.ts'

/** Hears why a part of a message was refused, while the rest of it counts. */
export type OnPartFault = (fault: GossipFault) => void

/**
 * Read a complete message. Events of a compound and entries of a push/pull are refused one by one,
 * told to `onPartFault`: one odd row must not keep a node from all others. Messages of our own
 * (types 64 to 79) are `bad-type` here.
 */
export function decodeNetworkDb(
  bytes: Uint8Array,
  onPartFault: OnPartFault,
): NetworkDbMessage | GossipFault {
  const reader = new ProtoReader(bytes)
  const partFaults: GossipFault[] = []
  let message: NetworkDbMessage | null
  try {
    message = readMessage(reader, bytes.length, partFaults)
  } catch {
    return 'bad-protobuf'
  }
  const fault = reader.takeFault()
  if (fault !== null || message === null) return fault ?? 'bad-type'
  for (const partFault of partFaults) onPartFault(partFault)
  return message
}

function readMessage(
  reader: ProtoReader,
  end: number,
  partFaults: GossipFault[],
): NetworkDbMessage | null {
  const { type, end: dataEnd } = readEnvelope(reader, end)
  switch (type) {
    case NETWORKDB_TYPE.pushPull:
      return readPushPull(reader, dataEnd, partFaults)
    case NETWORKDB_TYPE.bulkSync:
      return readBulkSync(reader, dataEnd, partFaults)
    case NETWORKDB_TYPE.compound:
      return readCompound(reader, dataEnd, partFaults)
    default:
      return readEvent(reader, type, dataEnd)
  }
}

function readPushPull(
  reader: ProtoReader,
  end: number,
  partFaults: GossipFault[],
): NetworkPushPull {
  let lTime = 0
  let nodeName = ''
  const networks: NetworkEntry[] = []
  const max = NETWORK_ENTRIES_MAX
  const read = readNetworkEntry
  const entries = { max, read, parts: networks, faults: partFaults, broken: 0 }
  while (reader.at < end) {
    const tag = reader.uint32()
    switch (tag) {
      case 0x08: // l_time = 1
        lTime = reader.lamportTime()
        break
      case 0x12: // networks = 2
        readPart(reader, reader.window(end), entries)
        break
      case 0x1a: // node_name = 3
        nodeName = reader.name()
        break
      default:
        reader.skip(tag, 3)
    }
  }
  reader.close(end)
  if (nodeName === '') reader.refuse('bad-value')
  return { kind: 'push-pull', lTime, networks, nodeName }
}

function readNetworkEntry(reader: ProtoReader, end: number): NetworkEntry {
  let networkId = ''
  let lTime = 0
  let nodeName = ''
  let leaving = false
  while (reader.at < end) {
    const tag = reader.uint32()
    switch (tag) {
      case 0x0a: // network_id = 1
        networkId = reader.name()
        break
      case 0x10: // l_time = 2
        lTime = reader.lamportTime()
        break
      case 0x1a: // node_name = 3
        nodeName = reader.name()
        break
      case 0x20: // leaving = 4
        leaving = reader.uint32() !== 0
        break
      default:
        reader.skip(tag, 4)
    }
  }
  reader.close(end)
  if (networkId === '' || nodeName === '') reader.refuse('bad-value')
  return { networkId, lTime, nodeName, leaving }
}

function readBulkSync(reader: ProtoReader, end: number, partFaults: GossipFault[]): BulkSync {
  let lTime = 0
  let unsolicited = false
  let nodeName = ''
  const networks: string[] = []
  let payloadStart = end
  let payloadEnd = end
  while (reader.at < end) {
    const tag = reader.uint32()
    switch (tag) {
      case 0x08: // l_time = 1
        lTime = reader.lamportTime()
        break
      case 0x10: // unsolicited = 2
        unsolicited = reader.uint32() !== 0
        break
      case 0x1a: // node_name = 3
        nodeName = reader.name()
        break
      case 0x22: // networks = 4
        if (networks.push(reader.name()) > BULK_NETWORKS_MAX) {
          reader.refuse('too-many')
          networks.pop()
        }
        break
      case 0x2a: // payload = 5
        payloadEnd = reader.window(end)
        payloadStart = reader.at
        reader.at = payloadEnd
        break
      default:
        reader.skip(tag, 5)
    }
  }
  reader.close(end)
  if (nodeName === '') reader.refuse('bad-value')
  reader.at = payloadStart
  const events = readRows(reader, payloadEnd, partFaults)
  return { kind: 'bulk-sync', lTime, unsolicited, nodeName, networks, events }
}

/** The payload of a bulk sync: a compound in its envelope, or nothing at all. */
function readRows(
  reader: ProtoReader,
  end: number,
  faults: GossipFault[],
): readonly TableEvent[] {
  if (reader.at === end) return []
  const envelope = readEnvelope(reader, end)
  if (envelope.type !== NETWORKDB_TYPE.compound) reader.refuse('bad-type')
  const parts: TableEvent[] = []
  readParts(reader, envelope.end, { max: EVENTS_MAX, read: readRow, parts, faults, broken: 0 })
  return parts
}

function readCompound(reader: ProtoReader, end: number, faults: GossipFault[]): Compound {
  const parts: EventMessage[] = []
  readParts(reader, end, { max: EVENTS_MAX, read: readInnerEvent, parts, faults, broken: 0 })
  return { kind: 'compound', messages: parts }
}

/** Where parts are put, how many there may be, and how one is read. */
interface PartSink<Part extends object> {
  readonly max: number
  readonly read: (reader: ProtoReader, end: number) => Part | null
  readonly parts: Part[]
  readonly faults: GossipFault[]
  /** Those that were no protobuf. */
  broken: number
}

/** The parts of the compound whose data ends at `end`: messages = 1. */
function readParts<Part extends object>(
  reader: ProtoReader,
  end: number,
  sink: PartSink<Part>,
): void {
  while (reader.at < end) {
    const tag = reader.uint32()
    if (tag === 0x0a) readPart(reader, reader.window(end), sink)
    else reader.skip(tag, 1)
  }
  reader.close(end)
}

/** One part, whose bytes end at `end`. Whatever is wrong inside stays inside. */
function readPart<Part extends object>(
  reader: ProtoReader,
  end: number,
  sink: PartSink<Part>,
): void {
  if (sink.parts.length + sink.faults.length === sink.max) reader.refuse('too-many')
  else {
    const outside = reader.takeFault()
    const part = tryPart(reader, end, sink.read)
    if (part === 'bad-protobuf' && ++sink.broken > BROKEN_PARTS_MAX) {
      throw new RangeError('more broken parts than a mishap makes')
    }
    if (typeof part === 'string') sink.faults.push(part)
    else sink.parts.push(part)
    if (outside !== null) reader.refuse(outside)
  }
  reader.at = end
}

function tryPart<Part extends object>(
  reader: ProtoReader,
  end: number,
  read: PartSink<Part>['read'],
): Part | GossipFault {
  try {
    const part = read(reader, end)
    return reader.takeFault() ?? part ?? 'bad-type'
  } catch {
    reader.takeFault()
    return 'bad-protobuf'
  }
}

function readInnerEvent(reader: ProtoReader, end: number): EventMessage | null {
  const { type, end: dataEnd } = readSimpleMessage(reader, end)
  if (type === NETWORKDB_TYPE.compound) reader.refuse('too-deep')
  return readEvent(reader, type, dataEnd)
}

function readRow(reader: ProtoReader, end: number): TableEvent | null {
  const { type, end: dataEnd } = readSimpleMessage(reader, end)
  if (type === NETWORKDB_TYPE.compound) reader.refuse('too-deep')
  return type === NETWORKDB_TYPE.table ? readTableEvent(reader, dataEnd) : null
}

/** The envelope inside a SimpleMessage: payload = 1. */
function readSimpleMessage(reader: ProtoReader, end: number): Envelope {
  let payloadStart = end
  let payloadEnd = end
  while (reader.at < end) {
    const tag = reader.uint32()
    if (tag === 0x0a) {
      payloadEnd = reader.window(end)
      payloadStart = reader.at
      reader.at = payloadEnd
    } else reader.skip(tag, 1)
  }
  reader.close(end)
  reader.at = payloadStart
  return readEnvelope(reader, payloadEnd)
}
