/** A hash of a frame's flow, for spreading tunnels over paths (RFC 7348 §5, outer UDP header). */
import { u16, u32, u8 } from '@weft/core'
import { ETHER_TYPE, ethernet, ETHERNET_OFFSET } from './ethernet.ts'
import { IP_PROTOCOL } from './ip-protocol.ts'
import { ipv4, IPV4_OFFSET } from './ipv4.ts'
import { ipv6, IPV6_OFFSET } from './ipv6.ts'

/** The source ports a tunnel spreads over: the dynamic range, as RFC 7348 §5 recommends. */
export const ENTROPY_PORT_MIN = 49_152
/** Ports in that range. */
export const ENTROPY_PORT_COUNT = 16_384

/** One round of MurmurHash3's 32-bit mixing: public domain, quick, and good enough for paths. */
function mix(hash: number, word: number): number {
  const scrambled = Math.imul(word, 0xcc9e_2d51)
  const turned = Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b87_3593)
  const joined = hash ^ turned
  return (Math.imul((joined << 13) | (joined >>> 19), 5) + 0xe654_6b64) | 0
}

function finish(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2_ae35)
  return twice ^ (twice >>> 16)
}

/**
 * 32 bits that are equal for all frames of one flow: addresses and protocol, with ports where
 * there are any; MAC addresses for what is not IP. Fragments hash without ports, so that all
 * pieces of a packet take one path. Frames that are refused hash to 0.
 */
export function flowHash(bytes: Uint8Array, start: number, end: number): number {
  return signedHash(bytes, start, end) >>> 0
}

/** The same as a signed number, which V8 hands from call to call without making an object of it. */
function signedHash(bytes: Uint8Array, start: number, end: number): number {
  if (ethernet.check(bytes, start, end) !== null) return 0
  const type = ethernet.etherType(bytes, start)
  const at = ethernet.payloadStart(bytes, start)
  if (type === ETHER_TYPE.ipv4 && ipv4.check(bytes, at, end) === null) return ipv4Hash(bytes, at)
  if (type === ETHER_TYPE.ipv6 && ipv6.check(bytes, at, end) === null) return ipv6Hash(bytes, at)
  let hash = type
  hash = mix(hash, u32(bytes, start + ETHERNET_OFFSET.destination))
  hash = mix(hash, u32(bytes, start + ETHERNET_OFFSET.destination + 4))
  return finish(mix(hash, u32(bytes, start + ETHERNET_OFFSET.source + 2)))
}

function ipv4Hash(bytes: Uint8Array, at: number): number {
  let hash = mix(u8(bytes, at + IPV4_OFFSET.protocol), u32(bytes, at + IPV4_OFFSET.source))
  hash = mix(hash, u32(bytes, at + IPV4_OFFSET.destination))
  if (ipv4.isFragment(bytes, at)) return finish(hash)
  const transport = ipv4.payloadStart(bytes, at)
  const ports = portsAt(bytes, transport, ipv4.payloadEnd(bytes, at))
  return finish(hasPorts(ipv4.protocol(bytes, at)) ? mix(hash, ports) : hash)
}

function ipv6Hash(bytes: Uint8Array, at: number): number {
  const protocol = ipv6.protocol(bytes, at)
  let hash = protocol
  for (let i = IPV6_OFFSET.source; i < IPV6_OFFSET.source + 32; i += 4) {
    hash = mix(hash, u32(bytes, at + i))
  }
  if (ipv6.isFragment(bytes, at)) return finish(hash)
  const transport = ipv6.payloadStart(bytes, at)
  const ports = portsAt(bytes, transport, ipv6.payloadEnd(bytes, at))
  return finish(hasPorts(protocol) ? mix(hash, ports) : hash)
}

function hasPorts(protocol: number): boolean {
  return protocol === IP_PROTOCOL.udp || protocol === IP_PROTOCOL.tcp
}

function portsAt(bytes: Uint8Array, at: number, end: number): number {
  return at + 4 <= end ? (u16(bytes, at) << 16) | u16(bytes, at + 2) : 0
}

/** The tunnel source port for a flow. */
export function entropyPort(hash: number): number {
  return ENTROPY_PORT_MIN + ((hash >>> 0) % ENTROPY_PORT_COUNT)
}

/** The tunnel source port for the flow of a frame, as `entropyPort` of its `flowHash`. */
export function entropyPortOf(bytes: Uint8Array, start: number, end: number): number {
  return entropyPort(signedHash(bytes, start, end))
}
