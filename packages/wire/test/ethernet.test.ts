import { parseMac } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { ETHER_TYPE, ethernet, ETHERNET_OFFSET, ETHERNET_TAGS_MAX } from '../src/index.ts'
import { ethernetHeaders } from './arbitrary-headers.ts'
import { describeCodecLaws } from './codec-laws.ts'
import { hex } from './hex.ts'

const source = parseMac('02:42:0a:00:01:02')
const tag = '81000005'

describeCodecLaws({
  codec: ethernet,
  headers: ethernetHeaders,
  samples: [
    {
      // vectors/vlan, frame 2
      hex: 'ffffffffffff02420a00010288a8306481000fff0806',
      header: {
        destination: parseMac('ff:ff:ff:ff:ff:ff'),
        source,
        tags: [
          { etherType: 0x88a8, priority: 1, dropEligible: true, vlanId: 100 },
          { etherType: 0x8100, priority: 0, dropEligible: false, vlanId: 4095 },
        ],
        etherType: ETHER_TYPE.arp,
      },
    },
    {
      // vectors/icmp, frame 5
      hex: '02420a00010102420a0001020800',
      header: {
        destination: parseMac('02:42:0a:00:01:01'),
        source,
        tags: [],
        etherType: ETHER_TYPE.ipv4,
      },
    },
  ],
  refusals: [
    { hex: '02420a00010102420a00010208', fault: 'short' },
    { hex: `02420a00010102420a000102${tag}08`, fault: 'short' },
    { hex: `02420a00010102420a000102${tag.repeat(ETHERNET_TAGS_MAX + 1)}0800`, fault: 'too-deep' },
  ],
})

describe('ethernet accessors', () => {
  const plain = hex('ffffffffffff02420a0001020800')
  const tagged = hex(`02420a00010102420a000102${tag.repeat(ETHERNET_TAGS_MAX)}86dd`)

  it('sees through tags', () => {
    expect(ethernet.check(tagged, 0, tagged.length)).toBe(null)
    expect(ethernet.etherType(tagged, 0)).toBe(ETHER_TYPE.ipv6)
    expect(ethernet.payloadStart(tagged, 0)).toBe(14 + 4 * ETHERNET_TAGS_MAX)
    expect(ethernet.vlanId(tagged, 0)).toBe(5)
    expect(ethernet.vlanId(plain, 0)).toBe(-1)
  })

  it('tells groups from stations', () => {
    expect(ethernet.isGroup(plain, 0)).toBe(true)
    expect(ethernet.isGroup(tagged, 0)).toBe(false)
    expect(ethernet.isGroup(plain, ETHERNET_OFFSET.source)).toBe(false)
  })

  it('refuses to hide a tag in the type', () => {
    const header = ethernet.decode(plain, 0)
    const wrong = { ...header, etherType: ETHER_TYPE.vlan }
    expect(() => ethernet.write(new Uint8Array(14), 0, wrong)).toThrow('bug:')
  })
})
