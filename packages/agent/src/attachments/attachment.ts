/** An endpoint of this node, from the wish to the end. */
import { toBinary } from '@bufbuild/protobuf'
import {
  addressOf,
  ipBytes,
  ipFamily,
  macFromBytes,
  parseInterfaceAddress,
  toHex,
  type Entropy,
  type InterfaceAddress,
  type Ip,
  type IpFamily,
  type Mac,
} from '@weft/core'
import type { LocalEndpoint } from '@weft/dataplane'
import {
  NetworkSchema,
  swarmError,
  type AttachmentRequest,
  type AttachmentView,
  type Network,
  type Task,
} from '@weft/swarm'
import { overlayShape, shapeMtu, type OverlayShape } from '../desired/overlay-shape.ts'

/** Bytes of an endpoint's ID; in text it has twice as many digits, as Docker's. */
const ENDPOINT_ID_BYTES = 32

/**
 * Bytes of a network as its manager describes it; Docker's have some 500. All attachments with
 * their networks must fit the file that they are written down in.
 */
export const NETWORK_BYTES_MAX = 32 << 10

/** Addresses of one endpoint; Docker gives one of each family. */
export const ADDRESSES_MAX = 16

/** A process with its network namespace. */
export interface NamespaceHolder {
  /** Which process it is, for as long as the machine runs and after: its number is not enough. */
  readonly process: string
  /** Its namespace, as the dataplane names them. */
  readonly identity: string
}

/** What the manager gave. */
export interface Grant {
  readonly taskId: string
  readonly network: Network
  readonly shape: OverlayShape
  /** At least one. */
  readonly addresses: readonly InterfaceAddress[]
  readonly mac: Mac
}

/** An attachment. What is not readonly changes over its life, by the hands of this folder only. */
export interface Attachment {
  /** Also what the manager knows it by before it has an ID, as `container_id`. */
  readonly endpointId: string
  readonly request: AttachmentRequest
  /** Key of its rows; another one when its VTEP has another address (docker-wire §4.4). */
  rowKey: string
  /** Null until the manager gave something. */
  grant: Grant | null
  ifname: string
  /** Whose namespace it is, where the path says it by the number of a process; else null. */
  holder: NamespaceHolder | null
  state: 'pending' | 'running' | 'failed'
  error: string
  /** The dataplane is to be told of it. */
  isDue: boolean
  /** Its rows are to be seen by peers. */
  isAnnounced: boolean
  /** Times in a row that its namespace was not there. */
  misses: number
}

/** A fresh endpoint ID: 64 hexadecimal digits. */
export function createEndpointId(entropy: Entropy): string {
  const bytes = new Uint8Array(ENDPOINT_ID_BYTES)
  entropy.fill(bytes)
  return toHex(bytes)
}

/** An attachment that was asked for just now. */
export function pendingAttachment(endpointId: string, request: AttachmentRequest): Attachment {
  const { target } = request
  const ifname = target.kind === 'netns' ? (target.ifname ?? '') : ''
  const first = { grant: null, ifname, holder: null, state: 'pending', error: '' } as const
  const until = { isDue: false, isAnnounced: false, misses: 0 }
  return { endpointId, request, rowKey: endpointId, ...first, ...until }
}

/**
 * What a task gives. Throws ERR_PRECONDITION when the network cannot be used or the task has no
 * address on it.
 */
export function grantOf(task: Task): Grant {
  const [attached] = task.networks
  const network = attached?.network
  if (attached === undefined || network === undefined) throw unfit(task, 'it names no network')
  if (toBinary(NetworkSchema, network).length > NETWORK_BYTES_MAX) {
    throw unfit(task, 'its network is described at too great a length')
  }
  if (attached.addresses.length > ADDRESSES_MAX) throw unfit(task, 'it has too many addresses')
  const shape = overlayShape(network)
  const addresses = attached.addresses.map((text) => addressIn(task, text))
  const [first] = addresses
  if (first === undefined) throw unfit(task, 'it has no address')
  if (shape.finder.subnetOf(addresses.map(addressOf)) === null) {
    throw unfit(task, 'its addresses are in no subnet of its network')
  }
  const four = addresses.find((one) => ipFamily(addressOf(one)) === 4)
  return { taskId: task.id, network, shape, addresses, mac: macOf(four ?? first) }
}

function addressIn(task: Task, text: string): InterfaceAddress {
  try {
    return parseInterfaceAddress(text)
  } catch {
    throw unfit(task, 'an address of it is not well-formed')
  }
}

function unfit(task: Task, problem: string): Error {
  return swarmError('ERR_PRECONDITION', `task cannot be used: ${problem}`, { subject: task.id })
}

/** 02:42 and the IPv4 address (docker-wire §6.4); of an IPv6 one, its last four bytes. */
function macOf(address: InterfaceAddress): Mac {
  const bytes = ipBytes(addressOf(address))
  return macFromBytes(Uint8Array.of(0x02, 0x42, ...bytes.subarray(bytes.length - 4)))
}

function gatewaysOf({ addresses, shape }: Grant): readonly Ip[] {
  const prefixes = shape.finder.subnetOf(addresses.map(addressOf))?.prefixes ?? []
  return prefixes.flatMap(({ gateway }) => gateway ?? [])
}

/** The endpoint as the dataplane is told of it; null as long as nothing was granted. */
export function localEndpoint(attached: Attachment): LocalEndpoint | null {
  const { grant, holder, ifname, request } = attached
  if (grant === null) return null
  const { target } = request
  const { identity } = holder ?? {}
  const attachment =
    target.kind === 'netns'
      ? ({ kind: 'netns', path: target.path, ifname, ...(identity && { identity }) } as const)
      : ({ kind: 'port', port: target.port as never } as const)
  return { mac: grant.mac, addresses: grant.addresses.map(addressOf), attachment }
}

/** What people see of it, over an underlay of this family. */
export function attachmentView(attachment: Attachment, underlay: IpFamily): AttachmentView {
  const { endpointId, request, grant, ifname, state, error } = attachment
  return {
    attachmentId: grant?.taskId ?? '',
    endpointId,
    networkId: grant?.network.id ?? '',
    networkName: grant?.shape.name ?? request.network,
    name: request.name,
    aliases: request.aliases,
    addresses: grant?.addresses ?? [],
    mac: grant?.mac ?? ('' as Mac),
    mtuBytes: grant === null ? 0 : shapeMtu(grant.shape, underlay),
    gateways: grant === null ? [] : gatewaysOf(grant),
    ifname,
    netns: request.target.kind === 'netns' ? request.target.path : '',
    state,
    error,
  }
}
