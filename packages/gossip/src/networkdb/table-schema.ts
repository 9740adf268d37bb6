/** What the bytes of a table's rows mean. */
import type { GossipFault } from '../memberlist/faults.ts'

/** A table's name with the meaning of its bytes. */
export interface TableSchema<Value> {
  readonly name: string
  encode(value: Value): Uint8Array
  decode(bytes: Uint8Array): Value | GossipFault
}
