/** What the main thread and a traffic worker say to each other. */
import type { Ip } from '@weft/core'
import type { ErrorRecord } from './error-record.ts'

/** One end of a TCP transfer. */
export interface TransferEnd {
  /** Descriptor of the namespace, good in every thread of the process. */
  readonly namespace: number
  readonly ip: Ip
  /** Of the listener; 0 picks a free one. */
  readonly port: number
  readonly bytes: number
  /** Digest the bytes; without, they are thrown away. */
  readonly digest: boolean
}

/** What an end has to say when it is done. */
export interface TransferTally {
  readonly bytes: number
  /** SHA-256 in hexadecimal; null without a digest. */
  readonly digest: string | null
  /** From the first byte to the last, digests not included, as this end saw it. */
  readonly ms: number
}

/** The end of a flood that sends and counts answers. */
export interface FloodEnd {
  readonly namespace: number
  readonly ip: Ip
  readonly port: number
  readonly perSecond: number
  readonly payloadBytes: number
}

/** The end of a flood that sends everything back. */
export interface BounceEnd {
  readonly namespace: number
  readonly ip: Ip
}

/** What the sending end of a flood has counted. */
export interface FloodTally {
  readonly sent: number
  /** Different datagrams that came back. */
  readonly answered: number
  /** Copies beyond the first that came back. */
  readonly duplicated: number
  /** From sending a datagram to its coming back, the longest. */
  readonly longestRoundTripMs: number
  /** Between two answers, the longest while datagrams were under way. */
  readonly longestSilenceMs: number
}

/** Words of the memory that a flood's sender shares: live counts for those who watch. */
export const FLOOD_SENT = 0
export const FLOOD_ANSWERED = 1

/** Main thread to worker. `stop` brings the work of that id to its end, whatever that means. */
export type TrafficOrder =
  | { readonly id: number; readonly kind: 'send'; readonly end: TransferEnd }
  | { readonly id: number; readonly kind: 'receive'; readonly end: TransferEnd }
  | {
      readonly id: number
      readonly kind: 'flood'
      readonly end: FloodEnd
      readonly counts: SharedArrayBuffer
    }
  | { readonly id: number; readonly kind: 'bounce'; readonly end: BounceEnd }
  | { readonly id: number; readonly kind: 'stop' }

/** Worker to main thread: the end is open at this port, is done, or has failed. */
export type TrafficNews =
  | { readonly id: number; readonly kind: 'ready'; readonly port: number }
  | { readonly id: number; readonly kind: 'done'; readonly tally: unknown }
  | { readonly id: number; readonly kind: 'failed'; readonly error: ErrorRecord }

/** One piece of work in a worker. */
export interface Work {
  /** Settles with the tally. */
  readonly done: Promise<unknown>
  stop(): void
}
