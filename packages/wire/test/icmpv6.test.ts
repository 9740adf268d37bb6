import { parseIp, parseMac } from '@weft/core'
import { describe, expect, it } from 'vitest'
import {
  icmpv6,
  ICMPV6_TYPE,
  NEIGHBOUR_OPTIONS_MAX,
  PREFIX_FLAG,
  ROUTER_FLAG,
  type Icmpv6Message,
} from '../src/index.ts'
import { icmpv6Messages } from './arbitrary-headers.ts'
import { describeCodecLaws } from './codec-laws.ts'
import { hex } from './hex.ts'

// vectors/icmpv6, frame 2
const ADVERTISEMENT = '88009156e0000000fd000001000000000000000000000001020102420a000101'
// vectors/router-advertisement, frame 1
const ROUTER =
  '8600d3f34080000c0000000000000000030440c0000002580000012c00000000' +
  'fd00000100000000000000000000000005010000000005aa010102420a000103'
const SOLICITATION = '8700725300000000fd000001000000000000000000000001'

/** Messages end where their window does: only what every message of the type has must be there. */
function fixedBytes(message: Icmpv6Message): number {
  if ('options' in message) return icmpv6.lengthOf({ ...message, options: [] })
  return message.kind === 'other' ? 4 : 8
}

describeCodecLaws({
  codec: icmpv6,
  headers: icmpv6Messages,
  shortBelow: fixedBytes,
  samples: [
    {
      hex: ADVERTISEMENT,
      header: {
        kind: 'neighbour-advertisement',
        checksum: 0x9156,
        router: true,
        solicited: true,
        override: true,
        reserved: 0,
        target: parseIp('fd00:1::1'),
        options: [{ kind: 'target-link-layer', mac: parseMac('02:42:0a:00:01:01') }],
      },
    },
    {
      hex: ROUTER,
      header: {
        kind: 'router-advertisement',
        checksum: 0xd3f3,
        hopLimit: 64,
        flags: ROUTER_FLAG.managed,
        lifetimeSeconds: 12,
        reachableMs: 0,
        retransmitMs: 0,
        options: [
          {
            kind: 'prefix',
            prefix: parseIp('fd00:1::'),
            length: 64,
            flags: PREFIX_FLAG.onLink | PREFIX_FLAG.autonomous,
            validSeconds: 600,
            preferredSeconds: 300,
            reserved: 0,
          },
          { kind: 'mtu', mtu: 1450, reserved: 0 },
          { kind: 'source-link-layer', mac: parseMac('02:42:0a:00:01:03') },
        ],
      },
    },
  ],
  refusals: [
    { hex: '870072', fault: 'short' },
    { hex: '87007253', fault: 'short' },
    { hex: '80007253000000', fault: 'short' },
    // Options of no length, over the end, and less than one (RFC 4861 §4.6).
    { hex: `${SOLICITATION}0100000000000000`, fault: 'bad-option' },
    { hex: `${SOLICITATION}0102000000000000`, fault: 'bad-option' },
    { hex: `${SOLICITATION}01010000`, fault: 'bad-option' },
    {
      hex: SOLICITATION + '0e01000000000000'.repeat(NEIGHBOUR_OPTIONS_MAX + 1),
      fault: 'too-deep',
    },
  ],
})

describe('icmpv6', () => {
  it('reads what a path MTU finder needs', () => {
    const bytes = hex('020000000000057860')
    expect(icmpv6.type(bytes, 0)).toBe(ICMPV6_TYPE.packetTooBig)
    expect(icmpv6.code(bytes, 0)).toBe(0)
    expect(icmpv6.mtu(bytes, 0)).toBe(1400)
    expect(icmpv6.quoteStart(bytes, 0)).toBe(8)
  })

  it('accepts as many options as the limit', () => {
    const bytes = hex(SOLICITATION + '0e01000000000000'.repeat(NEIGHBOUR_OPTIONS_MAX))
    expect(icmpv6.check(bytes, 0, bytes.length)).toBe(null)
  })

  it('keeps a redirected header, and options of unusual length, as bytes', () => {
    const bytes = hex(`${SOLICITATION}0102${'ab'.repeat(14)}0401${'cd'.repeat(6)}`)
    expect(icmpv6.decode(bytes, 0, bytes.length)).toMatchObject({
      options: [
        { kind: 'other', type: 1, body: hex('ab'.repeat(14)) },
        { kind: 'other', type: 4, body: hex('cd'.repeat(6)) },
      ],
    })
  })

  it('takes neighbour discovery with a code for plain bytes', () => {
    const bytes = hex(SOLICITATION.replace('8700', '8701'))
    expect(icmpv6.check(bytes, 0, bytes.length)).toBe(null)
    expect(icmpv6.decode(bytes, 0, bytes.length)).toMatchObject({ kind: 'other', type: 0x87 })
  })

  it('says in a line what neighbours say', () => {
    const text = icmpv6.describe(icmpv6.decode(hex(ADVERTISEMENT), 0, 32))
    expect(text).toBe('icmpv6 fd00:1::1 is at 02:42:0a:00:01:01')
  })
})
