/** Cuts super-segments the slow way: headers are decoded, changed and written anew. */
import { u16, u8 } from '@weft/core'
import {
  ETHER_TYPE,
  ethernet,
  ipv4,
  ipv6,
  tcp,
  TCP_FLAG,
  udp,
  writeTransportChecksum,
} from '@weft/wire'

/**
 * The frames that a valid super-segment of TCP (or UDP) stands for. Null when its headers are not
 * what their own codecs would write: then decoding and writing would change them.
 */
export function naiveSegments(
  frame: Uint8Array,
  segmentBytes: number,
  protocol: 'tcp' | 'udp',
): Uint8Array[] | null {
  const network = ethernet.payloadStart(frame, 0)
  const ip = ethernet.etherType(frame, 0) === ETHER_TYPE.ipv4 ? ipv4 : ipv6
  const transport = ip.payloadStart(frame, network)
  const payload = (protocol === 'tcp' ? tcp : udp).payloadStart(frame, transport)
  const end = ip.payloadEnd(frame, network)
  if (!isCanonical(frame, network, transport)) return null
  if (protocol === 'tcp' && !isCanonicalTcp(frame, transport)) return null
  const count = Math.ceil((end - payload) / segmentBytes)
  return Array.from({ length: count }, (_, i) => {
    const from = payload + i * segmentBytes
    const to = Math.min(end, from + segmentBytes)
    const one = new Uint8Array(payload + to - from)
    one.set(frame.subarray(0, payload))
    one.set(frame.subarray(from, to), payload)
    writeNetwork(one, network, i)
    if (protocol === 'tcp') {
      const header = tcp.decode(one, transport)
      const sequence = (header.sequence + i * segmentBytes) >>> 0
      const flags = flagsOf(header.flags, i, i === count - 1)
      tcp.write(one, transport, { ...header, sequence, flags })
    } else {
      const length = one.length - transport
      udp.write(one, transport, { ...udp.decode(one, transport), length })
    }
    writeTransportChecksum(one, network)
    return one
  })
}

function flagsOf(flags: number, index: number, isLast: boolean): number {
  const first = index === 0 ? flags : flags & ~TCP_FLAG.cwr
  return isLast ? first : first & ~(TCP_FLAG.fin | TCP_FLAG.psh)
}

function writeNetwork(frame: Uint8Array, network: number, index: number): void {
  if (u8(frame, network) >>> 4 === 4) {
    const header = ipv4.decode(frame, network)
    const identification = (header.identification + index) & 0xffff
    ipv4.write(frame, network, {
      ...header,
      totalLength: frame.length - network,
      identification,
    })
  } else {
    const payloadLength = frame.length - network - ipv6.headerLength
    ipv6.write(frame, network, { ...ipv6.decode(frame, network), payloadLength })
  }
}

function isCanonical(frame: Uint8Array, network: number, transport: number): boolean {
  const copy = frame.slice(0, transport)
  if (u8(frame, network) >>> 4 === 4) {
    const header = ipv4.decode(frame, network)
    if (ipv4.lengthOf(header) !== transport - network) return false
    ipv4.write(copy, network, header)
  } else {
    const header = ipv6.decode(frame, network)
    if (ipv6.lengthOf(header) !== transport - network) return false
    ipv6.write(copy, network, header)
  }
  return copy.every((byte, at) => byte === frame[at])
}

function isCanonicalTcp(frame: Uint8Array, transport: number): boolean {
  const header = tcp.decode(frame, transport)
  const length = tcp.payloadStart(frame, transport) - transport
  if (tcp.lengthOf(header) !== length) return false
  const copy = new Uint8Array(length)
  tcp.write(copy, 0, header)
  return copy.every((byte, at) => byte === frame[transport + at])
}

/** RFC 1071 with big integers. */
export function naiveSum(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0n
  for (let at = start; at < end; at += 2) {
    sum += BigInt(at + 1 < end ? u16(bytes, at) : u8(bytes, at) << 8)
  }
  while (sum > 0xffffn) sum = (sum & 0xffffn) + (sum >> 16n)
  return Number(sum)
}
