/** `weft peers`: the other nodes as gossip sees them. */
import { NO_OPERANDS, type CommandSpec } from '../command.ts'
import { JSON_OPTION, jsonOutput, tableText } from '../output/rows.ts'

/** `peers`. */
export const peers: CommandSpec = {
  name: 'peers',
  summary: 'List the other nodes as gossip sees them',
  operands: NO_OPERANDS,
  options: [JSON_OPTION],
  examples: ['peers', 'peers --json'],
  run: async ({ client, options, out, signal }) => {
    const all = await client.peers({ signal })
    const rows = all.map(({ name, address, state, weft, networks }) => {
      return [name, address, state, weft ? 'weft' : 'docker', String(networks.length)]
    })
    const headers = ['NAME', 'ADDRESS', 'STATE', 'KIND', 'SHARED NETWORKS']
    out.write(options.has('json') ? jsonOutput(all) : tableText(headers, rows))
    return undefined
  },
}
