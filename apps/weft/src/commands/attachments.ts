/** `weft attachments`: the endpoints of this node. */
import type { AttachmentJson } from '@weft/engine-api/client'
import { NO_OPERANDS, type CommandSpec } from '../command.ts'
import { JSON_OPTION, jsonOutput, tableText } from '../output/rows.ts'

/** As long as a short ID is. */
const SHORT_ID_LENGTH = 12
const HEADERS = ['ENDPOINT ID', 'NETWORK', 'NAME', 'ADDRESS', 'INTERFACE', 'NAMESPACE', 'STATE']

/** `attachments`. */
export const attachments: CommandSpec = {
  name: 'attachments',
  summary: 'List the endpoints of this node',
  operands: NO_OPERANDS,
  options: [
    JSON_OPTION,
    { name: 'no-trunc', about: 'Do not truncate the output' },
    { name: 'quiet', short: 'q', about: 'Only display endpoint IDs' },
  ],
  examples: ['attachments', 'attachments --json'],
  run: async ({ client, options, out, signal }) => {
    const all = await client.attachments.list({ signal })
    const length = options.has('no-trunc') ? Infinity : SHORT_ID_LENGTH
    if (options.has('json')) out.write(jsonOutput(all))
    else if (options.has('quiet')) {
      out.write(all.map(({ endpointId }) => `${endpointId.slice(0, length)}\n`).join(''))
    } else out.write(tableText(HEADERS, all.map((one) => cellsOf(one, length))))
    return undefined
  },
}

function cellsOf(one: AttachmentJson, length: number): string[] {
  const state = one.error === '' ? one.state : `${one.state}: ${one.error}`
  const { networkName, name, addresses, ifname, netns } = one
  const id = one.endpointId.slice(0, length)
  return [id, networkName, name, addresses.join(', '), ifname, netns, state]
}
