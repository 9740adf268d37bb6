import { parseIp } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { IP_PROTOCOL, ipv4, IPV4_HEADER_BYTES_MAX, type Ipv4Header } from '../src/index.ts'
import { ipv4Headers } from './arbitrary-headers.ts'
import { describeCodecLaws } from './codec-laws.ts'
import { hex } from './hex.ts'

// vectors/icmp, frame 5: a ping that records its route
const ROUTED =
  '4f00007c79f2400040016c7a0a0001020a000202' +
  '010727080a0001020000000000000000000000000000000000000000000000000000000000000000'
const ROUTED_HEADER: Ipv4Header = {
  dscp: 0,
  ecn: 0,
  totalLength: 124,
  identification: 31_218,
  reserved: false,
  dontFragment: true,
  moreFragments: false,
  fragmentOffset: 0,
  ttl: 64,
  protocol: IP_PROTOCOL.icmp,
  source: parseIp('10.0.1.2'),
  destination: parseIp('10.0.2.2'),
  options: [
    { type: 1, body: new Uint8Array(0) },
    { type: 7, body: hex(`080a000102${'00'.repeat(32)}`) },
  ],
}
// vectors/icmp, frame 8: an answer of a router, with its own traffic class
const ANSWER = '45c0007063ea00004001ffe00a0001010a000102'

function repair(bytes: Uint8Array, start: number, end: number): void {
  const header = ipv4.payloadStart(bytes, start) - start
  if (header >= 20 && start + header <= end) ipv4.updateHeaderChecksum(bytes, start)
}

describeCodecLaws({
  codec: ipv4,
  headers: ipv4Headers,
  behind: (header) => header.totalLength - ipv4.lengthOf(header),
  samples: [
    { hex: ROUTED, header: ROUTED_HEADER },
    {
      hex: ANSWER,
      header: {
        ...ROUTED_HEADER,
        dscp: 48,
        totalLength: 112,
        identification: 25_578,
        dontFragment: false,
        source: parseIp('10.0.1.1'),
        destination: parseIp('10.0.1.2'),
        options: [],
      },
    },
  ],
  refusals: [
    { hex: '55c0001463ea00004001ffe00a0001010a000102', fault: 'bad-version', repaired: true },
    { hex: '44c0001463ea00004001ffe00a0001010a000102', fault: 'bad-length' },
    { hex: '45c0001363ea00004001ffe00a0001010a000102', fault: 'bad-length', repaired: true },
    { hex: '45c0001563ea00004001ffe00a0001010a000102', fault: 'short', repaired: true },
    { hex: '46c0001863ea00004001ffe00a0001010a000102', fault: 'short' },
    { hex: ANSWER, fault: 'short' },
    { hex: '45c0001463ea00004001ffe00a0001010a000102', fault: 'bad-checksum' },
    {
      hex: '46c0001863ea00004001ffe00a0001010a00010207050000',
      fault: 'bad-option',
      repaired: true,
    },
  ],
  repair,
  verify: (bytes, start, end) => ipv4.checkQuoted(bytes, start, end) === null,
})

describe('ipv4', () => {
  it('reads single fields without a record', () => {
    const bytes = hex(ANSWER)
    expect(ipv4.protocol(bytes, 0)).toBe(IP_PROTOCOL.icmp)
    expect(ipv4.ttl(bytes, 0)).toBe(64)
    expect(ipv4.trafficClass(bytes, 0)).toBe(0xc0)
    expect(ipv4.sourceNumber(bytes, 0)).toBe(0x0a000101)
    expect(ipv4.destinationNumber(bytes, 0)).toBe(0x0a000102)
    expect(ipv4.payloadEnd(bytes, 0)).toBe(112)
  })

  it.each([
    [0, false, false],
    [0, true, true],
    [8, false, true],
  ])('at offset %i with more %s is a fragment: %s', (fragmentOffset, moreFragments, expected) => {
    const bytes = new Uint8Array(60)
    ipv4.write(bytes, 0, { ...ROUTED_HEADER, fragmentOffset, moreFragments })
    expect(ipv4.isFragment(bytes, 0)).toBe(expected)
  })

  it('accepts a quoted head of a packet that check calls short', () => {
    const bytes = hex(ANSWER)
    expect(ipv4.check(bytes, 0, 20)).toBe('short')
    expect(ipv4.checkQuoted(bytes, 0, 20)).toBe(null)
  })

  it('has room for the longest header and no longer', () => {
    expect(ipv4.lengthOf(ROUTED_HEADER)).toBe(IPV4_HEADER_BYTES_MAX)
    const over = { ...ROUTED_HEADER, options: [...ROUTED_HEADER.options, ...ROUTED_HEADER.options] }
    expect(() => ipv4.write(new Uint8Array(200), 0, over)).toThrow('bug:')
  })
})
