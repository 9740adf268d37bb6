/** What the main thread and the poll thread say to each other. */
import type { MessagePort } from 'node:worker_threads'
import type { RingGeometry } from './packet-ring.ts'

/**
 * The poll thread looks up this often, in milliseconds: a backstop for ends that run no exit event,
 * like the termination of a worker that started it. Nothing else relies on it.
 */
export const IDLE_MS = 10_000

/** A socket that only ever fails is let go after this many failures in a row. */
export const FAILURES_MAX = 64

/** Word of the control memory that ends the poll thread when it is not 0. */
export const STOP = 0

/** Words of a socket's credit: bytes posted and not yet consumed; whether the poll thread waits. */
export const OUTSTANDING = 0
export const PAUSED = 1

/** Handed to the poll thread at its start. */
export interface PollWorkerInput {
  readonly port: MessagePort
  readonly wakeFd: number
  readonly control: SharedArrayBuffer
}

/** Main thread to poll thread, followed by a write to the eventfd. */
export type PollCommand =
  | {
      readonly kind: 'watch'
      readonly id: number
      readonly fd: number
      /** Frames come through this ring, not by receiving. */
      readonly ring: RingGeometry | null
      /** Datagrams are cut to this many bytes. */
      readonly bytesMax: number
      /** Beyond so many unconsumed bytes the socket is left alone. */
      readonly outstandingMax: number
      readonly credit: SharedArrayBuffer
    }
  | { readonly kind: 'flush'; readonly id: number; readonly ticket: number }
  | { readonly kind: 'close'; readonly id: number; readonly fd: number }

/** Poll thread to main thread. */
export type PollReport =
  | { readonly kind: 'batch'; readonly id: number; readonly batch: Uint8Array }
  | { readonly kind: 'failure'; readonly id: number; readonly code: number }
  | { readonly kind: 'flushed'; readonly id: number; readonly ticket: number }
  | { readonly kind: 'closed'; readonly id: number }

/** The two words of a socket's credit. */
export function creditOf(memory: SharedArrayBuffer): Int32Array {
  return new Int32Array(memory)
}
