import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  assert,
  equalBytes,
  formatSocketAddress,
  fromHex,
  instantAfter,
  isGroupMac,
  MAC_BYTES,
  macFromBytes,
  parseIp,
  parseMac,
  PORT_MAX,
  setU16,
  setU16le,
  setU24,
  setU32,
  setU32le,
  setU8,
  toHex,
  u16,
  u16le,
  u24,
  u32,
  u32le,
  u8,
  unreachable,
  vni,
  VNI_MAX,
  writeMac,
  type Instant,
} from '../src/index.ts'

describe('a MAC address', () => {
  test('reads with colons or dashes, in either case, as one canonical text', () => {
    expect(parseMac('02:42:0A:00:01:02')).toBe('02:42:0a:00:01:02')
    expect(parseMac('02-42-0a-00-01-02')).toBe('02:42:0a:00:01:02')
  })

  test.each([
    '', '02:42:0a:00:01', '02:42:0a:00:01:02:03', '02:42:0a:00:01:0g', '2:42:0a:00:01:02',
    '02420a000102', '0242.0a00.0102', '02:42-0a:00-01:02', '02:42:0a:00:01:02\n',
  ])('is not %j', (text) => {
    const details = expect.objectContaining({ kind: 'mac', text })
    expect(() => parseMac(text)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_VALUE', details }),
    )
  })

  test('goes to bytes and back at any offset, touching nothing else', () => {
    const six = fc.uint8Array({ minLength: MAC_BYTES, maxLength: MAC_BYTES })
    fc.assert(
      fc.property(six, fc.nat(5), (bytes, offset) => {
        const mac = macFromBytes(bytes)
        expect(parseMac(mac)).toBe(mac)
        const buffer = new Uint8Array(offset + MAC_BYTES + 2).fill(0xa5)
        writeMac(buffer, offset, mac)
        expect(macFromBytes(buffer, offset)).toBe(mac)
        expect(buffer.subarray(offset, offset + MAC_BYTES)).toEqual(bytes)
        const around = [...buffer.subarray(0, offset), ...buffer.subarray(offset + MAC_BYTES)]
        expect(around.every((byte) => byte === 0xa5)).toBe(true)
        expect(isGroupMac(mac)).toBe((u8(bytes, 0) & 1) === 1)
      }),
    )
  })
})

describe('a VNI', () => {
  test('is a whole number of 24 bits', () => {
    expect([vni(0), vni(4096), vni(VNI_MAX)]).toEqual([0, 4096, 16_777_215])
    for (const bad of [-1, VNI_MAX + 1, 1.5, Number.NaN, Infinity]) {
      expect(() => vni(bad)).toThrow(
        expect.objectContaining({
          code: 'ERR_INVALID_VALUE',
          details: expect.objectContaining({ kind: 'vni', text: String(bad) }),
        }),
      )
    }
  })
})

describe('bytes', () => {
  const accessors = [
    { name: 'u8', size: 1, read: u8, write: setU8, little: false },
    { name: 'u16', size: 2, read: u16, write: setU16, little: false },
    { name: 'u24', size: 3, read: u24, write: setU24, little: false },
    { name: 'u32', size: 4, read: u32, write: setU32, little: false },
    { name: 'u16le', size: 2, read: u16le, write: setU16le, little: true },
    { name: 'u32le', size: 4, read: u32le, write: setU32le, little: true },
  ] as const

  test.each(accessors)('$name writes its bytes in order, only those, and reads them back', (a) => {
    fc.assert(
      fc.property(fc.nat(2 ** (8 * a.size) - 1), fc.nat(4), (value, offset) => {
        const buffer = new Uint8Array(offset + a.size + 2).fill(0xa5)
        a.write(buffer, offset, value)
        expect(a.read(buffer, offset)).toBe(value)
        const digits = value.toString(16).padStart(2 * a.size, '0')
        const expected = (fromHex(digits) ?? new Uint8Array()).slice()
        if (a.little) expected.reverse()
        expect(buffer.subarray(offset, offset + a.size)).toEqual(expected)
        expect(buffer[offset + a.size]).toBe(0xa5)
        expect(offset === 0 || buffer[offset - 1] === 0xa5).toBe(true)
      }),
    )
  })

  test('hexadecimal goes both ways and refuses what it is not', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes)
      }),
    )
    expect(fromHex('de AD\nbe ef')).toEqual(Uint8Array.of(0xde, 0xad, 0xbe, 0xef))
    expect([fromHex('abc'), fromHex('zz'), fromHex('0x12'), fromHex('-1')]).toEqual([
      null, null, null, null,
    ])
  })

  test('equality is by content and length', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true)
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false)
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).toBe(false)
    expect(equalBytes(new Uint8Array(), new Uint8Array())).toBe(true)
  })
})

test('socket addresses read like URLs', () => {
  expect(formatSocketAddress({ ip: parseIp('10.0.0.1'), port: 4789 })).toBe('10.0.0.1:4789')
  expect(formatSocketAddress({ ip: parseIp('fd00::1'), port: PORT_MAX })).toBe('[fd00::1]:65535')
})

test('instants move by milliseconds', () => {
  expect(instantAfter(1000 as Instant, 250)).toBe(1250)
  expect(instantAfter(1000 as Instant, -250)).toBe(750)
})

test('assertions crash on bugs and pass otherwise', () => {
  expect(() => assert(true, 'fine')).not.toThrow()
  expect(() => assert(false, 'two is one')).toThrow('bug: two is one')
  expect(() => unreachable('odd' as never)).toThrow('bug: unreachable value odd')
})
