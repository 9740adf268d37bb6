/** Tables, rows and what is told of their changes. */

/** A row as it is stored: bytes that belong to one node. */
export interface Row {
  readonly networkId: string
  readonly table: string
  readonly key: string
  /** Name of the node that wrote it. */
  readonly owner: string
  readonly value: Uint8Array
  readonly lTime: number
}

/** By which road news arrived: gossip alone should do; the rest is anti-entropy. */
export type Road = 'local' | 'gossip' | 'bulk-sync' | 'push-pull' | 'digest' | 'membership'

/** A change of one row. */
export interface RowChange {
  /** `delete`: it is gone, or its owner is (then `road` is `membership`). */
  readonly type: 'create' | 'update' | 'delete'
  readonly row: Row
  /** What it was before an update or a delete; null for a create. */
  readonly previous: Row | null
  readonly road: Road
}

/** A node came to a network, or left it. */
export interface AttachmentChange {
  readonly type: 'attach' | 'detach'
  readonly networkId: string
  readonly nodeName: string
  readonly road: Road
}
