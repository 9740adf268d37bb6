/** What the main thread and the switch's thread say to each other. */
import type { Ip, SocketAddress, Vni } from '@weft/core'
import type { NetworkCounters, NetworkId, TunnelKey } from '@weft/dataplane'
import type { PeerKeys, RekeyWanted } from '@weft/encryption'
import type { MessagePort } from 'node:worker_threads'
import type { EngineState, EngineSubnet, SecurityProblem } from './engine/engine-state.ts'
import type { EspOptions } from './options.ts'

/** A key under its name, in clear for as long as it takes from one thread to the other. */
export interface KeyBytes {
  readonly tag: number
  readonly bytes: Uint8Array
}

/** With whom and with what encrypted networks are sealed. */
export interface SecuritySpec<Key = TunnelKey> {
  /** Our VTEP. */
  readonly local: SocketAddress
  /** VTEPs that have endpoints of encrypted networks. */
  readonly peers: ReadonlySet<Ip>
  /** The first seals, all of them open. */
  readonly keys: readonly Key[]
}

/** What the switch is to know from now on. */
export interface SwitchUpdate<Key = TunnelKey> {
  /** All VTEPs by number; null when they are as before. */
  readonly peers: ReadonlyMap<number, SocketAddress> | null
  /** Subnets that are new or other than before. */
  readonly changed: ReadonlyMap<Vni, EngineSubnet>
  /** Subnets that go. */
  readonly gone: readonly Vni[]
  /** Null when it is as before; of none: nothing is sealed or opened any more. */
  readonly security: { readonly spec: SecuritySpec<Key> | null } | null
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

/** The socket of encrypted networks. */
export interface SealedTunnelSpec extends Pick<EspOptions, 'path' | 'port'> {
  readonly fd: number
  /** Whether it takes several packets at once (UDP_SEGMENT). */
  readonly segmentation: boolean
}

/** Orders; each is answered under its ticket. Descriptors stay the main thread's to close. */
export type SwitchOrder<Key = TunnelKey> =
  | { readonly kind: 'load'; readonly update: SwitchUpdate<Key> }
  | { readonly kind: 'plug'; readonly plug: PlugSpec }
  | { readonly kind: 'unplug'; readonly port: number }
  | { readonly kind: 'tunnel'; readonly tunnel: TunnelSpec | null }
  | { readonly kind: 'sealed-tunnel'; readonly tunnel: SealedTunnelSpec | null }
  | { readonly kind: 'read' }
  | { readonly kind: 'counters' }

/** Main thread to switch thread, followed by a wake-up. */
export type SwitchCommand<Key = KeyBytes> =
  | { readonly ticket: number; readonly order: SwitchOrder<Key> }
  | { readonly ticket: 0; readonly port: number; readonly frames: readonly Uint8Array[] }

/** Counters of the engine and of the shell around it. */
export interface SwitchTotals {
  readonly transmitted: number
  readonly received: number
  readonly dropped: ReadonlyMap<string, number>
  readonly networks: ReadonlyMap<NetworkId, NetworkCounters>
}

/** What the switch's own tables hold. */
export interface SwitchReading {
  readonly tables: EngineState
  /** Names of keys by peer. */
  readonly associations: ReadonlyMap<Ip, PeerKeys>
}

/** What each order is answered with. */
export interface SwitchAnswers {
  load: readonly SecurityProblem[]
  plug: null
  unplug: null
  tunnel: null
  'sealed-tunnel': null
  read: SwitchReading
  counters: SwitchTotals
}

/** Switch thread to main thread. */
export type SwitchReport =
  | {
      readonly kind: 'done'
      readonly ticket: number
      readonly order: SwitchOrder['kind']
      readonly answer: unknown
    }
  | { readonly kind: 'frames'; readonly port: number; readonly frames: readonly Uint8Array[] }
  /** The TAP of this port is gone, or fails; it is not served any more. */
  | { readonly kind: 'lost'; readonly port: number; readonly code: number }
  /** Sequence numbers run out: these peers want another key. */
  | { readonly kind: 'rekey'; readonly wanted: readonly RekeyWanted[] }

/** Handed to the switch thread at its start. */
export interface SwitchThreadInput {
  readonly port: MessagePort
  readonly wakeFd: number
  readonly control: SharedArrayBuffer
  readonly suite: EspOptions['suite']
}

/** Words of the control memory: not 0 ends the thread; how many loads it has carried out. */
export const CONTROL = { stop: 0, loads: 1 } as const

/** Bytes of the control memory. */
export const CONTROL_BYTES = 8

/** The thread looks up this often, in milliseconds: a backstop, nothing relies on it. */
export const IDLE_MS = 10_000

/** So long, in milliseconds, nothing must have happened before the thread gives memory back. */
export const REST_MS = 2000

/** The thread's: nine tenths of a processor that others want too, and the last to wait for it. */
export const SWITCH_NICENESS = -10
