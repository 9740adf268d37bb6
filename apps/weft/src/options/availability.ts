/** `--availability`, of `swarm init` and `swarm join`. */
import { CommandFailure } from '../command-failure.ts'
import type { Options, OptionSpec } from '../option.ts'

/** The option as it is declared. */
export const AVAILABILITY_OPTION: OptionSpec = {
  name: 'availability',
  value: 'string',
  about: 'Availability of the node ("active"|"pause"|"drain") (default "active")',
}

/** What to send: nothing when it was not given. Throws CommandFailure with Docker's words. */
export function availabilityOf(options: Options): { readonly Availability?: string } {
  const text = options.textOrNull('availability')
  if (text === null) return {}
  const availability = text.toLowerCase()
  if (['active', 'pause', 'drain'].includes(availability)) return { Availability: availability }
  const problem = 'only active, pause and drain are supported'
  throw new CommandFailure(`invalid availability ${JSON.stringify(text)}, ${problem}`)
}
