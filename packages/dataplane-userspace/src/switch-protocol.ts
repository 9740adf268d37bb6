/** What the main thread and the switch's thread say to each other. */
import type { NetworkCounters, NetworkId } from '@weft/dataplane'
import type { SocketAddress, Vni } from '@weft/core'
import type { MessagePort } from 'node:worker_threads'
import type { EngineState, EngineSubnet } from './engine/engine-state.ts'

/** What the switch is to know from now on. */
export interface SwitchUpdate {
  /** All VTEPs by number; null when they are as before. */
  readonly peers: ReadonlyMap<number, SocketAddress> | null
  /** Subnets that are new or other than before. */
  readonly changed: ReadonlyMap<Vni, EngineSubnet>
  /** Subnets that go. */
  readonly gone: readonly Vni[]
}

/** An end of the switch: a TAP by its descriptor, or the main thread. */
export interface PlugSpec {
  readonly port: number
  /** Null for a frame port, whose frames come and go as messages. */
  readonly fd: number | null
}

/** The sockets of our VTEP. */
export interface TunnelSpec {
  readonly receiveFd: number
  /** One is picked for a flow, so that flows have source ports of their own (RFC 7348 §5). */
  readonly sendFds: readonly number[]
  /** Whether they take several datagrams at once (UDP_SEGMENT). */
  readonly segmentation: boolean
}

/** Orders; each is answered under its ticket. Descriptors stay the main thread's to close. */
export type SwitchOrder =
  | { readonly kind: 'load'; readonly update: SwitchUpdate }
  | { readonly kind: 'plug'; readonly plug: PlugSpec }
  | { readonly kind: 'unplug'; readonly port: number }
  | { readonly kind: 'tunnel'; readonly tunnel: TunnelSpec | null }
  | { readonly kind: 'read' }
  | { readonly kind: 'counters' }


/** Main thread to switch thread, followed by a wake-up. */
export type SwitchCommand =
  | { readonly ticket: number; readonly order: SwitchOrder }
  | { readonly ticket: 0; readonly port: number; readonly frames: readonly Uint8Array[] }

/** Counters of the engine and of the shell around it. */
export interface SwitchTotals {
  readonly transmitted: number
  readonly received: number
  readonly dropped: ReadonlyMap<string, number>
  readonly networks: ReadonlyMap<NetworkId, NetworkCounters>
}

/** What each order is answered with. */
export interface SwitchAnswers {
  load: null
  plug: null
  unplug: null
  tunnel: null
  read: EngineState
  counters: SwitchTotals
}

/** Switch thread to main thread. */
export type SwitchReport =
  | { readonly kind: 'done'; readonly ticket: number; readonly answer: unknown }
  | { readonly kind: 'frames'; readonly port: number; readonly frames: readonly Uint8Array[] }
  /** The TAP of this port is gone, or fails; it is not served any more. */
  | { readonly kind: 'lost'; readonly port: number; readonly code: number }

/** Handed to the switch thread at its start. */
export interface SwitchThreadInput {
  readonly port: MessagePort
  readonly wakeFd: number
  readonly control: SharedArrayBuffer
}

/** Words of the control memory: not 0 ends the thread; how many loads it has carried out. */
export const CONTROL = { stop: 0, loads: 1 } as const

/** Bytes of the control memory. */
export const CONTROL_BYTES = 8

/** The thread looks up this often, in milliseconds: a backstop, nothing relies on it. */
export const IDLE_MS = 10_000
