/** Moments, in Docker's form and from what people write. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatMoment, formatWall, nanosOf, parseMoment } from '../src/timestamps.ts'

const NOW_MS = Date.parse('2026-11-21T12:00:00Z')
const at = (text: string): bigint => BigInt(Date.parse(text)) * 1_000_000n

describe('formatting', () => {
  test.each([
    [{ seconds: 1_795_263_378n, nanos: 0 }, '2026-11-21T12:16:18Z'],
    [{ seconds: 1_795_263_378n, nanos: 912_357_440 }, '2026-11-21T12:16:18.91235744Z'],
    [{ seconds: 1_795_263_378n, nanos: 1 }, '2026-11-21T12:16:18.000000001Z'],
    [{ seconds: 0n, nanos: 0 }, '1970-01-01T00:00:00Z'],
    [{ seconds: 253_402_300_799n, nanos: 0 }, '9999-12-31T23:59:59Z'],
    [{ seconds: 253_402_300_800n, nanos: 0 }, '0001-01-01T00:00:00Z'],
    [{ seconds: -1n, nanos: 0 }, '0001-01-01T00:00:00Z'],
    [undefined, '0001-01-01T00:00:00Z'],
  ])('%o is %s', (moment, text) => {
    expect(formatMoment(moment)).toBe(text)
  })

  test('a wall time', () => {
    expect(formatWall(NOW_MS + 5)).toBe('2026-11-21T12:00:00.005Z')
  })
})

describe('parsing', () => {
  test.each([
    ['0', 0n],
    ['1795263378.912357440', 1_795_263_378_912_357_440n],
    ['1795263378.5', 1_795_263_378_500_000_000n],
    ['2026-11-21', at('2026-11-21T00:00:00Z')],
    ['2026-11-21T11', at('2026-11-21T11:00:00Z')],
    ['2026-11-21T11:44', at('2026-11-21T11:44:00Z')],
    ['2026-11-21T11:44:52Z', at('2026-11-21T11:44:52Z')],
    ['2026-11-21T11:44:52.000000001Z', at('2026-11-21T11:44:52Z') + 1n],
    ['2026-11-21T11:44:52+01:00', at('2026-11-21T10:44:52Z')],
    ['10m', at('2026-11-21T11:50:00Z')],
    ['1h30m', at('2026-11-21T10:30:00Z')],
    ['1.5s', at('2026-11-21T12:00:00Z') - 1_500_000_000n],
    ['250ms', at('2026-11-21T12:00:00Z') - 250_000_000n],
  ])('%s', (text, nanos) => {
    expect(parseMoment(text, NOW_MS)).toBe(nanos)
  })

  test.each(['moon', '', '2026-13-01', '2026-11-21T99', '5 m', '1e9', 'm', '2026-11-21T1:2:3:4'])(
    'not %j',
    (text) => {
      expect(() => parseMoment(text, NOW_MS)).toThrow('failed to parse value as time')
    },
  )

  test('law: what was formatted is read back to the nanosecond', () => {
    const nanos = fc.integer({ min: 0, max: 999_999_999 })
    const seconds = fc.bigInt({ min: 0n, max: 253_402_300_799n })
    fc.assert(
      fc.property(fc.record({ seconds, nanos }), (moment) => {
        expect(parseMoment(formatMoment(moment), 0)).toBe(nanosOf(moment))
      }),
    )
  })
})
