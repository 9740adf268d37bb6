/** Moments as Docker writes and reads them: RFC 3339 to the nanosecond, and Go's durations. */
import { swarmError } from '@weft/swarm'

/** Seconds and nanoseconds since the epoch: a protobuf Timestamp, or nothing. */
export type Moment = { readonly seconds: bigint; readonly nanos: number } | undefined

/** What Go prints for a time that was never set. */
const NEVER = '0001-01-01T00:00:00Z'
const SECONDS_LENGTH = 'YYYY-MM-DDTHH:MM:SS'.length
/** 9999-12-31T23:59:59Z: RFC 3339 has four digits for a year. */
const LAST_SECOND = 253_402_300_799n
const NANOS_PER_SECOND = 1_000_000_000n
const NANOS_PER_MS = 1_000_000n

/** `2026-11-21T11:44:52.29235Z`: nanoseconds without zeros at the end. */
export function formatMoment(moment: Moment): string {
  if (moment === undefined) return NEVER
  const { seconds, nanos } = moment
  if (seconds < 0n || seconds > LAST_SECOND) return NEVER
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, SECONDS_LENGTH)
  const fraction = String(nanos).padStart(9, '0').replace(/0+$/, '')
  return fraction === '' ? `${whole}Z` : `${whole}.${fraction}Z`
}

/** Epoch milliseconds in the same form. */
export function formatWall(wallMs: number): string {
  return formatMoment(momentOf(BigInt(Math.trunc(wallMs)) * NANOS_PER_MS))
}

/** Nanoseconds since the epoch; 0 for a time that was never set. */
export function nanosOf(moment: Moment): bigint {
  return moment === undefined ? 0n : moment.seconds * NANOS_PER_SECOND + BigInt(moment.nanos)
}

function momentOf(nanos: bigint): Moment {
  return { seconds: nanos / NANOS_PER_SECOND, nanos: Number(nanos % NANOS_PER_SECOND) }
}

const UNIX = /^(-?\d{1,12})(?:\.(\d{1,9}))?$/
const DATE = /^(\d{4}-\d{2}-\d{2})(?:T([\d:]{2,8})(?:\.(\d{1,9}))?)?(Z|[-+]\d{2}:\d{2})?$/
const SPAN = /^(?:\d{1,12}(?:\.\d{0,9})?(?:ns|us|µs|ms|s|m|h))+$/
const SPAN_PART = /(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g
const UNIT_NANOS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1_000,
  µs: 1_000,
  ms: 1_000_000,
  s: 1_000_000_000,
  m: 60_000_000_000,
  h: 3_600_000_000_000,
}

/**
 * Epoch seconds with a fraction, RFC 3339 down to a day (UTC unless it says), or how long before
 * `wallMs` as Go writes it (`1h30m`). Nanoseconds since the epoch. Throws ERR_INVALID_ARGUMENT.
 */
export function parseMoment(text: string, wallMs: number): bigint {
  const unix = UNIX.exec(text)
  if (unix !== null) return unixNanos(unix[1] ?? '', unix[2] ?? '')
  const date = DATE.exec(text)
  if (date !== null) {
    const [, day = '', time = '', fraction = '', zone = 'Z'] = date
    const nanos = dateNanos(`${day}T${fullTime(time)}${zone}`, fraction)
    if (nanos !== null) return nanos
  }
  if (SPAN.test(text)) return BigInt(Math.trunc(wallMs)) * NANOS_PER_MS - spanNanos(text)
  const message = `failed to parse value as time or duration: ${JSON.stringify(text)}`
  throw swarmError('ERR_INVALID_ARGUMENT', message, { subject: text })
}

function unixNanos(seconds: string, fraction: string): bigint {
  return BigInt(seconds) * NANOS_PER_SECOND + BigInt(fraction.padEnd(9, '0'))
}

/** `11`, `11:44` and `11:44:52` are the same hour. */
function fullTime(time: string): string {
  const [hour = '', minute = '00', second = '00'] = time.split(':')
  return `${hour === '' ? '00' : hour}:${minute}:${second}`
}

function dateNanos(date: string, fraction: string): bigint | null {
  const ms = Date.parse(date)
  if (Number.isNaN(ms)) return null
  return BigInt(ms) * NANOS_PER_MS + BigInt(fraction.padEnd(9, '0'))
}

function spanNanos(text: string): bigint {
  let nanos = 0
  for (const [, count, unit] of text.matchAll(SPAN_PART)) {
    nanos += Number(count) * (UNIT_NANOS[unit ?? ''] ?? 0)
  }
  return BigInt(Math.trunc(nanos))
}
