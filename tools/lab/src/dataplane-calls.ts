/** What the parent and the process that owns a dataplane say to each other, as plain data. */
import type {
  ApplyReport,
  Attachment,
  Capabilities,
  Counters,
  DataplaneEvents,
  DesiredState,
  EndpointId,
  FramePort,
  ItemFailure,
  LocalEndpoint,
  NetworkId,
  NetworkSpec,
  ObservedState,
  TunnelKey,
} from '@weft/dataplane'
import type { Damage } from '@weft/dataplane/compliance'
import { NetworkKey, SALT_BYTES } from '@weft/encryption'
import { recordError, reviveError, type ErrorRecord } from './error-record.ts'
import type { HostDataplane } from './host-dataplane.ts'

/** The methods that can be called, each with its argument and what it answers. */
export interface CallTable {
  open: { readonly argument: HostDataplane; readonly answer: Opened }
  apply: { readonly argument: PortableState; readonly answer: ApplyRecord }
  observe: { readonly argument: null; readonly answer: ObservedState }
  counters: { readonly argument: null; readonly answer: Counters }
  close: { readonly argument: 'detach' | 'teardown'; readonly answer: null }
  /** `Symbol.asyncDispose`, whatever the backend makes of it. */
  dispose: { readonly argument: null; readonly answer: null }
  /** Damage that only the owner of a userspace dataplane can do. */
  damage: { readonly argument: Damage; readonly answer: null }
  /** What the descriptors of the process are open on. */
  descriptors: { readonly argument: null; readonly answer: readonly string[] }
}

export type Method = keyof CallTable

/** From the parent, in lists: calls of one list are begun together. */
export interface Call {
  readonly id: number
  readonly method: Method
  readonly argument: unknown
}

/** From the process: the outcome of a call, or an event. */
export type Message =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly error: ErrorRecord }
  | { readonly kind: 'drift'; readonly items: readonly string[]; readonly failures: FailureRecords }
  | { readonly kind: 'failed'; readonly error: ErrorRecord }

/** What is known of a dataplane once it is open. */
export interface Opened {
  readonly backend: string
  readonly capabilities: Capabilities
}

/** An ApplyReport whose errors are written down. */
export type ApplyRecord = Omit<ApplyReport, 'failures'> & { readonly failures: FailureRecords }

/** Failures whose errors are written down. */
export type FailureRecords = readonly { readonly item: string; readonly error: ErrorRecord }[]

/** Write failures down. */
export function recordFailures(failures: readonly ItemFailure[]): FailureRecords {
  return failures.map(({ item, error }) => ({ item, error: recordError(error) }))
}

/** The failures that were written down. */
export function reviveFailures(records: FailureRecords): readonly ItemFailure[] {
  return records.map(({ item, error }) => ({
    item,
    error: reviveError(error) as ItemFailure['error'],
  }))
}

/** A drift event as it was announced. */
export function reviveDrift(message: {
  readonly items: readonly string[]
  readonly failures: FailureRecords
}): DataplaneEvents['drift'] {
  return { items: message.items, failures: reviveFailures(message.failures) }
}

/** A key on its way: its bytes are those of a test. */
interface PortableKey {
  readonly tag: number
  readonly bytes: Uint8Array
}

/** A desired state whose attachments are of another type. */
type StateOf<Point> = Omit<DesiredState, 'networks' | 'keys'> & {
  readonly networks: ReadonlyMap<NetworkId, NetworkOf<Point>>
}
type NetworkOf<Point> = Omit<NetworkSpec, 'local'> & {
  readonly local: ReadonlyMap<EndpointId, EndpointOf<Point>>
}
type EndpointOf<Point> = Omit<LocalEndpoint, 'attachment'> & { readonly attachment: Point }

/** An attachment that structured clone takes: functions of an in-process card stay at home. */
type PortableAttachment = Exclude<Attachment, { kind: 'port' }> | { readonly kind: 'port' }

/** A desired state that structured clone takes. */
export type PortableState = StateOf<PortableAttachment> & {
  readonly keys?: readonly PortableKey[]
}

/**
 * Make a desired state ready for the way to another process. Of an in-process network card only
 * its kind goes along: enough for a backend to refuse it.
 */
export function portableState({ keys, ...desired }: DesiredState): PortableState {
  const state = mapAttachments<Attachment, PortableAttachment>(desired, (attachment) =>
    attachment.kind === 'port' ? { kind: 'port' } : attachment,
  )
  return keys === undefined ? state : { ...state, keys: keys.map(portableKey) }
}

/** The other end of `portableState`: in-process cards arrive as cards that go nowhere. */
export function arrivedState({ keys, ...portable }: PortableState): DesiredState {
  const state = mapAttachments<PortableAttachment, Attachment>(portable, (attachment) =>
    attachment.kind === 'port' ? { kind: 'port', port: DEAD_PORT } : attachment,
  )
  return keys === undefined ? state : { ...state, keys: keys.map(arrivedKey) }
}

function portableKey(key: TunnelKey): PortableKey {
  const material = new Uint8Array(key.byteLength + SALT_BYTES)
  key.writeKeyMaterial(material, 0, 0)
  return { tag: key.tag, bytes: material.slice(0, key.byteLength) }
}

function arrivedKey({ bytes, tag }: PortableKey): NetworkKey {
  return new NetworkKey({ lamportTime: BigInt(tag), bytes })
}

const DEAD_PORT: FramePort = {
  present: false,
  deliver: () => undefined,
  connect: () => undefined,
}

function mapAttachments<From, To>(
  state: StateOf<From>,
  change: (attachment: From) => To,
): StateOf<To> {
  const endpoint = (local: EndpointOf<From>): EndpointOf<To> => ({
    ...local,
    attachment: change(local.attachment),
  })
  const network = (spec: NetworkOf<From>): NetworkOf<To> => ({
    ...spec,
    local: mapValues(spec.local, endpoint),
  })
  return { ...state, networks: mapValues(state.networks, network) }
}

function mapValues<Key, From, To>(
  map: ReadonlyMap<Key, From>,
  change: (value: From) => To,
): ReadonlyMap<Key, To> {
  return new Map([...map].map(([key, value]) => [key, change(value)]))
}
