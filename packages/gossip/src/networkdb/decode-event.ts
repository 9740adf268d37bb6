/** Reads the events of NetworkDB: of nodes, of attachments, of rows (§3.2). */
import { NETWORKDB_TYPE } from './gossip-message.ts'
import { RESIDUAL_REAP_SECONDS_MAX, ROW_KEY_BYTES_MAX, ROW_VALUE_BYTES_MAX } from './limits.ts'
import type { NetworkEvent, NodeEvent, TableEvent } from './messages.ts'
import type { ProtoReader } from './proto-reader.ts'

/** What may stand in a compound. */
export type EventMessage = NodeEvent | NetworkEvent | TableEvent

/**
 * The event of this type whose data ends at `end`; null: no event has this type. Values that cannot
 * be are noted in the reader; bytes that are no protobuf make it throw.
 */
export function readEvent(reader: ProtoReader, type: number, end: number): EventMessage | null {
  switch (type) {
    case NETWORKDB_TYPE.node:
      return readNodeEvent(reader, end)
    case NETWORKDB_TYPE.network:
      return readNetworkEvent(reader, end)
    case NETWORKDB_TYPE.table:
      return readTableEvent(reader, end)
    default:
      return null
  }
}

const PRESENCE: readonly (NodeEvent['type'] | undefined)[] = [undefined, 'join', 'leave']
const CHANGE: readonly (TableEvent['type'] | undefined)[] = [
  undefined,
  'create',
  'update',
  'delete',
]

function readNodeEvent(reader: ProtoReader, end: number): NodeEvent {
  let type = 0
  let lTime = 0
  let nodeName = ''
  while (reader.at < end) {
    const tag = reader.uint32()
    switch (tag) {
      case 0x08: // type = 1
        type = reader.uint32()
        break
      case 0x10: // l_time = 2
        lTime = reader.lamportTime()
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
  return { kind: 'node', type: known(reader, PRESENCE[type], 'join'), lTime, nodeName }
}

function readNetworkEvent(reader: ProtoReader, end: number): NetworkEvent {
  let type = 0
  let lTime = 0
  let nodeName = ''
  let networkId = ''
  while (reader.at < end) {
    const tag = reader.uint32()
    switch (tag) {
      case 0x08: // type = 1
        type = reader.uint32()
        break
      case 0x10: // l_time = 2
        lTime = reader.lamportTime()
        break
      case 0x1a: // node_name = 3
        nodeName = reader.name()
        break
      case 0x22: // network_id = 4
        networkId = reader.name()
        break
      default:
        reader.skip(tag, 4)
    }
  }
  reader.close(end)
  if (nodeName === '' || networkId === '') reader.refuse('bad-value')
  const presence = known(reader, PRESENCE[type], 'join')
  return { kind: 'network', type: presence, lTime, nodeName, networkId }
}

const NO_BYTES = new Uint8Array(0)

/** A row's event whose data ends at `end`; otherwise as `readEvent`. */
export function readTableEvent(reader: ProtoReader, end: number): TableEvent {
  let type = 0
  let lTime = 0
  let nodeName = ''
  let networkId = ''
  let tableName = ''
  let key = ''
  let value: Uint8Array = NO_BYTES
  let residualReapTimeSeconds = 0
  while (reader.at < end) {
    const tag = reader.uint32()
    switch (tag) {
      case 0x08: // type = 1
        type = reader.uint32()
        break
      case 0x10: // l_time = 2
        lTime = reader.lamportTime()
        break
      case 0x1a: // node_name = 3
        nodeName = reader.name()
        break
      case 0x22: // network_id = 4
        networkId = reader.name()
        break
      case 0x2a: // table_name = 5
        tableName = reader.name()
        break
      case 0x32: // key = 6
        key = reader.text(ROW_KEY_BYTES_MAX)
        break
      case 0x3a: // value = 7
        value = reader.bytes(ROW_VALUE_BYTES_MAX)
        break
      case 0x40: // residual_reap_time = 8; a negative one reads as a huge one
        residualReapTimeSeconds = reader.uint32()
        break
      default:
        reader.skip(tag, 8)
    }
  }
  reader.close(end)
  const isNamed = nodeName !== '' && networkId !== '' && tableName !== '' && key !== ''
  if (!isNamed || residualReapTimeSeconds > RESIDUAL_REAP_SECONDS_MAX) reader.refuse('bad-value')
  return {
    kind: 'table',
    type: known(reader, CHANGE[type], 'create'),
    lTime,
    nodeName,
    networkId,
    tableName,
    key,
    value,
    residualReapTimeSeconds,
  }
}

/** The value of an enum; one that nobody knows is noted, and stands in for the time being. */
function known<Value>(reader: ProtoReader, value: Value | undefined, standIn: Value): Value {
  if (value === undefined) reader.refuse('bad-value')
  return value ?? standIn
}
