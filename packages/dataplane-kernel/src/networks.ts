/** Namespaces of networks: made whole or not at all, found again by their marks, taken away. */
import { writeFileSync } from 'node:fs'
import { conflictError, itemPath, type Encapsulation, type NetworkId } from '@weft/dataplane'
import {
  createNamespace,
  deleteNamespace,
  inNamespace,
  isKernelError,
  Kernel,
  listNamespaces,
  MessageWriter,
  nameNamespace,
  namespaceIdentity,
  namespacePath,
  writeDeleteLink,
  type NamespaceName,
} from '@weft/linux'
import { FormerMacs } from './announcements.ts'
import type { Host } from './host.ts'
import { formatMark, networkMark, parseMark } from './mark.ts'
import { namespaceName, namespacePrefix } from './names.ts'
import type { NetworkSite } from './site.ts'
import { ROUTING_SYSCTL } from './snapshot.ts'

/** Make a network's namespace, marked before it can be seen. Throws ERR_KERNEL, ERR_CONFLICT. */
export function createNetwork(host: Host, id: NetworkId, encapsulation: Encapsulation): void {
  const { instance, namespaceDirectory: directory } = host.options
  const where = { name: namespaceName(instance, id), directory }
  const alias = formatMark(instance, { kind: 'network', network: id, encapsulation })
  try {
    onRemains(where, () => createNamespace(where, () => prepare(alias)))
  } catch (error) {
    if (!isKernelError(error, 'EEXIST', 'EINVAL')) throw error
    throw conflictError(itemPath.network(id), `namespace ${namespacePath(where)}`, error)
  }
  const path = namespacePath(where)
  host.sites.set(id, openSite(id, path, Kernel.open(path)))
}

/**
 * A name may be there without a namespace: a crash came between the two, or the mounts of a daemon
 * of before ended with it (`ip netns exec` gives each process mounts of its own). Throws
 * ERR_KERNEL: EEXIST for a namespace, EINVAL for a file with something in it.
 */
function onRemains(where: Required<NamespaceName>, claim: () => unknown): void {
  try {
    claim()
  } catch (error) {
    const isRemains = !listNamespaces(where.directory).includes(where.name)
    if (!isKernelError(error, 'EEXIST') || !isRemains) throw error
    deleteNamespace(where)
    claim()
  }
}

/** Runs inside the new namespace. */
function prepare(alias: string): void {
  using kernel = Kernel.open()
  kernel.links.change('lo', { alias, up: true })
  // Ports of a bridge need no link-local addresses, and would announce them to everybody.
  writeSysctl('/proc/sys/net/ipv6/conf/default/addr_gen_mode', '1')
}

/** Switch forwarding between a network's subnets. Throws ERR_KERNEL or what `fs` throws. */
export function setRouting(site: NetworkSite, on: boolean): void {
  inNamespace(site.kernel.namespace.fd, () => {
    for (const path of Object.values(ROUTING_SYSCTL)) writeSysctl(path, on ? '1' : '0')
  })
}

/** A kernel without IPv6 lacks its files, and then there is nothing to switch. */
function writeSysctl(path: string, value: string): void {
  try {
    writeFileSync(path, value)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/**
 * Take a network away with all in it. Tunnels go first and by name: a namespace ends some time
 * after its last user, and its VNIs would be taken until then.
 */
export function removeNetwork(host: Host, id: NetworkId): void {
  const site = host.sites.get(id)
  if (site === undefined) return
  host.traffic.update(site)
  const { instance, namespaceDirectory: directory } = host.options
  const batch = new MessageWriter()
  for (const link of site.kernel.links.list()) {
    if (parseMark(instance, link.alias) !== null && link.name !== 'lo') {
      writeDeleteLink(batch, link.index)
    }
  }
  // A refusal means that the device has gone already, with another or by itself.
  site.kernel.transact(batch)
  if (namedStill(site)) deleteNamespace({ name: namespaceName(instance, id), directory })
  site.kernel.close()
  host.sites.delete(id)
}

/** True while the network's name leads to the namespace that we hold. */
export function namedStill({ path, kernel }: NetworkSite): boolean {
  return namespaceIdentity(path) === kernel.namespace.identity
}

/**
 * Give networks that lost their name behind our back the name again: all that is in them goes on.
 * One whose name is another's by now is dropped with all it held, for it would hold VNIs in the
 * dark. Then find those that are there. Returns the networks that were named again.
 */
export function refreshSites(host: Host): readonly NetworkId[] {
  const named: NetworkId[] = []
  for (const site of [...host.sites.values()]) {
    if (namedStill(site)) continue
    if (nameAgain(host, site)) named.push(site.id)
    else removeNetwork(host, site.id)
  }
  adoptNamed(host)
  return named
}

/** False when the name cannot be had. */
function nameAgain({ options }: Host, { id, kernel }: NetworkSite): boolean {
  const { instance, namespaceDirectory: directory } = options
  const where = { name: namespaceName(instance, id), directory }
  try {
    onRemains(where, () => nameNamespace(where, kernel.namespace.fd))
    return true
  } catch (error) {
    if (!isKernelError(error)) throw error
    return false
  }
}

/** Open the networks that are marked as ours and not open yet: what a predecessor left. */
export function adoptNamed(host: Host): void {
  const { instance, namespaceDirectory: directory } = host.options
  const prefix = namespacePrefix(instance)
  for (const name of listNamespaces(directory).filter((each) => each.startsWith(prefix))) {
    const id = name.slice(prefix.length)
    if (!host.sites.has(id)) adoptSite(host, id, namespacePath({ name, directory }))
  }
}

function adoptSite(host: Host, id: NetworkId, path: string): void {
  const kernel = openMarked(host.options.instance, id, path)
  if (kernel !== null) host.sites.set(id, openSite(id, path, kernel))
}

/** The kernel in a namespace whose mark says that it is this network's; null otherwise. */
function openMarked(instance: string, id: NetworkId, path: string): Kernel | null {
  try {
    const kernel = Kernel.open(path)
    const mark = networkMark(instance, kernel.links.get('lo')?.alias ?? null)
    if (mark?.network === id) return kernel
    kernel.close()
  } catch (error) {
    if (!isKernelError(error)) throw error
  }
  return null
}

function openSite(id: NetworkId, path: string, kernel: Kernel): NetworkSite {
  const formerMacs = new FormerMacs()
  return { id, path, kernel, subnets: new Map(), endpoints: new Map(), formerMacs }
}

/** The encapsulation that a network's namespace is marked with. */
export function encapsulationOf({ options }: Host, site: NetworkSite): Encapsulation {
  const alias = site.kernel.links.get('lo')?.alias ?? null
  return networkMark(options.instance, alias)?.encapsulation ?? 'vxlan'
}
