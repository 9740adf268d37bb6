/** Objects as bytes of the store: SwarmKit's protobuf under keys like `node/ID`. */
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { storeError, type StoreEntry } from '@weft/core'
import { ClusterSchema, NetworkSchema, NodeSchema, TaskSchema } from '@weft/swarm'
import type { ObjectKind, ObjectKinds } from './tables.ts'

/** The key of an object. */
export function objectKey(kind: ObjectKind, id: string): string {
  return `${kind}/${id}`
}

const ENCODE: { [Kind in ObjectKind]: (object: ObjectKinds[Kind]) => Uint8Array } = {
  cluster: (object) => toBinary(ClusterSchema, object),
  node: (object) => toBinary(NodeSchema, object),
  network: (object) => toBinary(NetworkSchema, object),
  task: (object) => toBinary(TaskSchema, object),
}

const DECODE: { [Kind in ObjectKind]: (bytes: Uint8Array) => ObjectKinds[Kind] } = {
  cluster: (bytes) => fromBinary(ClusterSchema, bytes),
  node: (bytes) => fromBinary(NodeSchema, bytes),
  network: (bytes) => fromBinary(NetworkSchema, bytes),
  task: (bytes) => fromBinary(TaskSchema, bytes),
}

/** The bytes of an object. */
export function encodeObject<Kind extends ObjectKind>(
  kind: Kind,
  object: ObjectKinds[Kind],
): Uint8Array {
  return ENCODE[kind](object)
}

/** Read an object back. Throws ERR_STORE_CORRUPT naming the key. */
export function decodeObject<Kind extends ObjectKind>(
  kind: Kind,
  entry: StoreEntry,
): ObjectKinds[Kind] {
  const object = decodeOrNull(kind, entry.value)
  if (object === null) throw corrupt(entry.key, `not a ${kind} of SwarmKit's form`)
  if (objectKey(kind, object.id) !== entry.key) throw corrupt(entry.key, `holds ${object.id}`)
  if (object.meta?.version === undefined) throw corrupt(entry.key, 'has no version')
  return object
}

/** The error for an entry that cannot be what it should. */
export function corrupt(key: string, problem: string, cause?: unknown): Error {
  const facts = { location: key, problem }
  return storeError('ERR_STORE_CORRUPT', 'the cluster state is damaged', facts, cause)
}

function decodeOrNull<Kind extends ObjectKind>(
  kind: Kind,
  bytes: Uint8Array,
): ObjectKinds[Kind] | null {
  try {
    return DECODE[kind](bytes)
  } catch {
    return null
  }
}
