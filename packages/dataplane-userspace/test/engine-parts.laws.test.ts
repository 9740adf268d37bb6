/** Parts of the switch against obviously right ones: tables against maps, sums against RFC 1071. */
import {
  cidrContains,
  ipBytes,
  ipFamily,
  macFromBytes,
  parseCidr,
  parseIp,
  parseMac,
  toHex,
  vni,
} from '@weft/core'
import { sumBytes } from '@weft/wire'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteSum, swapSum } from '../src/engine/byte-sum.ts'
import { ByteTable } from '../src/engine/byte-table.ts'
import { gatewayMac, isMacAt } from '../src/engine/gateway-mac.ts'
import { OwnerTable } from '../src/engine/owner-table.ts'
import { PrefixMatch } from '../src/engine/prefix-match.ts'
import { slowSum } from './naive-segments.ts'

test('a table is a map, whatever is set and deleted', () => {
  const key = fc.tuple(fc.nat(3), fc.nat(7)).map(([a, b]) => Uint8Array.of(0, a, 0, 0, 0, b))
  const step = fc.tuple(fc.constantFrom('set', 'delete'), key, fc.nat(2 ** 31 - 1))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new ByteTable(6)
      const map = new Map<string, number>()
      for (const [kind, bytes, value] of steps) {
        if (kind === 'set') {
          table.set(bytes, value)
          map.set(toHex(bytes), value)
        } else {
          table.delete(bytes)
          map.delete(toHex(bytes))
        }
        expect(table.size).toBe(map.size)
      }
      const entries = [...table.entries()].map(([bytes, value]) => [toHex(bytes), value] as const)
      expect(new Map(entries)).toEqual(map)
      for (let a = 0; a < 4; a++) {
        for (let b = 0; b < 8; b++) {
          const bytes = Uint8Array.of(9, 0, a, 0, 0, 0, b)
          expect(table.find(bytes, 1)).toBe(map.get(toHex(bytes.subarray(1))) ?? -1)
        }
      }
    }),
  )
})

test('a table of ten thousand finds each and nothing else', () => {
  const table = new ByteTable(4)
  const key = (i: number): Uint8Array => Uint8Array.of(10, 0, i >>> 8, i & 0xff)
  for (let i = 0; i < 10_000; i++) table.set(key(i), i)
  for (let i = 0; i < 10_000; i += 2) table.delete(key(i))
  for (let i = 0; i < 10_000; i++) expect(table.find(key(i), 0)).toBe(i % 2 === 0 ? -1 : i)
})

test('sums are those of RFC 1071 for every start and length', () => {
  const sums = new ByteSum()
  const bytes = Uint8Array.from({ length: 120 }, (_, i) => (i * 97 + 250) & 0xff)
  for (let start = 0; start < 40; start++) {
    for (let end = start; end <= bytes.length; end++) {
      expect(sums.of(bytes, start, end)).toBe(slowSum(bytes, start, end))
    }
  }
})

test('sums of any bytes are those of the wire package, in long packets too', () => {
  const sums = new ByteSum()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(1, 200), (piece, times) => {
      const bytes = new Uint8Array(piece.length * times)
      for (let i = 0; i < times; i++) bytes.set(piece, i * piece.length)
      expect(sums.of(bytes, 0, bytes.length)).toBe(sumBytes(bytes, 0, bytes.length))
    }),
  )
  expect(sums.of(new Uint8Array(65_535).fill(0xff), 0, 65_535)).toBe(
    slowSum(new Uint8Array(65_535).fill(0xff), 0, 65_535),
  )
})

test('a swapped sum is the sum one byte further', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      const shifted = Uint8Array.of(0, ...bytes)
      expect(swapSum(slowSum(bytes, 0, bytes.length)) % 0xffff).toBe(
        slowSum(shifted, 0, shifted.length) % 0xffff,
      )
    }),
  )
})

test('the gateway of a subnet is at the MAC that the kernel backend gives it', () => {
  expect(toHex(gatewayMac(vni(0xff_ffff)))).toBe('027765ffffff')
  expect(isMacAt(Uint8Array.of(9, 2, 0x77, 0x65, 0, 0x10, 1), 1, gatewayMac(vni(4097)))).toBe(true)
  expect(isMacAt(Uint8Array.of(9, 2, 0x77, 0x65, 0, 0x10, 1), 1, gatewayMac(vni(4098)))).toBe(false)
})

test('owners are found by address, whatever is set and deleted', () => {
  const ips = ['10.0.1.2', '10.0.1.3', 'fd00:1::2', 'fd00:1::3'].map(parseIp)
  const macs = ['02:42:0a:00:01:02', '02:42:0a:00:01:03'].map(parseMac)
  const step = fc.tuple(fc.constantFrom(...ips), fc.option(fc.constantFrom(...macs)))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const table = new OwnerTable()
      const map = new Map<string, string>()
      for (const [ip, mac] of steps) {
        if (mac === null) table.delete(ip)
        else table.set(ip, mac)
        if (mac === null) map.delete(ip)
        else map.set(ip, mac)
      }
      for (const ip of ips) {
        const bytes = Uint8Array.of(0, ...ipBytes(ip))
        const found = ipFamily(ip) === 4 ? table.find4(bytes, 1) : table.find6(bytes, 1)
        expect(found === null ? undefined : macFromBytes(found)).toBe(map.get(ip))
      }
      const entries = [...table.entries()].map(([ip, mac]) => [ip, macFromBytes(mac)] as const)
      expect(new Map<string, string>(entries)).toEqual(map)
    }),
  )
})

test('prefixes hold what core says they hold', () => {
  const prefixes = ['10.0.1.0/24', '10.0.0.0/13', '10.0.1.4/31', '0.0.0.0/0', 'fd00:1::/64']
  const addresses = ['10.0.1.5', '10.7.255.255', '10.8.0.0', '9.255.255.255', 'fd00:1::9', '::1']
  for (const cidr of prefixes.map(parseCidr)) {
    const match = new PrefixMatch(cidr)
    for (const ip of addresses.map(parseIp).filter((one) => ipFamily(one) === match.family)) {
      expect(match.holds(ipBytes(ip), 0)).toBe(cidrContains(cidr, ip))
    }
  }
})
