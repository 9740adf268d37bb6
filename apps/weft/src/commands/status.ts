/** `weft status`: how this node is, in a screen. */
import type { StatusJson } from '@weft/engine-api/client'
import { NO_OPERANDS, type CommandSpec } from '../command.ts'
import { JSON_OPTION, jsonOutput } from '../output/rows.ts'

/** `status`. */
export const status: CommandSpec = {
  name: 'status',
  summary: 'Show how this node is: its cluster, its dataplane, what failed',
  operands: NO_OPERANDS,
  options: [JSON_OPTION],
  examples: ['status', 'status --json'],
  run: async ({ client, options, out, signal }) => {
    const answer = await client.status({ signal })
    out.write(options.has('json') ? jsonOutput(answer) : statusText(answer))
    return undefined
  },
}

/** Lines of `name: value`; what is empty is left out. */
export function statusText(status: StatusJson): string {
  const managers = status.managers.map(({ address }) => address).join(', ')
  const lines = [
    ['State', status.state],
    ['Error', status.error],
    ['Node', status.nodeId === '' ? '' : `${status.nodeId} (${status.hostname})`],
    ['Cluster', status.clusterId],
    ['Role', status.role ?? ''],
    ['Address', status.nodeAddress],
    ['Managers', managers],
    ['Session', status.role === null ? '' : status.connected ? 'open' : 'closed'],
    ['Ready', status.ready ? 'yes' : 'no'],
    ['Dataplane', status.dataplane],
    ['Networks', String(status.networks)],
    ['Attachments', String(status.attachments)],
    ['Peers', String(status.peers)],
  ]
  const width = 13
  const shown = lines.filter(([, value]) => value !== '')
  return [
    ...shown.map(([name = '', value = '']) => `${`${name}:`.padEnd(width)}${value}\n`),
    ...section('Not programmed', status.failedItems.map(({ item, code, message }) => {
      return `${item}: ${message} (${code})`
    })),
    ...section('Address use', status.usage.map(({ name, allocated, capacity, alarm }) => {
      return `${name}: ${allocated} of ${capacity}${alarm ? ', nearly full' : ''}`
    })),
  ].join('')
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:\n`, ...lines.map((line) => `  ${line}\n`)]
}
