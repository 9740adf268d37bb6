/** The messages of NetworkDB as values (docker-wire §3.2), and ours that ride beside them. */

/** Lamport times are refused beyond this: a peer that claims more is broken or hostile. */
export const LAMPORT_TIME_MAX = 2 ** 48

/** A node announces that it is there, or goes. */
export interface NodeEvent {
  readonly kind: 'node'
  readonly type: 'join' | 'leave'
  readonly lTime: number
  readonly nodeName: string
}

/** A node attaches to a network, or detaches. */
export interface NetworkEvent {
  readonly kind: 'network'
  readonly type: 'join' | 'leave'
  readonly lTime: number
  readonly nodeName: string
  readonly networkId: string
}

/** A row is created, updated or deleted by its owner. */
export interface TableEvent {
  readonly kind: 'table'
  readonly type: 'create' | 'update' | 'delete'
  readonly lTime: number
  /** The owner. */
  readonly nodeName: string
  readonly networkId: string
  readonly tableName: string
  readonly key: string
  /** The old value in a delete. */
  readonly value: Uint8Array
  /** Seconds for which a deleted row is still remembered; 0 in other events. */
  readonly residualReapTimeSeconds: number
}

/** One attachment in a push/pull. */
export interface NetworkEntry {
  readonly networkId: string
  readonly lTime: number
  readonly nodeName: string
  readonly leaving: boolean
}

/** The user state of a memberlist push/pull. */
export interface NetworkPushPull {
  readonly kind: 'push-pull'
  readonly lTime: number
  readonly networks: readonly NetworkEntry[]
  /** The sender. */
  readonly nodeName: string
}

/** Every row of some networks, in one message. */
export interface BulkSync {
  readonly kind: 'bulk-sync'
  readonly lTime: number
  readonly unsolicited: boolean
  /** The sender. */
  readonly nodeName: string
  readonly networks: readonly string[]
  /** Decoded from the COMPOUND inside; at most EVENTS_MAX. */
  readonly events: readonly TableEvent[]
}

/** Several messages in one packet. Nested compounds are refused. */
export interface Compound {
  readonly kind: 'compound'
  readonly messages: readonly (NodeEvent | NetworkEvent | TableEvent)[]
}

/** What NetworkDB says. */
export type NetworkDbMessage =
  | NodeEvent
  | NetworkEvent
  | TableEvent
  | NetworkPushPull
  | BulkSync
  | Compound
