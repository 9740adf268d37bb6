/** Timestamps and durations, there and back, and what others may send. */
import { create } from '@bufbuild/protobuf'
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { durationOf, msOf, timestampOf, wallOf, WIRE_TIME_MS_MAX } from '../src/index.ts'

const anyMs = fc.integer({ min: -WIRE_TIME_MS_MAX, max: WIRE_TIME_MS_MAX })

describe('times in messages', () => {
  it('come back as they went, before 1970 and at both ends too', () => {
    fc.assert(
      fc.property(fc.oneof(anyMs, fc.constantFrom(-1, 0, 1, 999, WIRE_TIME_MS_MAX)), (ms) => {
        expect(wallOf(timestampOf(ms))).toBe(ms)
        expect(msOf(durationOf(ms))).toBe(ms)
        expect(timestampOf(ms).nanos).toBeGreaterThanOrEqual(0)
        expect(Math.sign(durationOf(ms).nanos) * Math.sign(ms)).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  it('stay exact whatever is sent', () => {
    const huge = { seconds: 2n ** 63n - 1n, nanos: 2 ** 31 - 1 }
    expect(wallOf(create(TimestampSchema, huge))).toBe(WIRE_TIME_MS_MAX)
    const long = create(DurationSchema, { seconds: -(2n ** 63n), nanos: 0 })
    expect(msOf(long)).toBe(-WIRE_TIME_MS_MAX)
    expect(wallOf(timestampOf(WIRE_TIME_MS_MAX + 1))).toBe(WIRE_TIME_MS_MAX)
  })

  it('are 0 or null when they are not there', () => {
    expect(wallOf(undefined)).toBe(0)
    expect(msOf(undefined)).toBe(null)
  })

  it('lose what is below a millisecond', () => {
    expect(msOf(create(DurationSchema, { seconds: 4n, nanos: 530_999_999 }))).toBe(4530)
    expect(wallOf(create(TimestampSchema, { seconds: 1n, nanos: 999_999 }))).toBe(1000)
  })
})
