/** `weft events`: what happens, as it happens. */
import type { EventJson } from '@weft/engine-api/client'
import { CommandFailure, EXIT_FORMAT } from '../command-failure.ts'
import { NO_OPERANDS, type CommandSpec } from '../command.ts'
import { eventShape } from '../docker-shapes.ts'
import { TemplateFault } from '../go-template/template-fault.ts'
import { Template } from '../go-template/template.ts'
import { filtersOf } from '../options/filters.ts'
import { timestampOf } from '../options/timestamps.ts'

const NS_PER_SECOND = 1_000_000_000
const MS_PER_SECOND = 1000
const MS_PER_MINUTE = 60_000

/** `events`. */
export const events: CommandSpec = {
  name: 'events',
  summary: 'Get real time events from the server',
  operands: NO_OPERANDS,
  options: [
    {
      name: 'filter',
      short: 'f',
      value: 'filter',
      about: 'Filter output based on conditions provided',
    },
    { name: 'format', value: 'string', about: 'Format the output using the given Go template' },
    { name: 'since', value: 'string', about: 'Show all events created since timestamp' },
    { name: 'until', value: 'string', about: 'Stream events until this timestamp' },
  ],
  examples: ['events --filter type=network', "events --format '{{json .}}'"],
  run: async (invocation) => {
    const { client, options, out, signal } = invocation
    const template = options.text('format') === '' ? null : checked(options.text('format'))
    const query = {
      filters: filtersOf(options),
      since: await timestampOf(invocation, options.text('since')),
      until: await timestampOf(invocation, options.text('until')),
    }
    for await (const event of client.events(query, { signal })) {
      const line = template === null ? eventLine(event) : template.execute(eventShape(event))
      out.write(`${line}\n`)
    }
    return undefined
  },
}

/** A template that fits no event is refused before one comes. */
function checked(format: string): Template {
  try {
    const template = Template.parse(format)
    template.execute(eventShape({}))
    return template
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error
    throw new CommandFailure(`Error parsing format: ${error.message}`, EXIT_FORMAT)
  }
}

/** One event as Docker's client prints it, in the time zone of the user. */
export function eventLine({ Type, Action, Actor, time, timeNano }: EventJson): string {
  const instant = time === 0 ? '' : `${instantText(time, timeNano)} `
  const keys = Object.keys(Actor.Attributes).sort()
  const attributes = keys.map((key) => `${key}=${Actor.Attributes[key] ?? ''}`).join(', ')
  const facts = attributes === '' ? '' : ` (${attributes})`
  return `${instant}${Type} ${Action} ${Actor.ID}${facts}`
}

function instantText(seconds: number, nanoseconds: number): string {
  const fraction = Math.max(nanoseconds - seconds * NS_PER_SECOND, 0) % NS_PER_SECOND
  const offsetMinutes = -new Date(seconds * MS_PER_SECOND).getTimezoneOffset()
  const local = new Date(seconds * MS_PER_SECOND + offsetMinutes * MS_PER_MINUTE)
  const digits = String(fraction).padStart(9, '0')
  return `${local.toISOString().slice(0, 19)}.${digits}${zoneText(offsetMinutes)}`
}

function zoneText(offsetMinutes: number): string {
  if (offsetMinutes === 0) return 'Z'
  const size = Math.abs(offsetMinutes)
  const hours = String(Math.trunc(size / 60)).padStart(2, '0')
  return `${offsetMinutes < 0 ? '-' : '+'}${hours}:${String(size % 60).padStart(2, '0')}`
}
