/** The contract: four verbs and one event stream that every backend keeps (architecture §3). */
import type { ErrorsOf, EventSource, IpFamily, Runtime } from '@weft/core'
import { defineErrors } from '@weft/core'
import type { Attachment, DesiredState, Encapsulation, NetworkId } from './desired-state.ts'

/** One node's packet-forwarding machinery: told what should be true, never what to do. */
export interface Dataplane extends AsyncDisposable {
  /** Name of the implementation, as in its DataplaneBackend. */
  readonly backend: string
  readonly capabilities: Capabilities
  readonly events: EventSource<DataplaneEvents>
  /**
   * Converge. Idempotent. Concurrent calls are serialised; a generation that a newer one overtook
   * while it waited is not applied and its report says 'superseded'. Items that fail are data in
   * the report, stay desired and are tried again; the rest is applied. Rejects with
   * ERR_STALE_GENERATION for an older generation than the last applied, ERR_CLOSED after close.
   */
  apply(desired: DesiredState): Promise<ApplyReport>
  /** Read back what is programmed, from the machinery itself, not from memory of past applies. */
  observe(): Promise<ObservedState>
  counters(): Promise<Counters>
  /**
   * `detach` leaves forwarding in place for a successor to adopt (a backend that is not persistent
   * stops forwarding); `teardown` leaves no trace. Closing again does nothing.
   */
  close(mode: 'detach' | 'teardown'): Promise<void>
}

/** Probed once, at open. A backend refuses what it lacks; it never ignores it. */
export interface Capabilities {
  readonly attachments: ReadonlySet<Attachment['kind']>
  readonly encapsulations: ReadonlySet<Encapsulation>
  readonly underlayFamilies: ReadonlySet<IpFamily>
  readonly overlayFamilies: ReadonlySet<IpFamily>
  /** Largest MTU an overlay network can have, in bytes, whatever the underlay. */
  readonly mtuMaxBytes: number
  /** True when forwarding survives the death of this process. */
  readonly persistent: boolean
  /**
   * True when packets of encrypted networks that were received before are refused; that begins up
   * to a second after a run of their sender does. False when left out.
   */
  readonly replayWindow?: boolean
}

/** Why an operation or an item failed. */
export type DataplaneErrors = {
  /** The item itself is wrong: `problem` says how, `expected` what would be right. */
  ERR_INVALID_ITEM: { readonly item: string; readonly problem: string; readonly expected: string }
  /** The backend or the host lacks what the item needs. */
  ERR_UNSUPPORTED: { readonly item: string; readonly capability: string }
  /** Somebody or something else holds what the item needs: a VNI, a name, an address. */
  ERR_CONFLICT: { readonly item: string; readonly owner: string }
  /** The item's network namespace (or other attachment point) does not exist. */
  ERR_ATTACHMENT_MISSING: { readonly item: string; readonly attachment: string }
  /** The underlay cannot carry the network's MTU. */
  ERR_MTU: { readonly item: string; readonly mtu: number; readonly mtuMax: number }
  /** The item depends on another that failed. */
  ERR_DEPENDENCY: { readonly item: string; readonly dependsOn: string }
  /** The host refused an operation; `diagnostic` is its own words. */
  ERR_HOST: { readonly item: string; readonly operation: string; readonly diagnostic: string }
  ERR_STALE_GENERATION: { readonly offered: number; readonly applied: number }
  ERR_CLOSED: { readonly operation: string }
}

/** Makes errors of dataplanes. */
export const dataplaneError = defineErrors<DataplaneErrors>()

/** An item that is desired and not programmed, and why. Items are named by path (see items.ts). */
export interface ItemFailure {
  readonly item: string
  readonly error: ErrorsOf<DataplaneErrors>
}

/** What an apply did. */
export interface ApplyReport {
  readonly generation: number
  readonly outcome: 'applied' | 'superseded'
  /** How many items were added, changed or removed; 0 when all was true already. */
  readonly changed: number
  /** Leftovers of a predecessor that nobody asked for and that were removed, by observed path. */
  readonly collected: readonly string[]
  readonly failures: readonly ItemFailure[]
}

/** DesiredState's vocabulary as read from the machinery, minus secrets. */
export interface ObservedState {
  /** Generation of the last apply by this process; 0 before the first. */
  readonly generation: number
  /** Observed path → canonical text, both as `expectedItems` makes them. */
  readonly items: ReadonlyMap<string, string>
  /** Things under our names that nobody asked for, by path or device name. */
  readonly foreign: readonly string[]
}

/** Numbers that only grow while the dataplane is open. */
export interface Counters {
  /** Tunnel datagrams put on and taken off the underlay. */
  readonly transmitted: number
  readonly received: number
  /** Frames and datagrams not forwarded, by reason. */
  readonly dropped: ReadonlyMap<string, number>
  /** Entries found missing, wrong or unasked for by read-back, and put right (P1). */
  readonly drift: number
  readonly networks: ReadonlyMap<NetworkId, NetworkCounters>
}

/** Tunnel datagrams of one network. */
export interface NetworkCounters {
  readonly transmitted: number
  readonly received: number
}

/** What a dataplane announces; each says *look again*. */
export type DataplaneEvents = {
  /** Machinery differed from what was applied; by now repair was tried, `failures` remain. */
  drift: { readonly items: readonly string[]; readonly failures: readonly ItemFailure[] }
  /** Something outside an apply failed and the dataplane goes on without it. */
  failed: { readonly error: Error }
}

/** Whether a backend can work here. */
export type ProbeResult =
  | { readonly usable: true; readonly capabilities: Capabilities }
  | { readonly usable: false; readonly reason: string }

/** An implementation of the contract, before it is opened. */
export interface DataplaneBackend<Options> {
  readonly name: string
  /** Never throws, never leaves a trace on the host. */
  probe(options: Options): Promise<ProbeResult>
  /**
   * Adopts whatever a predecessor left behind; the first apply reconciles against it. `probed` is
   * what `probe` just said, by whom it was asked; left out, open finds out by itself.
   */
  open(runtime: Runtime, options: Options, probed?: ProbeResult): Promise<Dataplane>
}
