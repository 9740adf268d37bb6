/** An endpoint's interface: a TAP inside a container's namespace, made, mended and read. */
import { addressOf, type Ip, type Mac } from '@weft/core'
import {
  conflictError,
  openContainer,
  type NetnsAttachment,
  type PlacedEndpoint,
  type SubnetSpec,
} from '@weft/dataplane'
import {
  isKernelError,
  Kernel,
  MessageWriter,
  openTap,
  writeAddress,
  writeChangeLink,
  writeRoute,
  type Link,
  type Tap,
  type TapOffload,
} from '@weft/linux'
import type { Host } from './host.ts'
import { addressesOf, routesOf } from './routes-of.ts'

/** What an interface is made from. */
export interface InterfaceSpec {
  readonly item: string
  readonly mark: string
  readonly attachment: NetnsAttachment
  /** `identity` of the underlay's namespace, which is no container's. */
  readonly underlay: string
  readonly placed: PlacedEndpoint
  readonly mtuBytes: number
  /** Of the endpoint's network, for prefix lengths and routes. */
  readonly subnets: readonly SubnetSpec[]
}

/**
 * Frames that wait in a TAP while the switch's thread is elsewhere; the kernel's 1,000 are lost in
 * 7 ms of small packets at full speed, which is less than a thread may have to wait for its turn.
 */
export const TAP_QUEUE_FRAMES = 4096

/** RT_SCOPE of what only counts on the link: addresses the kernel gives by itself. */
const SCOPE_LINK = 253

/** An interface that was made, and the very namespace that it is in. */
export interface MadeInterface {
  readonly tap: Tap
  readonly attachment: NetnsAttachment
}

/**
 * Make an interface with addresses and routes, up. It appears in the container under its name and
 * with its mark, or not at all. Throws ERR_KERNEL, ERR_ATTACHMENT_MISSING, ERR_CONFLICT.
 */
export function makeInterface(
  { workshop }: Host,
  spec: InterfaceSpec,
  offloads: readonly TapOffload[],
): MadeInterface {
  using container = enter(spec)
  const { attachment, item, mark, mtuBytes, placed } = spec
  if (container.links.get(attachment.ifname) !== null) throw nameTaken(spec)
  const tap = openTap({
    name: attachment.ifname,
    namespace: workshop.namespace.fd,
    offloads,
    link: { mac: placed.mac, mtuBytes, alias: mark },
  })
  try {
    moveInto(container, { workshop, tap, item, attachment })
    furnish(container, spec)
    return { tap, attachment: { ...attachment, identity: container.namespace.identity } }
  } catch (error) {
    tap.close()
    throw error
  }
}

/** The container's namespace. Throws ERR_ATTACHMENT_MISSING. */
function enter({ attachment, item, underlay }: InterfaceSpec): Kernel {
  return openContainer(item, attachment, { open: (path) => Kernel.open(path), underlay })
}

function nameTaken({ attachment, item }: Pick<InterfaceSpec, 'attachment' | 'item'>): Error {
  return conflictError(item, `interface ${attachment.ifname} in ${attachment.path}`)
}

function moveInto(
  container: Kernel,
  move: Pick<InterfaceSpec, 'attachment' | 'item'> & { workshop: Kernel; tap: Tap },
): void {
  try {
    move.workshop.links.change(move.tap.index, { namespaceFd: container.namespace.fd })
  } catch (error) {
    // Somebody was faster than our look.
    if (isKernelError(error, 'EEXIST')) throw nameTaken(move)
    throw error
  }
}

/**
 * Put every property of an interface right that may be wrong; what is right already stays as it
 * is. Throws ERR_KERNEL, ERR_ATTACHMENT_MISSING.
 */
export function mendInterface(spec: InterfaceSpec, gone: readonly SubnetSpec[]): void {
  using container = enter(spec)
  const { index: linkIndex } = container.links.require(spec.attachment.ifname)
  const { placed, subnets } = spec
  const stale = new MessageWriter()
  const wanted = new Set(addressesOf(subnets, placed))
  for (const { address, scope } of container.addresses.list(linkIndex)) {
    if (scope === SCOPE_LINK || wanted.has(address)) continue
    writeAddress(stale, 'delete', { linkIndex, address })
  }
  const routes = new Set(routesOf(subnets, placed).map(({ destination }) => destination))
  const others = gone.flatMap(({ prefixes }) => prefixes.map(({ cidr }) => cidr))
  for (const { destination, linkIndex: via, via: gateway } of container.routes.list()) {
    const ours = via === linkIndex && gateway !== null && others.includes(destination)
    if (ours && !routes.has(destination)) writeRoute(stale, 'delete', { destination, linkIndex })
  }
  // What is refused here has gone already.
  container.transact(stale)
  furnish(container, spec)
}

/** Properties, addresses and routes, in one send. */
function furnish(container: Kernel, spec: InterfaceSpec): void {
  const { attachment, mtuBytes, placed, subnets } = spec
  const linkIndex = container.links.require(attachment.ifname).index
  const batch = new MessageWriter()
  writeChangeLink(batch, linkIndex, { mtuBytes, transmitQueueLength: TAP_QUEUE_FRAMES })
  for (const address of addressesOf(subnets, placed)) {
    writeAddress(batch, 'replace', { linkIndex, address, noDuplicateDetection: true })
  }
  writeChangeLink(batch, linkIndex, { up: true })
  for (const { destination, via } of routesOf(subnets, placed)) {
    writeRoute(batch, 'replace', { destination, via, linkIndex })
  }
  container.carryOut(batch, { operation: 'furnish', object: attachment.ifname })
  // The question makes the kernel take notice of the carrier at once (Linux 6.8, rtnl_getlink).
  container.links.get(linkIndex)
}

/** What the kernel says of an interface. */
export interface InterfaceReading {
  readonly mac: Mac | null
  readonly addresses: readonly Ip[]
  readonly mtuBytes: number
  /** Up, with the prefix lengths and routes that it should have. */
  readonly sound: boolean
}

/** Read an interface back; null when it is not there, or not ours. Never throws ERR_KERNEL. */
export function readInterface(
  spec: Pick<InterfaceSpec, 'attachment' | 'mark' | 'placed' | 'subnets'>,
): InterfaceReading | null {
  const { attachment, mark } = spec
  try {
    using container = Kernel.open(attachment.path)
    if (container.namespace.identity !== attachment.identity) return null
    const link = container.links.get(attachment.ifname)
    return link === null || link.alias !== mark ? null : reading(container, link, spec)
  } catch (error) {
    // The container is gone, or goes just now: its interface with it.
    if (isKernelError(error)) return null
    throw error
  }
}

function reading(
  container: Kernel,
  link: Link,
  { placed, subnets }: Pick<InterfaceSpec, 'placed' | 'subnets'>,
): InterfaceReading {
  const global = container.addresses.list(link.index).filter(({ scope }) => scope !== SCOPE_LINK)
  const fitting = new Set<string>(addressesOf(subnets, placed))
  const wanted = new Set<string>(placed.addresses)
  const rightLengths = global.every(
    ({ address }) => fitting.has(address) || !wanted.has(addressOf(address)),
  )
  const routes = container.routes.list().filter((route) => route.linkIndex === link.index)
  const routed = routesOf(subnets, placed).every(({ destination, via }) =>
    routes.some((route) => route.destination === destination && route.via === via),
  )
  return {
    mac: link.mac,
    addresses: global.map(({ address }) => addressOf(address)),
    mtuBytes: link.mtuBytes,
    sound: link.up && rightLengths && routed,
  }
}
