/** Reading address text by hand agrees with core's parser on every text. */
import {
  cidrContains,
  ipBytes,
  ipFamily,
  ipFromBytes,
  parseCidr,
  parseIp,
  toHex,
  type Ip,
} from '@weft/core'
import { SubnetFinder } from '../src/index.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ipWords, readIpText } from '../src/ip-text.ts'
import { subnet } from './states.ts'

/** Addresses with many zeros, so that every kind of gap occurs. */
const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc
    .array(fc.oneof(fc.constant(0), fc.nat(255)), { minLength: length, maxLength: length })
    .map((list) => Uint8Array.from(list))
const address = fc.oneof(
  bytes(4).map((b) => ipFromBytes(b, 0, 4)),
  bytes(16).map((b) => ipFromBytes(b, 0, 6)),
)

function canonical(text: string): Ip | null {
  try {
    return parseIp(text) === text ? (text as Ip) : null
  } catch {
    return null
  }
}

function wordsHex(family: number): string {
  const hex = [...ipWords].map((word) => word.toString(16).padStart(8, '0')).join('')
  return family === 4 ? hex.slice(24) : hex
}

test('canonical text is read as what it says', () => {
  fc.assert(
    fc.property(address, (text) => {
      expect(readIpText(text)).toBe(ipFamily(text))
      expect(wordsHex(ipFamily(text))).toBe(toHex(ipBytes(text)))
    }),
    { numRuns: 2000 },
  )
})

test('text that is not canonical is refused, however near', () => {
  const near = fc
    .tuple(address, fc.nat(50), fc.constantFrom('', '0', ':', '.', 'F', 'f', '::', '1', ' ', '/'))
    .map(
      ([text, at, piece]) =>
        text.slice(0, at % text.length) + piece + text.slice((at % text.length) + 1),
    )
  const loose = fc.stringMatching(/^[0-9a-f:.]{0,20}$/)
  fc.assert(
    fc.property(fc.oneof(near, loose, fc.string()), (text) => {
      const expected = canonical(text)
      expect(readIpText(text)).toBe(expected === null ? 0 : ipFamily(expected))
    }),
    { numRuns: 5000 },
  )
})

test.each([
  '1.2.3.04',
  '1.2.3',
  '1.2.3.256',
  '::0',
  '1::2:3:4:5:6:7',
  '::1:0:0:0:0:1',
  '::1.2.3.4',
  'FD00::1',
])('%s is not canonical', (text) => {
  expect(readIpText(text)).toBe(0)
})

test('the finder agrees with containment as core defines it', () => {
  const prefixes = ['10.0.0.0/8', '10.0.1.0/24', '0.0.0.0/0', '192.168.1.128/25', '10.0.1.7/32']
  const six = ['fd00::/8', 'fd00:0:0:1::/64', '::/0', 'fd00::80/121', 'fd00::1/128']
  fc.assert(
    fc.property(fc.constantFrom(...prefixes, ...six), address, (cidr, ip) => {
      const found = new SubnetFinder([subnet(1, [cidr, null])]).find(ip)
      expect(found !== null).toBe(cidrContains(parseCidr(cidr), ip))
    }),
    { numRuns: 3000 },
  )
})

test.each([
  ['10.0.1.0/24', '10.0.1.0', 'network'],
  ['10.0.1.0/24', '10.0.1.255', 'broadcast'],
  ['10.0.1.0/24', '10.0.1.254', null],
  ['10.0.1.0/31', '10.0.1.0', null],
  ['10.0.1.0/31', '10.0.1.1', null],
  ['10.0.1.7/32', '10.0.1.7', null],
  ['fd00::/64', 'fd00::', 'network'],
  ['fd00::/64', 'fd00::ffff:ffff:ffff:ffff', null],
  ['fd00::/127', 'fd00::', null],
])('in %s, %s is the edge %s', (cidr, ip, edge) => {
  expect(new SubnetFinder([subnet(1, [cidr, null])]).find(parseIp(ip))?.edge).toBe(edge)
})
