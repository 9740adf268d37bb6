/** The stream of events: GET /events, a line each. */
import { instantAfter } from '@weft/core'
import { swarmError } from '@weft/swarm'
import type { Hono } from 'hono'
import type { EngineContext, EngineEnv } from '../engine-context.ts'
import { EVENT_LISTENERS_MAX, eventLine, type EngineEvent } from '../events/event-log.ts'
import { nowOf } from '../events/event-sources.ts'
import { FilterSet, hasLabel } from '../query.ts'
import { parseMoment } from '../timestamps.ts'

/** Events that may wait for one slow reader, before its stream is ended. */
export const EVENT_BACKLOG_MAX = 1024

/** Docker's; those about other kinds of objects are known, and nothing fits them. */
const FILTERS = [
  ...['config', 'container', 'daemon', 'event', 'image', 'label', 'network', 'node', 'plugin'],
  ...['scope', 'secret', 'service', 'type', 'volume'],
]
const ABSENT = ['config', 'container', 'daemon', 'image', 'plugin', 'secret', 'service', 'volume']

/** Adds the route. */
export function eventRoutes(app: Hono<EngineEnv>, context: EngineContext): void {
  app.get('/events', (request) => {
    const wall = context.clock.wall()
    const since = momentOf(request.req.query('since'), wall)
    const until = momentOf(request.req.query('until'), wall)
    if (since !== null && until !== null && since > until) throw swapped(since, until)
    const fits = eventFilter(FilterSet.parse(request.req.query('filters'), FILTERS))
    const stream = eventStream(context, { since, until, fits })
    request.header('content-type', 'application/json')
    return request.body(stream)
  })
}

interface Wanted {
  /** Nanoseconds since the epoch, as is `until`. Null: from now on. */
  readonly since: bigint | null
  /** Null: for as long as the reader likes. */
  readonly until: bigint | null
  readonly fits: (event: EngineEvent) => boolean
}

/** Throws ERR_EXHAUSTED when too many listen already. */
function eventStream(context: EngineContext, wanted: Wanted): ReadableStream<Uint8Array> {
  const { events, clock } = context
  const encoder = new TextEncoder()
  const ends: Disposable[] = []
  const stop = (): void => ends.splice(0).forEach((one) => one[Symbol.dispose]())
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null
  const end = (): void => {
    stop()
    controller?.close()
    controller = null
  }
  const hear = (event: EngineEvent): void => {
    if (!wanted.fits(event) || (wanted.until !== null && event.nanos > wanted.until)) return
    controller?.enqueue(encoder.encode(eventLine(event)))
    if ((controller?.desiredSize ?? 1) <= 0) end()
  }
  const start = (given: ReadableStreamDefaultController<Uint8Array>): void => {
    controller = given
    for (const event of wanted.since === null ? [] : events.since(wanted.since)) hear(event)
    if (wanted.until !== null && wanted.until <= nowOf(clock)) return end()
    const listening = events.listen(hear, end)
    if (listening === null) {
      const message = `more than ${EVENT_LISTENERS_MAX} listen to events`
      throw swarmError('ERR_EXHAUSTED', message, { subject: 'events' })
    }
    ends.push(listening)
    if (wanted.until !== null) ends.push(endingAt(context, wanted.until, end))
  }
  const cancel = (): void => {
    controller = null
    stop()
  }
  return new ReadableStream({ start, cancel }, { highWaterMark: EVENT_BACKLOG_MAX })
}

function endingAt({ clock }: EngineContext, until: bigint, end: () => void): Disposable {
  const ms = Number((until - nowOf(clock)) / 1_000_000n) + 1
  return clock.schedule(instantAfter(clock.now(), ms), end)
}

function momentOf(text: string | undefined, wallMs: number): bigint | null {
  return text === undefined || text === '' ? null : parseMoment(text, wallMs)
}

function swapped(since: bigint, until: bigint): Error {
  const [a, b] = [since / 1_000_000_000n, until / 1_000_000_000n]
  const message = `\`since\` time (${a}) cannot be after \`until\` time (${b})`
  return swarmError('ERR_INVALID_ARGUMENT', message, { subject: 'since' })
}

function eventFilter(filters: FilterSet): (event: EngineEvent) => boolean {
  return ({ Type, Action, Actor, scope }) =>
    ABSENT.every((name) => filters.get(name).length === 0) &&
    filters.match('type', (term) => term === Type) &&
    filters.match('event', (term) => term === Action) &&
    filters.match('scope', (term) => term === scope) &&
    filters.match('label', (term) => hasLabel(Actor.Attributes, term)) &&
    ['network', 'node'].every((kind) =>
      filters.match(kind, (term) => Type === kind && isNamed(Actor, term)),
    )
}

function isNamed({ ID, Attributes }: EngineEvent['Actor'], term: string): boolean {
  return ID === term || Attributes['name'] === term
}
