/** A subnet's bridge and tunnel: made, changed and removed. */
import { addressOf, ipFamily, type InterfaceAddress } from '@weft/core'
import {
  conflictError,
  itemPath,
  type KnownSubnetShape,
  type SubnetChange,
  type SubnetShape,
} from '@weft/dataplane'
import {
  isKernelError,
  MessageWriter,
  writeAddress,
  writeChangeLink,
  writeDeleteLink,
} from '@weft/linux'
import { settleCarrier } from './carrier.ts'
import type { Host } from './host.ts'
import { formatMark } from './mark.ts'
import { freeSlot, slotOf } from './names.ts'
import {
  bridgeAddresses,
  bridgeSpec,
  PORT_SHAPE,
  tunnelMark,
  tunnelSpec,
  type SubnetSpecOf,
} from './shape.ts'
import type { NetworkSite, SubnetSite } from './site.ts'
import { clearTunnelPlace, tunnelPortOwner } from './tunnel-conflict.ts'
import { writeTunnelAddress } from './tunnel-address.ts'

/** A subnet step with what the network adds to it. */
export interface SubnetTask {
  readonly host: Host
  readonly site: NetworkSite
  readonly change: SubnetChange
  readonly mtuBytes: number
}

/** Make both devices; when anything fails neither stays. Throws ERR_KERNEL, ERR_CONFLICT. */
export function addSubnet(task: SubnetTask, shape: SubnetShape): void {
  const spec = specOf(task, shape)
  const { kernel, subnets } = task.site
  const bridgeIndex = kernel.links.create(bridgeSpec(spec))
  try {
    const addresses = new MessageWriter()
    for (const address of bridgeAddresses(spec.vni, spec.prefixes)) {
      writeAddress(addresses, 'replace', gatewayAddress(bridgeIndex, address))
    }
    kernel.carryOut(addresses, { operation: 'give gateways to', object: `br${spec.slot}` })
    const vxlanIndex = createTunnel(task, spec, bridgeIndex)
    settleCarrier(kernel, bridgeIndex)
    subnets.set(spec.vni, siteOf(spec, bridgeIndex, vxlanIndex))
  } catch (error) {
    kernel.links.delete(bridgeIndex)
    throw error
  }
}

function specOf({ host, site, change, mtuBytes }: SubnetTask, shape: SubnetShape): SubnetSpecOf {
  return {
    instance: host.options.instance,
    network: site.id,
    vni: change.vni,
    slot: unusedSlot(site),
    mtuBytes,
    prefixes: shape.prefixes,
    tunnel: shape.tunnel,
  }
}

/** Names of devices count, and not only ours: a foreign br0 keeps its name. */
function unusedSlot(site: NetworkSite): number {
  const names = site.kernel.links.list().map(({ name }) => name)
  const slots = names.filter((name) => !name.startsWith('veth')).map(slotOf)
  return freeSlot(new Set(slots.filter((slot) => slot !== null)))
}

function siteOf(spec: SubnetSpecOf, bridgeIndex: number, vxlanIndex: number): SubnetSite {
  return {
    vni: spec.vni,
    slot: spec.slot,
    bridgeIndex,
    vxlanIndex,
    port: spec.tunnel.port,
    family: ipFamily(spec.tunnel.ip),
    forwarding: new Map(),
    neighbours: new Map(),
  }
}

/**
 * The tunnel is born in the network's namespace with its socket in the underlay's, in one send
 * with its mark: there is no moment at which a VNI is held by a device that nobody owns (P15).
 */
function createTunnel(task: SubnetTask, spec: SubnetSpecOf, bridgeIndex: number): number {
  const { host, site } = task
  const linkNetnsId = site.kernel.namespaceIds.assign(host.underlay.namespace.fd)
  const create = (): number =>
    site.kernel.links.create({
      ...tunnelSpec(spec),
      linkNetnsId,
      masterIndex: bridgeIndex,
      bridgePort: PORT_SHAPE,
      alias: tunnelMark(spec, spec.vni),
      up: true,
    })
  try {
    return create()
  } catch (error) {
    const item = itemPath.subnet(site.id, spec.vni)
    if (isKernelError(error, 'EADDRINUSE')) {
      throw conflictError(item, tunnelPortOwner(spec.tunnel.port), error)
    }
    if (!isKernelError(error, 'EEXIST')) throw error
    const owner = clearTunnelPlace(host, spec)
    if (owner !== null) throw conflictError(item, owner, error)
    return create()
  }
}

function gatewayAddress(
  linkIndex: number,
  address: InterfaceAddress,
): { linkIndex: number; address: InterfaceAddress; noDuplicateDetection: true } {
  return { linkIndex, address, noDuplicateDetection: true }
}

/** Change gateways and tunnel address in place; nothing that flows is interrupted. */
export function changeSubnet(
  task: SubnetTask,
  ends: { readonly from: KnownSubnetShape; readonly to: SubnetShape },
): void {
  const { host, site, change } = task
  const subnet = site.subnets.get(change.vni)
  if (subnet === undefined) throw new Error('bug: a subnet to be changed is not there')
  const { from, to } = ends
  const batch = new MessageWriter()
  const { bridgeIndex } = subnet
  const cidrs = to.prefixes.map(({ cidr }) => cidr)
  const mark = { kind: 'bridge', network: site.id, vni: change.vni, cidrs } as const
  writeChangeLink(batch, bridgeIndex, { alias: formatMark(host.options.instance, mark) })
  const wanted = bridgeAddresses(change.vni, to.prefixes)
  // Removal first: the kernel takes the other addresses of a prefix away with its first one.
  writeRemovals(batch, site, { bridgeIndex, wanted: new Set(wanted) })
  for (const address of wanted) {
    writeAddress(batch, 'replace', gatewayAddress(bridgeIndex, address))
  }
  if (from.tunnel.ip !== to.tunnel.ip) {
    writeTunnelAddress(batch, subnet.vxlanIndex, to.tunnel.ip)
  }
  site.kernel.carryOut(batch, { operation: 'change subnet', object: `br${subnet.slot}` })
}

/** Whatever else the bridge carries was asked for by nobody. */
function writeRemovals(
  batch: MessageWriter,
  { kernel }: NetworkSite,
  carried: { readonly bridgeIndex: number; readonly wanted: ReadonlySet<InterfaceAddress> },
): void {
  const { bridgeIndex: linkIndex, wanted } = carried
  for (const { address } of kernel.addresses.list(linkIndex)) {
    const kernels = addressOf(address).startsWith('fe80:')
    if (!wanted.has(address) && !kernels) writeAddress(batch, 'delete', { linkIndex, address })
  }
}

/** Remove both devices, and with them all entries. */
export function removeSubnet({ host, site, change }: SubnetTask): void {
  const subnet = site.subnets.get(change.vni)
  if (subnet === undefined) return
  host.traffic.update(site)
  const batch = new MessageWriter()
  writeDeleteLink(batch, subnet.vxlanIndex)
  writeDeleteLink(batch, subnet.bridgeIndex)
  // A refusal means that the device has gone by itself.
  site.kernel.transact(batch)
  site.subnets.delete(change.vni)
}
