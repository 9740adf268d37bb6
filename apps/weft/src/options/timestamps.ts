/** `--since` and `--until`: instants as Docker's client takes them. */
import { CommandFailure } from '../command-failure.ts'
import type { Invocation } from '../command.ts'
import { parseDuration } from './durations.ts'

const NS_PER_MS = 1_000_000
const MS_PER_SECOND = 1000
const DATE = /^\d{4}-\d\d-\d\d(?:T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)?(Z|[+-]\d\d:\d\d)?$/

/**
 * What the daemon is asked for: seconds since 1970. A duration counts back from the daemon's own
 * clock; a date without a zone is one of the user's. Throws CommandFailure.
 */
export async function timestampOf(
  { client, signal }: Pick<Invocation, 'client' | 'signal'>,
  text: string,
): Promise<string> {
  if (text === '' || /^\d+(\.\d{1,9})?$/.test(text)) return text
  const agoNs = parseDuration(text)
  if (agoNs !== null) {
    const { SystemTime } = await client.info({ signal })
    return secondsText(Date.parse(SystemTime) - agoNs / NS_PER_MS)
  }
  const at = DATE.test(text) ? Date.parse(completed(text)) : Number.NaN
  if (!Number.isNaN(at)) return secondsText(at)
  throw new CommandFailure(`failed to parse value as time or duration: ${JSON.stringify(text)}`)
}

/** JavaScript wants minutes, and takes a date without a time for one in UTC. */
function completed(text: string): string {
  const [, zone = ''] = DATE.exec(text) ?? []
  const bare = text.slice(0, text.length - zone.length)
  const time = bare.slice('2006-01-02T'.length)
  const minutes = time === '' ? '00:00' : time.length === 2 ? `${time}:00` : time
  return `${bare.slice(0, '2006-01-02'.length)}T${minutes}${zone}`
}

function secondsText(atMs: number): string {
  const ms = Math.round(atMs)
  const seconds = Math.floor(ms / MS_PER_SECOND)
  return `${seconds}.${String((ms - seconds * MS_PER_SECOND) * NS_PER_MS).padStart(9, '0')}`
}
