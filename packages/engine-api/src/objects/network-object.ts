/** From the cluster's object of a network to what Docker's API shows, and back. */
import { create } from '@bufbuild/protobuf'
import { parseInterfaceAddress } from '@weft/core'
import {
  NetworkSpecSchema,
  swarmError,
  type AttachmentView,
  type IPAMConfig,
  type LocalNetworkView,
  type Network,
  type NetworkSpec,
} from '@weft/swarm'
import type { JsonFields } from '../json-fields.ts'
import { formatMoment } from '../timestamps.ts'
import type {
  IpamConfigJson,
  NetworkContainerJson,
  NetworkJson,
  NetworkServiceJson,
} from './network-json.ts'

/** What Docker calls the driver of these networks: the only one there is. */
export const OVERLAY = 'overlay'

/** What is known of a network here. */
export interface NetworkSight {
  readonly network: Network
  /** Null: the network has not come to this node. */
  readonly local: LocalNetworkView | null
}

/** An element of GET /networks: as Docker has it, without endpoints. */
export function listedNetworkJson({ network, local }: NetworkSight): NetworkJson {
  return { ...commonJson(network, local !== null), ...(local === null ? {} : peersJson(local)) }
}

/** GET /networks/{id}. */
export function networkJson(sight: NetworkSight): NetworkJson {
  const { network, local } = sight
  if (local === null) return commonJson(network, false)
  const Containers = Object.fromEntries(
    local.attachments.map((one) => [`ep-${one.endpointId}`, containerJson(one)]),
  )
  return { ...commonJson(network, true), Containers, ...peersJson(local) }
}

/** GET /networks/{id}?verbose=true. `nodeAddress` is this node's. */
export function verboseNetworkJson(sight: NetworkSight, nodeAddress: string): NetworkJson {
  const shown = networkJson(sight)
  if (sight.local === null) return shown
  return { ...shown, Services: { '': endpointsJson(sight.local, nodeAddress) } }
}

function commonJson(network: Network, isLocal: boolean): NetworkJson {
  const { spec } = network
  const configs = network.ipam?.configs ?? spec?.ipam?.configs ?? []
  const labels = sorted(spec?.annotations?.labels ?? {})
  const options = { ...spec?.driverConfig?.options, ...network.driverState?.options }
  return {
    Name: spec?.annotations?.name ?? '',
    Id: network.id,
    Created: formatMoment(network.meta?.createdAt),
    Scope: 'swarm',
    Driver: network.driverState?.name ?? OVERLAY,
    EnableIPv6: spec?.ipv6Enabled ?? false,
    IPAM: { Driver: 'default', Options: null, Config: configs.map(configJson) },
    Internal: spec?.internal ?? false,
    Attachable: spec?.attachable ?? false,
    Ingress: spec?.ingress ?? false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: isLocal ? {} : null,
    Options: sorted(options),
    // A network that is here has a set of labels, one that is not may have none.
    Labels: isLocal || Object.keys(labels).length > 0 ? labels : null,
  }
}

function configJson({ subnet, range, gateway, reserved }: IPAMConfig): IpamConfigJson {
  return {
    ...(subnet === '' ? {} : { Subnet: subnet }),
    ...(range === '' ? {} : { IPRange: range }),
    ...(gateway === '' ? {} : { Gateway: gateway }),
    ...(Object.keys(reserved).length === 0 ? {} : { AuxiliaryAddresses: sorted(reserved) }),
  }
}

function peersJson({ peers }: LocalNetworkView): Pick<NetworkJson, 'Peers'> {
  if (peers.length === 0) return {}
  return { Peers: peers.map(({ name, address }) => ({ Name: name, IP: address })) }
}

function containerJson(attachment: AttachmentView): NetworkContainerJson {
  const { name, endpointId, mac, addresses } = attachment
  return {
    Name: name,
    EndpointID: endpointId,
    MacAddress: mac,
    IPv4Address: addresses.find((text) => !text.includes(':')) ?? '',
    IPv6Address: addresses.find((text) => text.includes(':')) ?? '',
  }
}

/** Everything on the network is under an empty service: attached one by one (docker-wire §4.1). */
function endpointsJson(local: LocalNetworkView, nodeAddress: string): NetworkServiceJson {
  const ours = local.attachments.map((one) => ({
    Name: one.name,
    EndpointID: one.endpointId,
    EndpointIP: bare(one.addresses[0] ?? ''),
    Info: { 'Host IP': nodeAddress },
  }))
  const theirs = local.remote.map((one) => ({
    Name: one.name,
    EndpointID: one.endpointId,
    EndpointIP: bare(one.address),
    Info: { 'Host IP': String(one.tunnel) },
  }))
  return { VIP: '<nil>', Ports: [], LocalLBIndex: 0, Tasks: [...ours, ...theirs] }
}

function bare(address: string): string {
  return address.split('/')[0] ?? ''
}

function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}

/** Names that Docker's own networks have; here there are none of them. */
const PREDEFINED: readonly string[] = ['bridge', 'host', 'none']

/**
 * Body of POST /networks/create. What is there and cannot be had is refused by name, with
 * ERR_INVALID_ARGUMENT, ERR_NOT_FOUND (drivers), ERR_PERMISSION_DENIED (scope) or
 * ERR_UNIMPLEMENTED; names, options and addresses are judged by the control plane.
 */
export function networkSpecOf(fields: JsonFields): NetworkSpec {
  const name = fields.text('Name')
  if (PREDEFINED.includes(name)) throw taken(name, 'docker')
  checkKind(fields.text('Driver'))
  checkScope(fields.text('Scope'))
  if (fields.flag('ConfigOnly') || fields.fields('ConfigFrom').text('Network') !== '') {
    throw unavailable('config-only networks', 'give the options to each network')
  }
  const ipam = fields.fields('IPAM')
  return create(NetworkSpecSchema, {
    annotations: { name, labels: fields.textMap('Labels') },
    driverConfig: { name: OVERLAY, options: fields.textMap('Options') },
    ipv6Enabled: fields.flag('EnableIPv6'),
    internal: fields.flag('Internal'),
    attachable: fields.flag('Attachable'),
    ingress: fields.flag('Ingress'),
    ipam: {
      driver: { name: allocatorOf(ipam), options: ipam.textMap('Options') },
      configs: ipam.list('Config').map(configOf),
    },
  })
}

function configOf(fields: JsonFields): IpamConfigInit {
  const subnet = fields.text('Subnet')
  if (subnet !== '' && !isPrefix(subnet)) {
    const message = `Invalid subnet ${subnet} : invalid CIDR address: ${subnet}`
    throw swarmError('ERR_INVALID_ARGUMENT', message, { subject: subnet })
  }
  return {
    subnet,
    range: fields.text('IPRange'),
    gateway: fields.text('Gateway'),
    reserved: fields.textMap('AuxiliaryAddresses'),
  }
}

function isPrefix(text: string): boolean {
  try {
    parseInterfaceAddress(text)
    return true
  } catch {
    return false
  }
}

type IpamConfigInit = Pick<IPAMConfig, 'subnet' | 'range' | 'gateway' | 'reserved'>

function allocatorOf(ipam: JsonFields): string {
  const name = ipam.text('Driver')
  if (name === '' || name === 'default') return 'default'
  throw unavailable(`the IPAM driver "${name}"`, 'there is "default"')
}

function checkKind(name: string): void {
  if (name === '' || name === OVERLAY) return
  const message = `plugin "${name}" not found: Weft has the driver "${OVERLAY}" (-d ${OVERLAY})`
  throw swarmError('ERR_NOT_FOUND', message, { subject: name })
}

function checkScope(scope: string): void {
  if (scope === '' || scope === 'swarm') return
  if (scope !== 'local') {
    throw unavailable(`networks of scope "${scope}"`, 'overlay networks have the scope "swarm"')
  }
  const message = 'cannot downgrade network scope for overlay networks'
  throw swarmError('ERR_PERMISSION_DENIED', message, { subject: 'Scope' })
}

/** A name that something else has, in Docker's words. */
export function taken(name: string, owner: string): Error {
  const message = `network with name ${name} already exists`
  return swarmError('ERR_ALREADY_EXISTS', message, { subject: name, owner })
}

function unavailable(what: string, instead: string): Error {
  const message = `Weft does not have ${what}: ${instead}`
  return swarmError('ERR_UNIMPLEMENTED', message, { subject: what })
}
