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

/** True when a message's address is this one. Said for every node of every push/pull: no copies. */
export function isAddressOf(bytes: Uint8Array, port: number, address: SocketAddress): boolean {
  if (port !== address.port) return false
  if (bytes.length !== IPV4_BYTES) {
    return bytes.length === IPV6_BYTES && ipFromBytes(bytes, 0, 6) === address.ip
  }
  const { ip } = address
  let at = 0
  let value = 0
  for (let i = 0; i < ip.length; i++) {
    const digit = ip.charCodeAt(i) - ZERO
    if (digit >= 0 && digit <= 9) value = 10 * value + digit
    else if (ip[i] !== '.' || value !== bytes[at++]) return false
    else value = 0
  }
  return at === IPV4_BYTES - 1 && value === bytes[at]
}

const ZERO = 0x30
