/** Corpus for the userspace switch: frames of all kinds with the headers that a TAP gives them. */
import { parseIp, parseMac, setU16le, setU8, u16, u8, writeMac } from '@weft/core'
import { GSO_TYPE, NEEDS_CHECKSUM } from '@weft/dataplane-userspace/engine'
import {
  ETHER_TYPE,
  IP_PROTOCOL,
  PacketBuffer,
  sealIpFrame,
  tcp,
  TCP_FLAG,
  udpFrame,
} from '@weft/wire'
import { recordedFrames } from './recordings.ts'

/** Bytes of a virtio-net header. */
export const VIRTIO_BYTES = 10

/** Who sends, and to whom: an endpoint of this node, one of the peer's. */
export const HERE = parseMac('02:42:0a:00:01:02')
/** Another endpoint of this node. */
export const NEAR = parseMac('02:42:0a:00:01:04')
/** An endpoint of the peer's. */
export const AFAR = parseMac('02:42:0a:00:01:03')
const GATEWAY = parseMac('02:77:65:00:10:01')
const EVERYONE = parseMac('ff:ff:ff:ff:ff:ff')

/** Frames of all kinds, from c1 to everybody, each with several headers. */
export function portCorpus(): readonly Uint8Array[] {
  const frames = [...recordedFrames(), ...oversized()].map((frame, i) => {
    return { frame, to: [AFAR, NEAR, GATEWAY, EVERYONE][i % 4] ?? AFAR }
  })
  const flows = bursts().map((frame) => ({ frame, to: AFAR }))
  return [...frames, ...flows, ...flows].flatMap(({ frame, to }) => {
    const input = new Uint8Array(VIRTIO_BYTES + frame.length)
    input.set(frame, VIRTIO_BYTES)
    if (frame.length >= 12) {
      writeMac(input, VIRTIO_BYTES, to)
      writeMac(input, VIRTIO_BYTES + 6, HERE)
    }
    return [input, ...supersOf(input)]
  })
}

/** The same input as a super-segment, if it can be one. */
function supersOf(input: Uint8Array): Uint8Array[] {
  const type = u16(input, VIRTIO_BYTES + 12)
  const protocol = u8(input, VIRTIO_BYTES + (type === ETHER_TYPE.ipv4 ? 23 : 20))
  const isSix = type === ETHER_TYPE.ipv6
  const isTcp = protocol === 6
  if ((type !== ETHER_TYPE.ipv4 && !isSix) || (!isTcp && protocol !== 17)) return []
  const tcpType = isSix ? GSO_TYPE.tcp6 : GSO_TYPE.tcp4
  return [3, 25, 99, 1000].map((segmentBytes) => {
    const copy = input.slice()
    setU8(copy, 0, NEEDS_CHECKSUM)
    setU8(copy, 1, isTcp ? tcpType : GSO_TYPE.udp)
    setU16le(copy, 4, segmentBytes)
    setU16le(copy, 6, isSix ? 54 : 34)
    setU16le(copy, 8, isTcp ? 16 : 6)
    return copy
  })
}

/** Payloads of an odd length, with all flags and options that segmentation and joining look at. */
function bursts(): Uint8Array[] {
  const payload = Uint8Array.from({ length: 201 }, (_, i) => (i * 31) & 0xff)
  const families = [
    ['10.0.1.2', '10.0.1.3'],
    ['fd00:1::2', 'fd00:1::3'],
  ] as const
  return families.flatMap(([from, to]) => {
    const [source, destination] = [parseIp(from), parseIp(to)]
    const envelope = { sourceMac: HERE, destinationMac: AFAR, source, destination }
    const { ack, psh, fin, cwr, ece } = TCP_FLAG
    const segments = [ack, ack | psh, ack | fin | psh, ack | psh | cwr | ece].map((flags, i) => {
      const packet = PacketBuffer.of(payload)
      const options = i % 2 === 0 ? [] : [{ kind: 'timestamps' as const, value: 1, echo: 2 }]
      const header = {
        sourcePort: 40_000,
        destinationPort: 80,
        sequence: 0xffff_ff00,
        acknowledgement: 7,
        flags,
        window: 500,
        checksum: 0,
        urgent: 0,
        options,
      }
      tcp.write(packet.bytes, packet.prepend(tcp.lengthOf(header)), header)
      return sealIpFrame(packet, { ...envelope, dontFragment: true }, IP_PROTOCOL.tcp)
    })
    return [...segments, udpFrame(envelope, { sourcePort: 1, destinationPort: 2, payload })]
  })
}

function oversized(): Uint8Array[] {
  const payload = new Uint8Array(2000).fill(0x5a)
  const envelope = {
    sourceMac: HERE,
    destinationMac: AFAR,
    source: parseIp('10.0.1.2'),
    destination: parseIp('10.0.2.3'),
    dontFragment: true,
  }
  return [udpFrame(envelope, { sourcePort: 1, destinationPort: 2, payload })]
}
