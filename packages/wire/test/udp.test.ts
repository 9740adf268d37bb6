import { describe, expect, it } from 'vitest'
import { udp } from '../src/index.ts'
import { udpHeaders } from './arbitrary-headers.ts'
import { describeCodecLaws } from './codec-laws.ts'
import { hex } from './hex.ts'

describeCodecLaws({
  codec: udp,
  headers: udpHeaders,
  behind: (header) => header.length - 8,
  samples: [
    {
      // vectors/vxlan-group-policy, frame 3
      hex: 'dd3012b50072ed61',
      header: { sourcePort: 56_624, destinationPort: 4789, length: 114, checksum: 0xed61 },
    },
  ],
  refusals: [
    { hex: 'dd3012b50007ed61', fault: 'bad-length' },
    { hex: 'dd3012b50000ed61', fault: 'bad-length' },
    { hex: 'dd3012b50009ed61', fault: 'short' },
  ],
})

describe('udp accessors', () => {
  it('read single fields at an offset', () => {
    const bytes = hex('ffff dd3012b5000aed61 0102 ff')
    expect(udp.sourcePort(bytes, 2)).toBe(56_624)
    expect(udp.destinationPort(bytes, 2)).toBe(4789)
    expect(udp.checksum(bytes, 2)).toBe(0xed61)
    expect(udp.payloadStart(bytes, 2)).toBe(10)
    expect(udp.payloadEnd(bytes, 2)).toBe(12)
  })
})
