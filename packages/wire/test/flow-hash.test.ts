import { parseIp, parseMac, setU16 } from '@weft/core'
import { describe, expect, it } from 'vitest'
import {
  arpRequestFrame,
  echoFrame,
  ENTROPY_PORT_COUNT,
  ENTROPY_PORT_MIN,
  entropyPort,
  entropyPortOf,
  flowHash,
  ipv4,
  udpFrame,
  type Envelope,
} from '../src/index.ts'
import { hex } from './hex.ts'

const MACS = {
  sourceMac: parseMac('02:00:00:00:00:01'),
  destinationMac: parseMac('02:00:00:00:00:02'),
}
const V4: Envelope = { ...MACS, source: parseIp('10.0.1.2'), destination: parseIp('10.0.1.3') }
const V6: Envelope = { ...MACS, source: parseIp('fd00::2'), destination: parseIp('fd00::3') }

const hash = (frame: Uint8Array): number => flowHash(frame, 0, frame.length)
const datagram = (envelope: Envelope, sourcePort: number, payload = '01'): Uint8Array =>
  udpFrame(envelope, { sourcePort, destinationPort: 2000, payload: hex(payload) })

describe.each([
  ['IPv4', V4],
  ['IPv6', V6],
])('the flow hash over %s', (_name, envelope) => {
  it('depends on the flow, not on what it carries', () => {
    expect(hash(datagram(envelope, 1000, '01'))).toBe(hash(datagram(envelope, 1000, '0203')))
    expect(hash(datagram(envelope, 1000))).not.toBe(hash(datagram(envelope, 1001)))
  })

  it('becomes a source port, as large as it may be', () => {
    const frames = Array.from({ length: 64 }, (_, i) => datagram(envelope, 1000 + i))
    expect(frames.some((frame) => hash(frame) > 0x7fff_ffff)).toBe(true)
    for (const frame of frames) {
      const port = entropyPortOf(frame, 0, frame.length)
      expect(port).toBe(entropyPort(hash(frame)))
      expect(port).toBe(ENTROPY_PORT_MIN + (hash(frame) % ENTROPY_PORT_COUNT))
    }
  })

  it('tells addresses and protocols apart', () => {
    const back = { ...envelope, source: envelope.destination, destination: envelope.source }
    const echo = { kind: 'echo-request', identifier: 1, sequence: 1, body: hex('') } as const
    const hashes = [
      hash(datagram(envelope, 2000)),
      hash(datagram(back, 2000)),
      hash(echoFrame(envelope, echo)),
    ]
    expect(new Set(hashes).size).toBe(3)
  })
})

describe('the flow hash', () => {
  it('is one for all fragments of a packet', () => {
    const first = datagram(V4, 1000)
    const later = datagram(V4, 4321)
    for (const [frame, bits] of [
      [first, 0x2000],
      [later, 0x0002],
    ] as const) {
      setU16(frame, 14 + 6, bits)
      ipv4.updateHeaderChecksum(frame, 14)
    }
    expect(hash(first)).toBe(hash(later))
  })

  it('falls back to stations for what is not IP, and to 0 for what is no frame', () => {
    const sender = { mac: MACS.sourceMac, ip: V4.source }
    const other = { ...sender, mac: MACS.destinationMac }
    expect(hash(arpRequestFrame(sender, V4.destination))).toBe(
      hash(arpRequestFrame(sender, V4.source)),
    )
    expect(hash(arpRequestFrame(sender, V4.destination))).not.toBe(
      hash(arpRequestFrame(other, V4.destination)),
    )
    expect(hash(hex('0102'))).toBe(0)
  })
})
