/** One network's namespace as the kernel dumps it, with the far ends of its endpoints' cables. */
import { readFileSync } from 'node:fs'
import type { EndpointId, LocalEndpoint } from '@weft/dataplane'
import {
  inNamespace,
  isKernelError,
  Kernel,
  type ForwardingEntry,
  type Link,
  type LinkAddress,
  type Neighbour,
  type Route,
} from '@weft/linux'
import { parseMark } from './mark.ts'
import type { NamespaceSearch } from './namespace-search.ts'

/** The container's end of an endpoint's veth. */
export interface PeerSnapshot {
  /** A path of the container's namespace: the desired one where that leads there. */
  readonly path: string
  /** `device:inode` of that namespace. */
  readonly identity: string
  readonly link: Link
  readonly addresses: readonly LinkAddress[]
  readonly routes: readonly Route[]
}

/** All there is to know about a network's namespace, as plain values. */
export interface NetworkSnapshot {
  readonly links: readonly Link[]
  readonly addresses: readonly LinkAddress[]
  readonly neighbours: readonly Neighbour[]
  readonly forwarding: readonly ForwardingEntry[]
  /** Whether the namespace forwards IPv4 between its bridges. */
  readonly routing: boolean
  /** By index of our end; an endpoint whose far end cannot be found has none. */
  readonly peers: ReadonlyMap<number, PeerSnapshot>
}

/** Where to look for the containers of endpoints. */
export interface PeerHints {
  readonly instance: string
  readonly search: NamespaceSearch
  /** Desired endpoints, when known: their attachments are looked at first. */
  readonly local: ReadonlyMap<EndpointId, LocalEndpoint> | null
}

/** Read a network's namespace. Throws ERR_KERNEL. */
export function takeSnapshot(kernel: Kernel, hints: PeerHints): NetworkSnapshot {
  return {
    ...readFrame(kernel, hints),
    neighbours: kernel.neighbours.list(),
    forwarding: kernel.forwarding.list(),
  }
}

/** The same without the tables, which may be long. Throws ERR_KERNEL. */
export function readFrame(
  kernel: Kernel,
  hints: PeerHints,
): Omit<NetworkSnapshot, 'neighbours' | 'forwarding'> {
  const links = kernel.links.list()
  return {
    links,
    addresses: kernel.addresses.list(),
    routing: inNamespace(kernel.namespace.fd, readRouting),
    peers: readPeers(kernel, links, hints),
  }
}

/** Sysctl files show the namespace of the thread that reads them. */
export const ROUTING_SYSCTL = {
  4: '/proc/sys/net/ipv4/ip_forward',
  6: '/proc/sys/net/ipv6/conf/all/forwarding',
} as const

function readRouting(): boolean {
  return readFileSync(ROUTING_SYSCTL[4], 'latin1').trim() === '1'
}

function readPeers(
  kernel: Kernel,
  links: readonly Link[],
  hints: PeerHints,
): ReadonlyMap<number, PeerSnapshot> {
  const peers = new Map<number, PeerSnapshot>()
  for (const link of links) {
    const mark = parseMark(hints.instance, link.alias)
    if (mark?.kind !== 'local' || link.kind !== 'veth') continue
    const attachment = hints.local?.get(mark.endpoint)?.attachment
    const hint = attachment?.kind === 'netns' ? attachment.path : null
    const peer = readPeer(kernel, link, { hint, search: hints.search })
    if (peer !== null) peers.set(link.index, peer)
  }
  return peers
}

function readPeer(
  kernel: Kernel,
  { linkNetnsId, parentIndex }: Link,
  { hint, search }: { readonly hint: string | null; readonly search: NamespaceSearch },
): PeerSnapshot | null {
  if (linkNetnsId === null || parentIndex === null) return null
  const path = search.pathOf(kernel, linkNetnsId, hint)
  if (path === null) return null
  try {
    using container = Kernel.open(path)
    const link = container.links.get(parentIndex)
    if (link === null) return null
    return {
      path,
      identity: container.namespace.identity,
      link,
      addresses: container.addresses.list(link.index),
      routes: container.routes.list().filter((route) => route.linkIndex === link.index),
    }
  } catch (error) {
    // The container went away between two steps: its cable goes with it.
    if (isKernelError(error)) return null
    throw error
  }
}
