/** The messages of memberlist as values (docker-wire §2.1, §2.2); no bytes here. */

/** State of a node in a push/pull (§2.2). */
export const NODE_STATE = { alive: 0, suspect: 1, dead: 2, left: 3 } as const

/** Names of the states. */
export type NodeStateName = keyof typeof NODE_STATE

/**
 * Protocol versions: protocol minimum, maximum, current, delegate minimum, maximum, current. Six
 * numbers; Docker sends 1, 5, 2, 0, 0, 0.
 */
export type Versions = readonly [number, number, number, number, number, number]

/** Is `node` there? The source fields are absent (empty, 0) in what old peers send. */
export interface Ping {
  readonly kind: 'ping'
  readonly seqNo: number
  /** Who is meant; others ignore it. Empty means whoever gets it. */
  readonly node: string
  /** 0, 4 or 16 bytes. */
  readonly sourceAddr: Uint8Array
  readonly sourcePort: number
  readonly sourceNode: string
}

/** Ping `node` for me and pass on its answer. */
export interface IndirectPing {
  readonly kind: 'indirect-ping'
  readonly seqNo: number
  /** 4 or 16 bytes. */
  readonly target: Uint8Array
  /** 0 means the recipient's own port. */
  readonly port: number
  readonly node: string
  /** Say so when no answer comes. */
  readonly nack: boolean
  readonly sourceAddr: Uint8Array
  readonly sourcePort: number
  readonly sourceNode: string
}

/** The answer to a ping, from the node itself or through a relay. */
export interface AckResp {
  readonly kind: 'ack'
  readonly seqNo: number
  readonly payload: Uint8Array
}

/** A relay heard nothing from the node it pinged. */
export interface NackResp {
  readonly kind: 'nack'
  readonly seqNo: number
}

/** `from` believes that `node`, as of `incarnation`, does not answer. */
export interface Suspect {
  readonly kind: 'suspect'
  readonly incarnation: number
  readonly node: string
  readonly from: string
}

/** `node` is there, at this address. */
export interface Alive {
  readonly kind: 'alive'
  readonly incarnation: number
  readonly node: string
  /** 4 bytes for IPv4, 16 for IPv6. */
  readonly addr: Uint8Array
  readonly port: number
  /** Empty and nil are one: an engine sends either. */
  readonly meta: Uint8Array
  readonly vsn: Versions
}

/** `node` is gone; said by itself when it leaves. */
export interface Dead {
  readonly kind: 'dead'
  readonly incarnation: number
  readonly node: string
  readonly from: string
}

/** Something of the layer above: NetworkDB, or an application. */
export interface UserMessage {
  readonly kind: 'user'
  readonly bytes: Uint8Array
}

/** One node as a push/pull tells of it. */
export interface PushPullNode {
  readonly name: string
  readonly addr: Uint8Array
  readonly port: number
  readonly meta: Uint8Array
  readonly incarnation: number
  readonly state: NodeStateName
  readonly vsn: Versions
}

/** Everything a node knows of everyone, exchanged over a stream. */
export interface PushPull {
  readonly kind: 'push-pull'
  readonly join: boolean
  readonly nodes: readonly PushPullNode[]
  /** State of the layer above. */
  readonly userState: Uint8Array
}

/** A responder says why it closes. */
export interface ErrorResp {
  readonly kind: 'error'
  readonly error: string
}

/** What a datagram may carry, once compounds and wrappers are taken apart. */
export type PacketMessage =
  | Ping
  | IndirectPing
  | AckResp
  | NackResp
  | Suspect
  | Alive
  | Dead
  | UserMessage

/** What a stream may carry, once its wrappers are taken apart. */
export type StreamMessage = PushPull | Ping | AckResp | UserMessage | ErrorResp
