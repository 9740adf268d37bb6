/** `weft network prune`: all networks that nothing uses. */
import { NO_OPERANDS, type CommandSpec } from '../command.ts'
import { filtersOf } from '../options/filters.ts'
import { confirms } from '../output/confirmation.ts'

const WARNING =
  'WARNING! This will remove all custom networks not used by at least one container.\n' +
  'Are you sure you want to continue?'

/** `network prune`. */
export const networkPrune: CommandSpec = {
  name: 'prune',
  summary: 'Remove all unused networks',
  operands: NO_OPERANDS,
  options: [
    { name: 'filter', value: 'filter', about: "Provide filter values (e.g. 'until=<timestamp>')" },
    { name: 'force', short: 'f', about: 'Do not prompt for confirmation' },
  ],
  examples: ['network prune --force'],
  run: async (invocation) => {
    const { client, options, out, signal } = invocation
    const filters = filtersOf(options)
    if (!options.has('force') && !(await confirms(invocation, WARNING))) return undefined
    const names = await client.networks.prune({ filters }, { signal })
    if (names.length > 0) out.write(`Deleted Networks:\n${names.join('\n')}\n\n`)
    return undefined
  },
}
