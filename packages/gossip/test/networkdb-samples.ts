/** Messages of NetworkDB for tests: small ones by hand, any ones by fast-check. */
import { fromHex } from '@weft/core'
import fc from 'fast-check'
import type { GossipFault } from '../src/memberlist/faults.ts'
import { decodeNetworkDb } from '../src/networkdb/decode.ts'
import type {
  NetworkDbMessage,
  NetworkEntry,
  NetworkEvent,
  NodeEvent,
  TableEvent,
} from '../src/networkdb/messages.ts'
import { LAMPORT_TIME_MAX } from '../src/networkdb/messages.ts'

/** The bytes of a hexadecimal text. */
export function hex(text: string): Uint8Array {
  const bytes = fromHex(text)
  if (bytes === null) throw new Error(`not hexadecimal: ${text}`)
  return bytes
}

/** A row's event with everything in it. */
export const tableEvent: TableEvent = {
  kind: 'table',
  type: 'delete',
  lTime: 9,
  nodeName: '0123456789ab',
  networkId: 'net',
  tableName: 'overlay_peer_table',
  key: 'ep',
  value: Uint8Array.of(1, 2, 3),
  residualReapTimeSeconds: 1800,
}

/** What a decoder made of the bytes, with the faults of parts. */
export interface Decoded {
  readonly message: NetworkDbMessage | GossipFault
  readonly partFaults: readonly GossipFault[]
}

/** Decode, and keep what was said of parts. */
export function decoded(bytes: Uint8Array): Decoded {
  const partFaults: GossipFault[] = []
  const message = decodeNetworkDb(bytes, (fault) => partFaults.push(fault))
  return { message, partFaults }
}

const lTime = fc.oneof(fc.nat(), fc.integer({ min: 0, max: LAMPORT_TIME_MAX }))
const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }).filter(isWellFormed)
const presence = fc.constantFrom('join', 'leave')

const nodeEvents: fc.Arbitrary<NodeEvent> = fc.record({
  kind: fc.constant('node'),
  type: presence,
  lTime,
  nodeName: name,
})

const networkEvents: fc.Arbitrary<NetworkEvent> = fc.record({
  kind: fc.constant('network'),
  type: presence,
  lTime,
  nodeName: name,
  networkId: name,
})

/** Any event of a row. */
export const tableEvents: fc.Arbitrary<TableEvent> = fc.record({
  kind: fc.constant('table'),
  type: fc.constantFrom('create', 'update', 'delete'),
  lTime,
  nodeName: name,
  networkId: name,
  tableName: name,
  key: name,
  value: fc.uint8Array({ maxLength: 300 }),
  residualReapTimeSeconds: fc.nat({ max: 86_400 }),
})

const entries: fc.Arbitrary<NetworkEntry> = fc.record({
  networkId: name,
  lTime,
  nodeName: name,
  leaving: fc.boolean(),
})

/** Any message. */
export const messages: fc.Arbitrary<NetworkDbMessage> = fc.oneof(
  nodeEvents,
  networkEvents,
  tableEvents,
  fc.record({
    kind: fc.constant('push-pull'),
    lTime,
    networks: fc.array(entries, { maxLength: 5 }),
    nodeName: name,
  }),
  fc.record({
    kind: fc.constant('bulk-sync'),
    lTime,
    unsolicited: fc.boolean(),
    nodeName: name,
    networks: fc.array(name, { maxLength: 4 }),
    events: fc.array(tableEvents, { maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant('compound'),
    messages: fc.array(fc.oneof(nodeEvents, networkEvents, tableEvents), { maxLength: 4 }),
  }),
)

/** No half of a surrogate pair: UTF-8 has none. */
function isWellFormed(text: string): boolean {
  return text.isWellFormed()
}
