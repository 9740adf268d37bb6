import { isIP, SocketAddress as NodeAddress } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  hasCode,
  ipBytes,
  ipFamily,
  ipFromBigInt,
  ipFromBytes,
  ipLength,
  ipToBigInt,
  parseIp,
  writeIp,
  type Ip,
  type IpFamily,
} from '../src/index.ts'

/** Groups of zeros are what RFC 5952 is about: make them common. */
const group = fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
const v6Bytes = fc
  .array(group, { minLength: 8, maxLength: 8 })
  .map((groups) => Uint8Array.from(groups.flatMap((g) => [g >> 8, g & 255])))
const v4Bytes = fc.uint8Array({ minLength: 4, maxLength: 4 })
const address = fc
  .oneof(v4Bytes, v6Bytes)
  .map((bytes): Ip => ipFromBytes(bytes, 0, bytes.length === 4 ? 4 : 6))

test('bytes to text and back, at any offset in a dirty buffer, touching nothing else', () => {
  fc.assert(
    fc.property(fc.oneof(v4Bytes, v6Bytes), fc.nat(5), (bytes, offset) => {
      const family: IpFamily = bytes.length === 4 ? 4 : 6
      const text = ipFromBytes(bytes, 0, family)
      const buffer = new Uint8Array(offset + bytes.length + 3).fill(0xa5)
      expect(writeIp(buffer, offset, text)).toBe(ipLength(family))
      const expected = new Uint8Array(buffer.length).fill(0xa5)
      expected.set(bytes, offset)
      expect(buffer).toEqual(expected)
      expect(ipFromBytes(buffer, offset, family)).toBe(text)
    }),
  )
})

test('canonical text reads as itself, and numbers and bytes agree', () => {
  fc.assert(
    fc.property(address, (ip) => {
      expect(parseIp(ip)).toBe(ip)
      expect(parseIp(ip.toUpperCase())).toBe(ip)
      expect(ipFromBigInt(ipToBigInt(ip), ipFamily(ip))).toBe(ip)
      expect(ipFromBytes(ipBytes(ip), 0, ipFamily(ip))).toBe(ip)
    }),
  )
})

test('every way of writing an IPv6 address out reads as the same address', () => {
  fc.assert(
    fc.property(v6Bytes, fc.nat(4), (bytes, width) => {
      const ip = ipFromBytes(bytes, 0, 6)
      const groups = Array.from({ length: 8 }, (_, i) =>
        (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16).padStart(width, '0'),
      )
      expect(parseIp(groups.join(':'))).toBe(ip)
      const dotted = [...bytes.subarray(12)].join('.')
      expect(parseIp(`${groups.slice(0, 6).join(':')}:${dotted}`)).toBe(ip)
    }),
  )
})

test('canonical text is what another implementation writes', () => {
  fc.assert(
    fc.property(v6Bytes, (bytes) => {
      const ip = ipFromBytes(bytes, 0, 6)
      // Node writes mapped addresses with a dotted tail; RFC 5952 §5 leaves that open.
      fc.pre(bytes.subarray(0, 8).some((byte) => byte !== 0))
      expect(ip).toBe(new NodeAddress({ address: ip, family: 'ipv6' }).address)
    }),
  )
})

test('arbitrary text is an address for us exactly when it is one for node, zones apart', () => {
  const char = fc.constantFrom(...'0123456789abcdefF:.:.:.%/ g'.split(''))
  const soup = fc.array(char, { maxLength: 24 }).map((chars) => chars.join(''))
  const bent = fc.tuple(address, fc.nat(30), char).map(([ip, at, c]) => {
    return ip.slice(0, at) + c + ip.slice(at + 1)
  })
  fc.assert(
    fc.property(fc.oneof(soup, bent, fc.string()), (text) => {
      let ok = true
      try {
        parseIp(text)
      } catch (error) {
        expect(hasCode(error, 'ERR_INVALID_VALUE')).toBe(true)
        ok = false
      }
      expect(ok).toBe(isIP(text) !== 0 && !text.includes('%'))
    }),
    { numRuns: 2000 },
  )
})
