/** Socket addresses as the kernel lays them out: sockaddr_in, sockaddr_in6, sockaddr_ll. */
import {
  ipFamily,
  ipFromBytes,
  setU16,
  setU16le,
  setU32le,
  u16,
  u16le,
  u32le,
  u8,
  writeIp,
  type Ip,
  type SocketAddress,
} from '@weft/core'
import { AF } from './socket-numbers.ts'

/** `struct sockaddr_in` and `struct sockaddr_in6`. */
const SOCKADDR_IN_BYTES = 16
const SOCKADDR_IN6_BYTES = 28

/** `struct sockaddr_ll`. */
const SOCKADDR_LL_BYTES = 20

/** The address family of an IP address. */
export function familyOf(ip: Ip): number {
  return ipFamily(ip) === 4 ? AF.INET : AF.INET6
}

/** An address and port for bind, connect and sendto. */
export function sockaddrBytes({ ip, port }: SocketAddress): Uint8Array {
  const v4 = ipFamily(ip) === 4
  const bytes = new Uint8Array(v4 ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES)
  setU16le(bytes, 0, v4 ? AF.INET : AF.INET6)
  setU16(bytes, 2, port)
  writeIp(bytes, v4 ? 4 : 8, ip)
  return bytes
}

/** The address and port in a sockaddr; null when it is of neither family. */
export function readSockaddr(bytes: Uint8Array): SocketAddress | null {
  if (bytes.length < SOCKADDR_IN_BYTES) return null
  const family = u16le(bytes, 0)
  const port = u16(bytes, 2)
  if (family === AF.INET) return { ip: ipFromBytes(bytes, 4, 4), port }
  if (family !== AF.INET6 || bytes.length < SOCKADDR_IN6_BYTES) return null
  return { ip: ipFromBytes(bytes, 8, 6), port }
}

/** A link for bind: frames of this EtherType (3 is all) on this link (0 is all). */
export function packetSockaddr(linkIndex: number, protocol: number): Uint8Array {
  const bytes = new Uint8Array(SOCKADDR_LL_BYTES)
  setU16le(bytes, 0, AF.PACKET)
  setU16(bytes, 2, protocol)
  setU32le(bytes, 4, linkIndex)
  return bytes
}

/** Where a frame was seen: the link and the packet type (PACKET_OUTGOING is 4). */
export function readPacketSockaddr(bytes: Uint8Array): {
  readonly linkIndex: number
  readonly packetType: number
} {
  return { linkIndex: u32le(bytes, 4), packetType: u8(bytes, 10) }
}
