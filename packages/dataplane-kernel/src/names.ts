/** Names of namespaces and devices that this backend makes, and fixed addresses of its bridges. */
import { ipFromBytes, setU16, setU24, toHex, type Ip, type Mac, type Vni } from '@weft/core'
import type { NetworkId } from '@weft/dataplane'

/** Names of namespaces begin with this, whatever the instance. */
const NAMESPACE_PREFIX = 'weft-'

/** The file name of a network's namespace: `weft-<instance>-<network>`. */
export function namespaceName(instance: string, network: NetworkId): string {
  return namespacePrefix(instance) + network
}

/**
 * What names of an instance's namespaces begin with. The name alone proves nothing (`a` with
 * network `b-c` and `a-b` with network `c` share one): the mark inside does.
 */
export function namespacePrefix(instance: string): string {
  return `${NAMESPACE_PREFIX}${instance}-`
}

/** Devices inside a network's namespace, numbered by slots that stay with a subnet or endpoint. */
export const deviceName = {
  bridge: (slot: number): string => `br${slot}`,
  vxlan: (slot: number): string => `vxlan${slot}`,
  veth: (slot: number): string => `veth${slot}`,
} as const

const SLOT = /^(?:br|vxlan|veth)([0-9]{1,9})$/

/** The slot in a device name of ours; null for other names. */
export function slotOf(name: string): number | null {
  const match = SLOT.exec(name)
  return match?.[1] === undefined ? null : Number(match[1])
}

/** The lowest slot that is not in use. */
export function freeSlot(used: ReadonlySet<number>): number {
  let slot = 0
  while (used.has(slot)) slot++
  return slot
}

/**
 * The MAC of a subnet's bridge, the same on every node: an endpoint that moves finds its gateway
 * at the MAC it remembers. It never crosses the tunnel as a destination.
 */
export function bridgeMac(vni: Vni): Mac {
  const bytes = bridgeMacBytes(vni)
  return Array.from(bytes, (byte) => toHex(Uint8Array.of(byte))).join(':') as Mac
}

/**
 * The link-local address of a subnet's bridge (EUI-64 of its MAC, RFC 4291 appendix A): without
 * one the kernel asks for no neighbour on behalf of the IPv6 packets that it routes.
 */
export function bridgeLinkLocal(vni: Vni): Ip {
  const bytes = new Uint8Array(16)
  setU16(bytes, 0, 0xfe80)
  const mac = bridgeMacBytes(vni)
  bytes.set(mac.subarray(0, 3), 8)
  setU16(bytes, 11, 0xfffe)
  bytes.set(mac.subarray(3), 13)
  bytes[8] = (bytes[8] as number) ^ 2
  return ipFromBytes(bytes, 0, 6)
}

/** Locally administered, then "we", then the VNI. */
function bridgeMacBytes(vni: Vni): Uint8Array {
  const bytes = Uint8Array.of(0x02, 0x77, 0x65, 0, 0, 0)
  setU24(bytes, 3, vni)
  return bytes
}
