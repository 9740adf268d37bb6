/** Segmentation and checksums, obviously right and slow: headers are decoded and written anew. */
import { parseIp, setU16, u16 } from '@weft/core'
import {
  ethernet,
  ETHER_TYPE,
  IP_PROTOCOL,
  ipv4,
  ipv6,
  tcp,
  TCP_FLAG,
  udp,
  writeTransportChecksum,
  type TcpOption,
} from '@weft/wire'
import { C1, C2, type Offloads } from './engine-kit.ts'

/** A flow and what is sent on it. */
export interface Burst {
  readonly family: 4 | 6
  readonly protocol: 'tcp' | 'udp'
  readonly payload: Uint8Array
  readonly flags: number
  readonly sequence: number
  readonly identification: number
  readonly options: readonly TcpOption[]
}

export const BURST: Burst = {
  family: 4,
  protocol: 'tcp',
  payload: new Uint8Array(0),
  flags: TCP_FLAG.ack,
  sequence: 1000,
  identification: 7,
  options: [],
}

interface Place {
  readonly sequence: number
  readonly identification: number
  readonly flags: number
}

/** One whole frame with every checksum in place. */
export function frameOf(burst: Burst, payload: Uint8Array, place: Place = burst): Uint8Array {
  const transport = burst.protocol === 'tcp' ? tcpHeader(burst, place) : udpHeader(payload.length)
  const packetBytes = transport.length + payload.length
  const isFour = burst.family === 4
  const ip = isFour ? ipv4Header(burst, place, packetBytes) : ipv6Header(burst, packetBytes)
  const frame = new Uint8Array(ethernet.headerLength + ip.length + packetBytes)
  const etherType = isFour ? ETHER_TYPE.ipv4 : ETHER_TYPE.ipv6
  ethernet.write(frame, 0, { destination: C2.mac, source: C1.mac, tags: [], etherType })
  frame.set(ip, ethernet.headerLength)
  frame.set(transport, ethernet.headerLength + ip.length)
  frame.set(payload, frame.length - payload.length)
  writeTransportChecksum(frame, ethernet.headerLength)
  return frame
}

function tcpHeader({ options }: Burst, { sequence, flags }: Place): Uint8Array {
  const header = {
    sourcePort: 40_000,
    destinationPort: 5001,
    sequence: sequence >>> 0,
    acknowledgement: 77,
    flags,
    window: 501,
    checksum: 0,
    urgent: 0,
    options,
  }
  const bytes = new Uint8Array(tcp.lengthOf(header))
  tcp.write(bytes, 0, header)
  return bytes
}

function udpHeader(payloadBytes: number): Uint8Array {
  const bytes = new Uint8Array(udp.headerLength)
  const length = udp.headerLength + payloadBytes
  udp.write(bytes, 0, { sourcePort: 40_000, destinationPort: 5001, length, checksum: 0 })
  return bytes
}

function ipv4Header(burst: Burst, place: Place, payloadBytes: number): Uint8Array {
  const bytes = new Uint8Array(ipv4.headerLength)
  ipv4.write(bytes, 0, {
    dscp: 0,
    ecn: 2,
    totalLength: ipv4.headerLength + payloadBytes,
    identification: place.identification & 0xffff,
    reserved: false,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 64,
    protocol: IP_PROTOCOL[burst.protocol],
    source: C1.ip4,
    destination: C2.ip4,
    options: [],
  })
  return bytes
}

function ipv6Header(burst: Burst, payloadLength: number): Uint8Array {
  const bytes = new Uint8Array(ipv6.headerLength)
  ipv6.write(bytes, 0, {
    trafficClass: 2,
    flowLabel: 0x12345,
    payloadLength,
    hopLimit: 64,
    source: C1.ip6,
    destination: C2.ip6,
    extensions: [],
    protocol: IP_PROTOCOL[burst.protocol],
  })
  return bytes
}

/** What a burst becomes when it is cut into segments of so many bytes. */
export function segmentsOf(burst: Burst, segmentBytes: number): Uint8Array[] {
  const { payload, flags } = burst
  const count = Math.ceil(payload.length / segmentBytes)
  return Array.from({ length: count }, (_, i) => {
    let own = flags
    if (i > 0) own &= ~TCP_FLAG.cwr
    if (i < count - 1) own &= ~(TCP_FLAG.fin | TCP_FLAG.psh)
    return frameOf(burst, payload.subarray(i * segmentBytes, (i + 1) * segmentBytes), {
      sequence: burst.sequence + i * segmentBytes,
      identification: burst.identification + i,
      flags: own,
    })
  })
}

/** The frame as a kernel hands it to a card that segments, and what its header says. */
export function superFrameOf(
  burst: Burst,
  segmentBytes: number,
): { readonly frame: Uint8Array; readonly offloads: Partial<Offloads> } {
  const frame = frameOf(burst, burst.payload)
  const isTcp = burst.protocol === 'tcp'
  const checksumStart = ethernet.headerLength + (burst.family === 4 ? 20 : 40)
  const checksumOffset = isTcp ? 16 : 6
  leavePartial(frame, checksumStart, checksumOffset)
  const tcpType = burst.family === 4 ? 1 : 4
  const gsoType = isTcp ? tcpType : 5
  return { frame, offloads: { flags: 1, gsoType, segmentBytes, checksumStart, checksumOffset } }
}

/** Take a transport checksum back to the sum of the pseudo header. */
export function leavePartial(frame: Uint8Array, start: number, offset: number): void {
  const whole = u16(frame, start + offset)
  setU16(frame, start + offset, 0)
  const pseudo = add(~whole & 0xffff, ~slowSum(frame, start, frame.length) & 0xffff)
  setU16(frame, start + offset, pseudo)
}

/** RFC 1071, word by word, with big integers. */
export function slowSum(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0n
  for (let at = start; at < end; at += 2) {
    const low = at + 1 < end ? (bytes[at + 1] ?? 0) : 0
    sum += BigInt((bytes[at] ?? 0) * 256 + low)
  }
  while (sum > 0xffffn) sum = (sum & 0xffffn) + (sum >> 16n)
  return Number(sum)
}

function add(a: number, b: number): number {
  const sum = a + b
  return (sum & 0xffff) + (sum >>> 16)
}

/** An address nobody has. */
export const NOBODY = parseIp('10.0.1.200')
