import { parseIp, parseMac } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { arp, ARP_OPERATION } from '../src/index.ts'
import { arpMessages } from './arbitrary-headers.ts'
import { describeCodecLaws } from './codec-laws.ts'
import { hex } from './hex.ts'

// vectors/arp, frame 2
const REPLY = '000108000604000202420a0001030a00010302420a0001020a000102'
const TAIL = '02420a0001030a00010302420a0001020a000102'

describeCodecLaws({
  codec: arp,
  headers: arpMessages,
  samples: [
    {
      hex: REPLY,
      header: {
        operation: ARP_OPERATION.reply,
        senderMac: parseMac('02:42:0a:00:01:03'),
        senderIp: parseIp('10.0.1.3'),
        targetMac: parseMac('02:42:0a:00:01:02'),
        targetIp: parseIp('10.0.1.2'),
      },
    },
  ],
  refusals: [
    { hex: `0006080006040002${TAIL}`, fault: 'bad-type' },
    { hex: `000186dd06040002${TAIL}`, fault: 'bad-type' },
    { hex: `0001080008040002${TAIL}`, fault: 'bad-length' },
    { hex: `0001080006100002${TAIL}`, fault: 'bad-length' },
  ],
})

describe('arp accessors', () => {
  it('read the operation and the target as numbers', () => {
    expect(arp.operation(hex(REPLY), 0)).toBe(ARP_OPERATION.reply)
    expect(arp.targetIpNumber(hex(REPLY), 0)).toBe(0x0a000102)
  })

  it.each([
    [ARP_OPERATION.request, '10.0.1.2', 'arp request who has 10.0.1.2 tell 10.0.1.3'],
    [ARP_OPERATION.request, '10.0.1.3', 'arp announcement 10.0.1.3 is at 02:42:0a:00:01:03'],
    [ARP_OPERATION.reply, '10.0.1.2', 'arp reply 10.0.1.3 is at 02:42:0a:00:01:03'],
    [9, '10.0.1.2', 'arp operation 9'],
  ])('describe operation %i for %s', (operation, target, text) => {
    const message = { ...arp.decode(hex(REPLY), 0), operation, targetIp: parseIp(target) }
    expect(arp.describe(message)).toBe(text)
  })
})
