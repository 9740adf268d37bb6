/** What a guest and whoever started it say to each other: lines of JSON. */
import type { ErrorRecord } from './error-record.ts'

/** Call a function that a module in the guest exports; arguments and answer are plain data. */
export interface GuestCall {
  readonly id: number
  /** Below `node_modules`, such as `@weft/lab/src/index.js`. */
  readonly module: string
  readonly name: string
  readonly args: readonly unknown[]
}

/** The first line of a guest, and then an outcome for each call. */
export type GuestWord =
  | { readonly kind: 'ready'; readonly release: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly error: ErrorRecord }

/** Name of the port that lines come and go by, as the guest's kernel knows it. */
export const GUEST_PORT = 'weft'
