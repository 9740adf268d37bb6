/** Times in messages: google.protobuf's Timestamp and Duration as milliseconds, and back. */
import { create } from '@bufbuild/protobuf'
import {
  DurationSchema,
  TimestampSchema,
  type Duration,
  type Timestamp,
} from '@bufbuild/protobuf/wkt'

/** The longest duration and latest time that are told exactly, in ms: years 1 to 9999. */
export const WIRE_TIME_MS_MAX = 253_402_300_799_999

/** A wall time in epoch ms as a Timestamp. */
export function timestampOf(wallMs: number): Timestamp {
  return create(TimestampSchema, partsOf(wallMs, 'floor'))
}

/** A Timestamp in epoch ms, without what is below a millisecond; 0 when there is none. */
export function wallOf(timestamp: Timestamp | undefined): number {
  return timestamp === undefined ? 0 : msOfParts(timestamp)
}

/** A length of time in ms as a Duration. */
export function durationOf(ms: number): Duration {
  return create(DurationSchema, partsOf(ms, 'trunc'))
}

/** A Duration in ms, without what is below a millisecond; null when there is none. */
export function msOf(duration: Duration | undefined): number | null {
  return duration === undefined ? null : msOfParts(duration)
}

/** Nanoseconds of a Timestamp are never negative, those of a Duration have its sign. */
function partsOf(ms: number, rounding: 'floor' | 'trunc'): { seconds: bigint; nanos: number } {
  const whole = Math.trunc(clamp(ms))
  const seconds = Math[rounding](whole / 1000)
  return { seconds: BigInt(seconds), nanos: (whole - seconds * 1000) * 1_000_000 }
}

function msOfParts({ seconds, nanos }: { seconds: bigint; nanos: number }): number {
  return clamp(Number(seconds) * 1000 + Math.trunc(nanos / 1_000_000))
}

/** What others send may be any number; ours stay exact. */
function clamp(ms: number): number {
  return Math.max(-WIRE_TIME_MS_MAX, Math.min(WIRE_TIME_MS_MAX, ms))
}
