import { setU16 } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { icmp, ICMP_TYPE, ICMP_UNREACHABLE, internetChecksum } from '../src/index.ts'
import { icmpMessages } from './arbitrary-headers.ts'
import { describeCodecLaws } from './codec-laws.ts'
import { hex } from './hex.ts'

// vectors/icmp, frame 12: a port nobody listens on
const QUOTE = '4500002a613140003f11c38e0a0001020a0002028a5a00090016af4a6e6f626f64792d6c697374656e73'
const UNREACHABLE = `0303142800000000${QUOTE}`

function repair(bytes: Uint8Array, start: number, end: number): void {
  setU16(bytes, start + 2, 0)
  setU16(bytes, start + 2, internetChecksum(bytes, start, end))
}

describeCodecLaws({
  codec: icmp,
  headers: icmpMessages,
  shortBelow: () => 8,
  samples: [
    {
      hex: UNREACHABLE,
      header: {
        kind: 'unreachable',
        code: ICMP_UNREACHABLE.port,
        reserved: 0,
        mtu: 0,
        quote: hex(QUOTE),
      },
    },
  ],
  refusals: [
    { hex: UNREACHABLE.replace('0303', '0302'), fault: 'bad-checksum' },
    { hex: '03031428000000', fault: 'short' },
    { hex: '0000000000000000', fault: 'bad-checksum' },
  ],
  repair,
  verify: (bytes, start, end) => icmp.check(bytes, start, end) === null,
})

describe('icmp', () => {
  it('reads what a path MTU finder needs', () => {
    const bytes = new Uint8Array(16)
    const { fragmentationNeeded: code } = ICMP_UNREACHABLE
    const quote = new Uint8Array(8)
    icmp.write(bytes, 0, { kind: 'unreachable', code, reserved: 0, mtu: 1450, quote })
    expect(icmp.type(bytes, 0)).toBe(ICMP_TYPE.unreachable)
    expect(icmp.code(bytes, 0)).toBe(code)
    expect(icmp.mtu(bytes, 0)).toBe(1450)
    expect(icmp.quoteStart(bytes, 0)).toBe(8)
    expect(icmp.describe(icmp.decode(bytes, 0, 16))).toBe('icmp fragmentation needed, mtu 1450')
  })

  it('takes an echo with a code for something else', () => {
    const bytes = hex('0801000000010002')
    repair(bytes, 0, 8)
    expect(icmp.decode(bytes, 0, 8)).toMatchObject({ kind: 'other', type: 8, code: 1 })
  })
})
