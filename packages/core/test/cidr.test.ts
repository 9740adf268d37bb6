import { describe, expect, test } from 'vitest'
import {
  addressOf,
  cidrContains,
  cidrOf,
  cidrRange,
  cidrsOverlap,
  interfaceAddress,
  parseCidr,
  parseInterfaceAddress,
  parseIp,
  prefixLength,
} from '../src/index.ts'

test('a prefix holds its addresses and no others', () => {
  const cidr = parseCidr('10.0.1.0/24')
  expect(cidrContains(cidr, parseIp('10.0.1.0'))).toBe(true)
  expect(cidrContains(cidr, parseIp('10.0.1.255'))).toBe(true)
  expect(cidrContains(cidr, parseIp('10.0.2.0'))).toBe(false)
  expect(cidrContains(cidr, parseIp('10.0.0.255'))).toBe(false)
})

test('families never match each other, not even the widest prefixes', () => {
  expect(cidrContains(parseCidr('0.0.0.0/0'), parseIp('::'))).toBe(false)
  expect(cidrContains(parseCidr('::/0'), parseIp('0.0.0.0'))).toBe(false)
  expect(cidrsOverlap(parseCidr('::/0'), parseCidr('0.0.0.0/0'))).toBe(false)
})

describe('parsing a prefix', () => {
  test.each([
    ['10.0.1.0/24', '10.0.1.0/24'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['10.0.1.7/32', '10.0.1.7/32'],
    ['FD00:0::/64', 'fd00::/64'],
    ['::/0', '::/0'],
    ['fd00::1/128', 'fd00::1/128'],
  ])('%s is %s', (text, canonical) => expect(parseCidr(text)).toBe(canonical))

  test.each([
    '10.0.1.0', '10.0.1.0/', '10.0.1.0/33', '10.0.1.0/024', '10.0.1.0/-1', '10.0.1.0/+8', '/24',
    '10.0.1.0/24/24', '10.0.1.0/ 24', '10.0.1.1/24', '128.0.0.0/0', '::/129', 'fd00::1/64', '',
    '10.0.1.0/2e1', '10.0.1.0/24\n',
  ])('refuses %j', (text) => {
    const details = expect.objectContaining({ kind: 'cidr', text })
    expect(() => parseCidr(text)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_VALUE', details }),
    )
  })
})

test('an interface address keeps its host bits and knows its network', () => {
  const address = parseInterfaceAddress('10.0.1.2/24')
  expect(address).toBe('10.0.1.2/24')
  expect(cidrOf(address)).toBe('10.0.1.0/24')
  expect(addressOf(address)).toBe('10.0.1.2')
  expect(prefixLength(address)).toBe(24)
  expect(interfaceAddress(parseIp('10.0.1.2'), parseCidr('10.0.1.0/24'))).toBe(address)
  expect(cidrOf(parseInterfaceAddress('fd00::1:2/112'))).toBe('fd00::1:0/112')
  expect(() => parseInterfaceAddress('10.0.1.2')).toThrow('not an interface address')
  expect(() => parseInterfaceAddress('10.0.1.2/33')).toThrow('not an interface address')
})

test('a range runs from the first to the last address', () => {
  expect(cidrRange(parseCidr('10.0.1.0/24'))).toEqual({ first: 0x0a000100n, last: 0x0a0001ffn })
  expect(cidrRange(parseCidr('::/0'))).toEqual({ first: 0n, last: (1n << 128n) - 1n })
  expect(cidrRange(parseCidr('10.0.0.1/32'))).toEqual({ first: 0x0a000001n, last: 0x0a000001n })
})
