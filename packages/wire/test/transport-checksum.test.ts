import { parseIp, parseMac, setU16, u16 } from '@weft/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  echoFrame,
  transportChecksumState,
  udp,
  udpFrame,
  writeTransportChecksum,
  type Envelope,
} from '../src/index.ts'
import { hex } from './hex.ts'

const MACS = {
  sourceMac: parseMac('02:00:00:00:00:01'),
  destinationMac: parseMac('02:00:00:00:00:02'),
}
const V4: Envelope = { ...MACS, source: parseIp('10.0.1.2'), destination: parseIp('10.0.1.3') }
const V6: Envelope = { ...MACS, source: parseIp('fd00::2'), destination: parseIp('fd00::3') }
const IP_AT = 14
const UDP_AT = { v4: 34, v6: 54 } as const

function datagram(envelope: Envelope, payload: Uint8Array): Uint8Array {
  return udpFrame(envelope, { sourcePort: 1000, destinationPort: 2000, payload })
}

/** Every bit of the frame from here on that a flip leaves unnoticed. */
function unnoticed(frame: Uint8Array, from: number): number[] {
  const missed: number[] = []
  for (let bit = 8 * from; bit < 8 * frame.length; bit++) {
    const [at, mask] = [bit >>> 3, 1 << (bit & 7)]
    frame[at] = (frame[at] ?? 0) ^ mask
    // Of another length there is nothing to say: check refuses more, and less leaves bytes out.
    const readable =
      udp.check(frame, from, frame.length) === null &&
      udp.payloadEnd(frame, from) === frame.length
    if (readable && transportChecksumState(frame, IP_AT) === 'good') missed.push(bit)
    frame[at] = (frame[at] ?? 0) ^ mask
  }
  return missed
}

describe.each([
  ['IPv4', V4, UDP_AT.v4],
  ['IPv6', V6, UDP_AT.v6],
] as const)('the UDP checksum over %s', (_name, envelope, at) => {
  it('holds when it was written, and notices every single-bit flip', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 9 }), (payload) => {
      const frame = datagram(envelope, payload)
      expect(transportChecksumState(frame, IP_AT)).toBe('good')
      expect(unnoticed(frame, at)).toEqual([])
    })
    fc.assert(property, { numRuns: 40 })
  })

  it('notices a changed address', () => {
    const frame = datagram(envelope, hex('010203'))
    frame[at - 1] = 77
    expect(transportChecksumState(frame, IP_AT)).toBe('bad')
  })

  it('is absent when it is zero, and never comes out as zero', () => {
    const frame = datagram(envelope, hex('0000'))
    // A payload equal to the checksum so far brings the sum to all ones.
    setU16(frame, at + 8, u16(frame, at + 6))
    expect(writeTransportChecksum(frame, IP_AT)).toBe(0xffff)
    expect(transportChecksumState(frame, IP_AT)).toBe('good')
    setU16(frame, at + 6, 0)
    expect(transportChecksumState(frame, IP_AT)).toBe('absent')
  })
})

describe('transport checksums elsewhere', () => {
  it('are unknown where there are none', () => {
    const echo = { kind: 'echo-request', identifier: 1, sequence: 1, body: hex('00') } as const
    const frame = echoFrame(V4, echo)
    expect(transportChecksumState(frame, IP_AT)).toBe('unknown')
    expect(writeTransportChecksum(frame, IP_AT)).toBe(-1)
    expect(transportChecksumState(echoFrame(V6, echo), IP_AT)).toBe('good')
  })

  it('are unknown in fragments, which carry a part of the message only', () => {
    const frame = datagram(V4, hex('010203'))
    setU16(frame, IP_AT + 6, 0x2000)
    expect(transportChecksumState(frame, IP_AT)).toBe('unknown')
  })

  it('are partial when they cover the pseudo header only', () => {
    const frame = datagram(V4, hex('010203'))
    // 10.0.1.2 + 10.0.1.3 + 17 + 11, as the kernel leaves it to a network card.
    setU16(frame, UDP_AT.v4 + 6, 0x0a00 + 0x0102 + 0x0a00 + 0x0103 + 17 + 11)
    expect(transportChecksumState(frame, IP_AT)).toBe('partial')
  })
})
