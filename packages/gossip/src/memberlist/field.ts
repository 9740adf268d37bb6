/** The fields of memberlist's messages by number, with their names as msgpack keys (§2.2). */
import { assert, u8, utf8Bytes } from '@weft/core'

/** How a field is encoded: text or bytes, a flag, or a number of so many bits. */
export type FieldKind = 'raw' | 'flag' | 8 | 16 | 32

/** Numbers of the fields; two messages that share a name share the kind too. */
export const FIELD = {
  addr: 0,
  algo: 1,
  buf: 2,
  error: 3,
  from: 4,
  incarnation: 5,
  join: 6,
  meta: 7,
  nack: 8,
  name: 9,
  node: 10,
  nodes: 11,
  payload: 12,
  port: 13,
  seqNo: 14,
  sourceAddr: 15,
  sourceNode: 16,
  sourcePort: 17,
  state: 18,
  target: 19,
  userMsgLen: 20,
  userStateLen: 21,
  vsn: 22,
} as const

/** Number of a field. */
export type Field = (typeof FIELD)[keyof typeof FIELD]

const TABLE: readonly (readonly [name: string, kind: FieldKind])[] = [
  ['Addr', 'raw'],
  ['Algo', 8],
  ['Buf', 'raw'],
  ['Error', 'raw'],
  ['From', 'raw'],
  ['Incarnation', 32],
  ['Join', 'flag'],
  ['Meta', 'raw'],
  ['Nack', 'flag'],
  ['Name', 'raw'],
  ['Node', 'raw'],
  ['Nodes', 32],
  ['Payload', 'raw'],
  ['Port', 16],
  ['SeqNo', 32],
  ['SourceAddr', 'raw'],
  ['SourceNode', 'raw'],
  ['SourcePort', 16],
  ['State', 8],
  ['Target', 'raw'],
  ['UserMsgLen', 32],
  ['UserStateLen', 32],
  ['Vsn', 'raw'],
]

/** How many there are. */
export const FIELDS = TABLE.length

/** What a field is, by number. */
export const FIELD_KINDS: readonly FieldKind[] = TABLE.map(([, kind]) => kind)

const NAMES: readonly Uint8Array[] = TABLE.map(([name]) => utf8Bytes(name))

/** The msgpack keys, ready to be copied: fixraw and name. */
export const FIELD_KEYS: readonly Uint8Array[] = NAMES.map((name) =>
  Uint8Array.of(0xa0 | name.length, ...name),
)

/** Length, second and last byte tell these names apart; the rest is compared once. */
const SLOTS = 1024
const slots = new Int8Array(SLOTS).fill(-1)
for (const [field, name] of NAMES.entries()) {
  const slot = slotOf(name, 0, name.length)
  assert(slots[slot] === -1, 'the names of fields have slots of their own')
  slots[slot] = field
}

function slotOf(bytes: Uint8Array, start: number, length: number): number {
  return (length * 61 + u8(bytes, start + 1) * 7 + u8(bytes, start + length - 1)) & (SLOTS - 1)
}

/** The field of this name, or -1. */
export function findField(bytes: Uint8Array, start: number, length: number): number {
  if (length < 2) return -1
  const field = slots[slotOf(bytes, start, length)] ?? -1
  const name = NAMES[field]
  if (name?.length !== length) return -1
  for (let i = 0; i < length; i++) if (bytes[start + i] !== name[i]) return -1
  return field
}

/** A set of fields, as bits. */
export function fieldSet(...fields: readonly Field[]): number {
  return fields.reduce((set: number, field) => set | (1 << field), 0)
}
