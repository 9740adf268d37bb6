/** Who holds a VNI that we want: found by looking into every namespace (P15). */
import type { SocketAddress, Vni } from '@weft/core'
import { isKernelError, Kernel, type Link } from '@weft/linux'
import type { Host } from './host.ts'
import { parseMark } from './mark.ts'

/** The place a tunnel needs. */
export interface TunnelPlace {
  readonly vni: Vni
  readonly tunnel: SocketAddress
}

/**
 * Make room for a tunnel: devices in its place that carry our mark are leftovers and removed.
 * Null when the place may be free now, else a text that says who holds it.
 */
export function clearTunnelPlace(host: Host, place: TunnelPlace): string | null {
  let cleared = false
  for (const path of host.search.paths()) {
    const holder = holderIn(host, path, place)
    if (holder === null) continue
    if (!holder.ours) return holder.owner
    cleared = true
  }
  return cleared ? null : 'a VXLAN device in a namespace that cannot be found'
}

interface Holder {
  readonly ours: boolean
  readonly owner: string
}

/** The device in this namespace that holds the place; one of ours is removed. */
function holderIn(host: Host, path: string, place: TunnelPlace): Holder | null {
  try {
    using kernel = Kernel.open(path)
    const at = isAt(host, kernel, place)
    const link = kernel.links.list({ kind: 'vxlan' }).find(at)
    if (link === undefined) return null
    const ours = parseMark(host.options.instance, link.alias) !== null
    if (ours) kernel.links.delete(link.index)
    const alias = link.alias === null ? '' : ` (${link.alias})`
    return { ours, owner: `VXLAN device ${link.name}${alias} in ${path}` }
  } catch (error) {
    // A namespace that has gone meanwhile, or that we may not enter.
    if (isKernelError(error)) return null
    throw error
  }
}

/** Tests for the same VNI and port over the same underlay: what the kernel allows once. */
function isAt(
  { underlay }: Host,
  kernel: Kernel,
  { vni, tunnel }: TunnelPlace,
): (link: Link) => boolean {
  return ({ linkNetnsId, vxlan }) => {
    const external = vxlan?.collectMetadata === true
    if (vxlan?.port !== tunnel.port || (vxlan.vni !== vni && !external)) return false
    if (linkNetnsId === null) return kernel.namespace.identity === underlay.namespace.identity
    return kernel.namespaceIds.of(underlay.namespace.fd) === linkNetnsId
  }
}

/** Who holds the UDP port itself: the kernel does not tell by what. */
export function tunnelPortOwner(port: number): string {
  return `another socket on UDP port ${port} of the underlay`
}
