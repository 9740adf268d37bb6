/** Addresses as messages carry them: 4 or 16 bytes and a port. */
import {
  ipFromBytes,
  IPV4_BYTES,
  IPV6_BYTES,
  isMulticastIp,
  type SocketAddress,
} from '@weft/core'

const NOWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::', '255.255.255.255'])

/** The address in a message; null when no single node can have it. */
export function readAddress(bytes: Uint8Array, port: number): SocketAddress | null {
  if (bytes.length !== IPV4_BYTES && bytes.length !== IPV6_BYTES) return null
  const ip = ipFromBytes(bytes, 0, bytes.length === IPV4_BYTES ? 4 : 6)
  if (port === 0 || NOWHERE.has(ip) || isMulticastIp(ip)) return null
  return { ip, port }
}
