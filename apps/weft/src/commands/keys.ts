/** `weft keys`: which keys are in use, by tag and age; never what they are. */
import { NO_OPERANDS, type CommandSpec } from '../command.ts'
import { JSON_OPTION, jsonOutput, tableText } from '../output/rows.ts'
import { humanDuration } from '../output/units.ts'

/** `keys`. */
export const keys: CommandSpec = {
  name: 'keys',
  summary: 'List the keys in use: tags and ages, never material',
  operands: NO_OPERANDS,
  options: [JSON_OPTION],
  examples: ['keys', 'keys --json'],
  run: async ({ client, options, out, signal }) => {
    const all = await client.keys({ signal })
    if (options.has('json')) {
      out.write(jsonOutput(all))
      return undefined
    }
    // The daemon's own clock: ages are differences of its readings.
    const now = Date.parse((await client.info({ signal })).SystemTime)
    const rows = all.map(({ subsystem, tag, isPrimary, since }) => {
      return [subsystem, tag, isPrimary ? '*' : '', humanDuration(Math.max(now - since, 0))]
    })
    out.write(tableText(['SUBSYSTEM', 'TAG', 'PRIMARY', 'AGE'], rows))
    return undefined
  },
}
