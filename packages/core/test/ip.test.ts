import { describe, expect, test } from 'vitest'
import {
  hasCode,
  IPV4_BYTES,
  IPV6_BYTES,
  ipBytes,
  ipFamily,
  ipFromBigInt,
  ipLength,
  ipToBigInt,
  isMulticastIp,
  parseIp,
} from '../src/index.ts'

describe('parsing an address', () => {
  test.each([
    // RFC 5952 §2 and §4: one way to write each.
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8::1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8::0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8:0:0:1::1', '2001:db8::1:0:0:1'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:aaaa:bbbb:cccc:dddd:eeee:AAAA', '2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4:5:6:c000:201'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['10.0.1.2', '10.0.1.2'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
  ])('%s is %s', (text, canonical) => {
    expect(parseIp(text)).toBe(canonical)
  })

  test.each([
    '', '.', '1', '1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', '1.2.3.04', '1.2.3.-4', '1.2.3.4 ',
    ' 1.2.3.4', '1.2.3.0x4', '1..2.3', '1.2.3.4\n', '1.2.3.４', ':', ':::', '::1::', '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8::', '::1:2:3:4:5:6:7:8', '12345::', 'g::', ':1::', '1:',
    '1::2:', '::1%eth0', '[::1]', '1.2.3.4::', '::1.2.3', '::1.2.3.4:5', '1:2:3:4:5:6:7:1.2.3.4',
    '::1.2.3.04', '-1::', '+1::', '1 ::', '::/0',
  ])('refuses %j and says what was expected', (text) => {
    let caught: unknown
    try {
      parseIp(text)
    } catch (error) {
      caught = error
    }
    expect(hasCode(caught, 'ERR_INVALID_VALUE')).toBe(true)
    expect(caught).toMatchObject({ details: { kind: 'ip', text } })
  })
})

test('families know their lengths', () => {
  expect(ipFamily(parseIp('10.0.0.1'))).toBe(4)
  expect(ipFamily(parseIp('::'))).toBe(6)
  expect([ipLength(4), ipLength(6)]).toEqual([IPV4_BYTES, IPV6_BYTES])
  expect(ipBytes(parseIp('10.0.1.200'))).toEqual(Uint8Array.of(10, 0, 1, 200))
  expect(ipBytes(parseIp('fd00::1')).length).toBe(IPV6_BYTES)
})

test('multicast is 224.0.0.0/4 and ff00::/8, to the edge', () => {
  const multicast = (text: string): boolean => isMulticastIp(parseIp(text))
  expect(['224.0.0.0', '239.255.255.255', 'ff02::1'].map(multicast)).toEqual([true, true, true])
  expect(['223.255.255.255', '240.0.0.0', 'fe80::1'].map(multicast)).toEqual([false, false, false])
})

test('a number beyond its family is a bug, not another address', () => {
  expect(ipFromBigInt((1n << 32n) - 1n, 4)).toBe('255.255.255.255')
  expect(() => ipFromBigInt(1n << 32n, 4)).toThrow('bug')
  expect(() => ipFromBigInt(-1n, 4)).toThrow('bug')
  expect(() => ipFromBigInt(1n << 128n, 6)).toThrow('bug')
  expect(ipToBigInt(parseIp('::1:0'))).toBe(65_536n)
})
