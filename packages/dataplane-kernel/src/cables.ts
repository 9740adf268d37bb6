/** An endpoint's veth: plugged in, mended in place, and unplugged. */
import { addressOf, type InterfaceAddress, type Mac } from '@weft/core'
import {
  conflictError,
  itemPath,
  openContainer,
  type AcceptedNetwork,
  type LocalChange,
  type NetnsAttachment,
  type PlacedEndpoint,
  type ProgrammedEndpoint,
  type SubnetSpec,
} from '@weft/dataplane'
import {
  isKernelError,
  Kernel,
  kernelError,
  MessageWriter,
  writeAddress,
  writeChangeLink,
  writeForwarding,
  writeRoute,
} from '@weft/linux'
import { settleCarrier } from './carrier.ts'
import { deviceName, freeSlot, slotOf } from './names.ts'
import { routesOf } from './routes-of.ts'
import { endpointAddresses, endpointMark, FORWARDING_STATE, PORT_SHAPE } from './shape.ts'
import type { NetworkSite, SubnetSite } from './site.ts'

/** An endpoint step with what the network adds to it. */
export interface CableTask {
  readonly instance: string
  /** `identity` of the underlay's namespace, which is no container's. */
  readonly underlay: string
  readonly site: NetworkSite
  readonly change: LocalChange
  readonly network: AcceptedNetwork
  readonly subnet: SubnetSite
}

/**
 * Bring an endpoint to what it should be: in place where its cable can stay, else by a new cable.
 * When that fails no cable stays. Throws ERR_KERNEL, ERR_ATTACHMENT_MISSING, ERR_CONFLICT.
 */
export function plugIn(task: CableTask, to: PlacedEndpoint): void {
  const { change, site } = task
  const item = itemPath.local(site.id, change.endpoint)
  const { attachment } = to
  if (attachment.kind !== 'netns') throw new Error('bug: validation let a port through')
  const { underlay } = task
  const open = (path: string): Kernel => Kernel.open(path)
  using container = openContainer(item, attachment, { open, underlay })
  const known = site.endpoints.get(change.endpoint)
  if (known !== undefined && canStay(change.from, to)) {
    try {
      mend(task, { to, attachment, container, hostIndex: known.hostIndex })
      return
    } catch (error) {
      if (!isKernelError(error)) throw error
    }
  }
  unplug(site, change)
  makeCable(task, { to, attachment, container })
}

/** Whether an endpoint that was at this path is to stay where it is. */
function canStay(from: ProgrammedEndpoint | null, to: PlacedEndpoint): boolean {
  const [a, b] = [from?.attachment, to.attachment]
  if (a?.kind !== 'netns' || b.kind !== 'netns' || from?.mac !== to.mac) return false
  return a.path === b.path && a.ifname === b.ifname
}

interface Ends {
  readonly to: PlacedEndpoint
  readonly attachment: NetnsAttachment
  readonly container: Kernel
}

/** Ends of a cable that is there. */
interface CabledEnds extends Ends {
  readonly hostIndex: number
}

function makeCable(task: CableTask, ends: Ends): void {
  const { change, site } = task
  const hostName = deviceName.veth(unusedSlot(site))
  const hostIndex = createVeth(task, ends, hostName)
  try {
    connect(task, { ...ends, hostIndex })
  } catch (error) {
    site.kernel.links.delete(hostIndex)
    throw error
  }
  const { mac, vni } = ends.to
  site.endpoints.set(change.endpoint, { hostIndex, hostName, vni, mac })
}

function unusedSlot(site: NetworkSite): number {
  const slots = [...site.endpoints.values()].map(({ hostName }) => slotOf(hostName))
  return freeSlot(new Set(slots.filter((slot) => slot !== null)))
}

/** Both ends in one send, ours with its mark and its place on the bridge. Returns our index. */
function createVeth(task: CableTask, ends: Ends, hostName: string): number {
  const { change, instance, network, site, subnet } = task
  const { attachment, container, to } = ends
  const namespaceFd = container.namespace.fd
  const mtuBytes = network.mtu
  try {
    return site.kernel.links.create({
      kind: 'veth',
      name: hostName,
      mtuBytes,
      masterIndex: subnet.bridgeIndex,
      bridgePort: PORT_SHAPE,
      alias: endpointMark({ instance, network: site.id }, change.endpoint),
      up: true,
      peer: { name: attachment.ifname, mac: to.mac, mtuBytes, namespaceFd },
    })
  } catch (error) {
    if (!isKernelError(error, 'EEXIST')) throw error
    if (container.links.get(attachment.ifname) !== null) {
      const owner = `interface ${attachment.ifname} in ${attachment.path}`
      throw conflictError(itemPath.local(site.id, change.endpoint), owner, error)
    }
    return createVeth(task, ends, nextName(site))
  }
}

/** A name that no device in the namespace has, foreign ones included. */
function nextName(site: NetworkSite): string {
  const slots = site.kernel.links.list().map(({ name }) => slotOf(name))
  return deviceName.veth(freeSlot(new Set(slots.filter((slot) => slot !== null))))
}

/**
 * Both ends pass packets before the container can send one: a question for a MAC that is lost is
 * asked again a second later only (RFC 4861 §10, RETRANS_TIMER; the kernel's for ARP too).
 */
function connect(task: CableTask, ends: CabledEnds): void {
  const { attachment, container, hostIndex, to } = ends
  const linkIndex = container.links.require(attachment.ifname).index
  raise(task, ends, linkIndex)
  lead(task, { mac: to.mac, hostIndex })
  settleCarrier(container, linkIndex)
  furnish(task, ends, linkIndex)
}

/** The container's end with its mark, and up. */
function raise(task: CableTask, { attachment, container }: Ends, linkIndex: number): void {
  const { change, instance, network, site } = task
  const batch = new MessageWriter()
  const alias = endpointMark({ instance, network: site.id }, change.endpoint)
  writeChangeLink(batch, linkIndex, { alias, mtuBytes: network.mtu })
  writeChangeLink(batch, linkIndex, { up: true })
  container.carryOut(batch, { operation: 'raise', object: attachment.ifname })
}

/** Addresses and routes of the container's end, in one send. */
function furnish({ network }: CableTask, ends: Ends, linkIndex: number): void {
  const { attachment, container, to } = ends
  const batch = new MessageWriter()
  for (const address of addressesOf(network.subnets, to)) {
    writeAddress(batch, 'replace', { linkIndex, address, noDuplicateDetection: true })
  }
  for (const { destination, via } of routesOf(network.subnets, to)) {
    writeRoute(batch, 'replace', { destination, via, linkIndex })
  }
  container.carryOut(batch, { operation: 'furnish', object: attachment.ifname })
}

function addressesOf(
  subnets: readonly SubnetSpec[],
  { addresses, vni }: PlacedEndpoint,
): readonly InterfaceAddress[] {
  return endpointAddresses(addresses, subnets.find((each) => each.vni === vni)?.prefixes ?? [])
}

/** The bridge's way to the endpoint's MAC; where a tunnel had it, it moves over without a gap. */
function lead({ site }: CableTask, { mac, hostIndex }: { mac: Mac; hostIndex: number }): void {
  const batch = new MessageWriter()
  const state = FORWARDING_STATE
  writeForwarding(batch, 'replace', { linkIndex: hostIndex, mac, table: 'master', state })
  site.kernel.carryOut(batch, { operation: 'forward', object: mac })
  settleCarrier(site.kernel, hostIndex)
}

/** Put every property of a cable right that may be wrong; its container notices nothing. */
function mend(task: CableTask, ends: CabledEnds): void {
  const { change, instance, network, site, subnet } = task
  const { attachment, container, hostIndex, to } = ends
  const mark = endpointMark({ instance, network: site.id }, change.endpoint)
  if (container.links.require(attachment.ifname).alias !== mark) {
    // The path leads to another container by now, which has an interface of that name.
    throw kernelError(
      { operation: 'mend', object: attachment.ifname },
      { errno: 'ENODEV', diagnostic: 'the interface is not ours' },
    )
  }
  const batch = new MessageWriter()
  writeChangeLink(batch, hostIndex, {
    mtuBytes: network.mtu,
    masterIndex: subnet.bridgeIndex,
    bridgePort: PORT_SHAPE,
    up: true,
  })
  site.kernel.carryOut(batch, { operation: 'mend', object: `link ${hostIndex}` })
  removeAddresses(container, ends, addressesOf(network.subnets, to))
  connect(task, ends)
  const known = site.endpoints.get(change.endpoint)
  const hostName = known?.hostName ?? ''
  const { mac, vni } = to
  site.endpoints.set(change.endpoint, { hostIndex, hostName, vni, mac })
}

/** The addresses of our interface are ours to decide, except the kernel's own link-local ones. */
function removeAddresses(
  container: Kernel,
  { attachment }: Ends,
  wanted: readonly InterfaceAddress[],
): void {
  const { index: linkIndex } = container.links.require(attachment.ifname)
  const batch = new MessageWriter()
  for (const { address } of container.addresses.list(linkIndex)) {
    const linkLocal = addressOf(address).startsWith('fe80:')
    if (linkLocal || wanted.includes(address)) continue
    writeAddress(batch, 'delete', { linkIndex, address })
  }
  container.transact(batch)
}

/** Take an endpoint's cable away, both ends at once. */
export function unplug(site: NetworkSite, { endpoint }: Pick<LocalChange, 'endpoint'>): void {
  const known = site.endpoints.get(endpoint)
  if (known === undefined) return
  site.kernel.links.delete(known.hostIndex)
  site.endpoints.delete(endpoint)
}
