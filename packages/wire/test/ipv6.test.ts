import { parseIp } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { IP_PROTOCOL, ipv6, IPV6_EXTENSION, IPV6_EXTENSIONS_MAX } from '../src/index.ts'
import { ipv6Headers, ipv6PayloadBytes } from './arbitrary-headers.ts'
import { describeCodecLaws } from './codec-laws.ts'
import { hex } from './hex.ts'

// vectors/fragments, frame 12: the second fragment of a ping
const FRAGMENT =
  '6006cbf905b02c40fd000001000000000000000000000002fd000001000000000000000000000003' +
  '3a0005a9f1fd2539'
// vectors/fragments, frame 17: a multicast report with a router alert
const REPORT =
  '6000000000380001fe8000000000000000420afffe000103ff020000000000000000000000000016' +
  '3a00050200000100'
const ADDRESSES = 'fd000001000000000000000000000002fd000001000000000000000000000003'

/** A packet whose chain holds `count` destination options, each 8 bytes. */
function chain(count: number): Uint8Array {
  const headers = Array.from({ length: count }, (_, i) =>
    i === count - 1 ? '3a00010400000000' : '3c00010400000000',
  )
  const length = (8 * count).toString(16).padStart(4, '0')
  return hex(`60000000${length}3c40${ADDRESSES}${headers.join('')}`)
}

describeCodecLaws({
  codec: ipv6,
  headers: ipv6Headers,
  behind: ipv6PayloadBytes,
  samples: [
    {
      hex: FRAGMENT,
      header: {
        trafficClass: 0,
        flowLabel: 0x6cbf9,
        payloadLength: 1456,
        hopLimit: 64,
        source: parseIp('fd00:1::2'),
        destination: parseIp('fd00:1::3'),
        extensions: [
          { kind: 'fragment', offset: 1448, more: true, identification: 0xf1fd2539, reserved: 0 },
        ],
        protocol: IP_PROTOCOL.icmpv6,
      },
    },
    {
      hex: REPORT,
      header: {
        trafficClass: 0,
        flowLabel: 0,
        payloadLength: 56,
        hopLimit: 1,
        source: parseIp('fe80::42:aff:fe00:103'),
        destination: parseIp('ff02::16'),
        extensions: [{ kind: 'other', type: IPV6_EXTENSION.hopByHop, body: hex('050200000100') }],
        protocol: IP_PROTOCOL.icmpv6,
      },
    },
  ],
  refusals: [
    { hex: `4000000000003a40${ADDRESSES}`, fault: 'bad-version' },
    { hex: `6000000000013a40${ADDRESSES}`, fault: 'short' },
    // Chains that run over the payload: no room for a length, and too long a one.
    { hex: `6000000000013c40${ADDRESSES}3a`, fault: 'bad-length' },
    { hex: `6000000000083c40${ADDRESSES}3a01010400000000`, fault: 'bad-length' },
    { hex: `6000000000082c40${ADDRESSES}2c00000000000000`, fault: 'bad-length' },
    // An authentication header shorter than it can be.
    { hex: `6000000000083340${ADDRESSES}3a00000000000000`, fault: 'bad-length' },
  ],
})

describe('ipv6', () => {
  it('reads single fields through the chain', () => {
    const report = hex(REPORT)
    expect(ipv6.protocol(report, 0)).toBe(IP_PROTOCOL.icmpv6)
    expect(ipv6.payloadStart(report, 0)).toBe(48)
    expect(ipv6.payloadEnd(report, 0)).toBe(40 + 56)
    expect(ipv6.hopLimit(report, 0)).toBe(1)
    expect(ipv6.trafficClass(hex(`6ab0000000003a40${ADDRESSES}`), 0)).toBe(0xab)
  })

  it('walks chains up to a bound', () => {
    const longest = chain(IPV6_EXTENSIONS_MAX)
    expect(ipv6.check(longest, 0, longest.length)).toBe(null)
    expect(ipv6.payloadStart(longest, 0)).toBe(longest.length)
    const over = chain(IPV6_EXTENSIONS_MAX + 1)
    expect(ipv6.check(over, 0, over.length)).toBe('too-deep')
  })

  it('takes the data of a later fragment for data, whatever it looks like', () => {
    const bytes = hex(`6000000000082c40${ADDRESSES}3c0005a9f1fd2539`)
    expect(ipv6.check(bytes, 0, bytes.length)).toBe(null)
    expect(ipv6.protocol(bytes, 0)).toBe(IPV6_EXTENSION.destinationOptions)
    expect(ipv6.payloadStart(bytes, 0)).toBe(bytes.length)
  })

  it.each([
    ['00000000', false],
    ['00000001', true],
    ['000005a8', true],
  ])('with fragment bits %s is cut: %s', (bits, expected) => {
    const bytes = hex(`6000000000082c40${ADDRESSES}3a${bits.slice(2)}f1fd2539`)
    expect(ipv6.isFragment(bytes, 0)).toBe(expected)
    expect(ipv6.isFragment(hex(`6000000000003a40${ADDRESSES}`), 0)).toBe(false)
  })

  it('refuses to hide an extension in the protocol', () => {
    const header = ipv6.decode(hex(REPORT), 0)
    const wrong = { ...header, protocol: IPV6_EXTENSION.routing }
    expect(() => ipv6.write(new Uint8Array(100), 0, wrong)).toThrow('bug:')
  })
})
