/** Sizes, durations and times in the words that Docker's client has for them (docker/go-units). */

const BINARY_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB']
const MS_PER_SECOND = 1000
const NS_PER_SECOND = 1_000_000_000
const HOURS_PER_DAY = 24

/** `1.952GiB`: four digits, powers of 1024. */
export function bytesText(bytes: number): string {
  let size = bytes
  let unit = 0
  while (size >= 1024 && unit < BINARY_UNITS.length - 1) {
    size /= 1024
    unit += 1
  }
  return `${fourDigits(size)}${BINARY_UNITS[unit] ?? ''}`
}

/** Go's `%.4g` for what is below 10,000. */
function fourDigits(size: number): string {
  return String(Number(size.toPrecision(4)))
}

/** `3 months`, `5 seconds`, `About an hour`, of a duration in ms. */
export function humanDuration(durationMs: number): string {
  const seconds = Math.trunc(durationMs / MS_PER_SECOND)
  if (seconds < 1) return 'Less than a second'
  if (seconds === 1) return '1 second'
  if (seconds < 60) return `${seconds} seconds`
  const minutes = Math.trunc(seconds / 60)
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${minutes} minutes`
  const exactHours = durationMs / MS_PER_SECOND / 3600
  const hours = Math.trunc(exactHours + 0.5)
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${hours} hours`
  if (hours < HOURS_PER_DAY * 7 * 2) return `${Math.trunc(hours / HOURS_PER_DAY)} days`
  if (hours < HOURS_PER_DAY * 30 * 2) return `${Math.trunc(hours / HOURS_PER_DAY / 7)} weeks`
  if (hours < HOURS_PER_DAY * 365 * 2) return `${Math.trunc(hours / HOURS_PER_DAY / 30)} months`
  return `${Math.trunc(exactHours / HOURS_PER_DAY / 365)} years`
}

/** Go's text of a duration in ns: `2160h0m0s`, `1.5s`, `100ms`. */
export function goDuration(durationNs: number): string {
  if (durationNs === 0) return '0s'
  const sign = durationNs < 0 ? '-' : ''
  const ns = Math.abs(durationNs)
  if (ns < 1000) return `${sign}${ns}ns`
  if (ns < 1_000_000) return `${sign}${decimal(ns / 1000)}µs`
  if (ns < NS_PER_SECOND) return `${sign}${decimal(ns / 1_000_000)}ms`
  const totalSeconds = Math.trunc(ns / NS_PER_SECOND)
  const hours = Math.trunc(totalSeconds / 3600)
  const minutes = Math.trunc((totalSeconds % 3600) / 60)
  const seconds = decimal((totalSeconds % 60) + (ns % NS_PER_SECOND) / NS_PER_SECOND)
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`
}

function decimal(value: number): string {
  return String(Number(value.toFixed(9)))
}

/** Go's `time.Time.String()` of an RFC 3339 instant: `2026-01-02 03:04:05.000000006 +0000 UTC`. */
export function goTime(rfc3339: string): string {
  const parts = /^(\d+-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(rfc3339)
  if (parts === null) return rfc3339
  const [, date = '', time = '', fraction = '', zone = ''] = parts
  const digits = fraction.replace(/0+$/, '').replace(/^\.$/, '')
  const offset = zone === 'Z' ? '+0000 UTC' : `${zone.replace(':', '')} ${zone.replace(':', '')}`
  return `${date} ${time}${digits} ${offset}`
}

/** Docker's `PrettyPrint`: a capital, the rest small; a single letter stays small. */
export function capitalized(text: string): string {
  if (text.length <= 1) return text.toLowerCase()
  return text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase()
}
