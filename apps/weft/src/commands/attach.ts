/** `weft attach`: something that has a network namespace gets an interface on a network. */
import { resolve } from 'node:path'
import type { AttachJson } from '@weft/engine-api/client'
import { CommandFailure, EXIT_USAGE } from '../command-failure.ts'
import { NO_OPERANDS, type CommandSpec } from '../command.ts'
import { OptionFailure, type Options, type OptionSpec } from '../option.ts'
import { JSON_OPTION, jsonOutput } from '../output/rows.ts'

/** Options that say what is attached to which network; `run` has them too. */
export const ENDPOINT_OPTIONS: readonly OptionSpec[] = [
  { name: 'alias', value: 'list', about: 'Another name for the endpoint on the network' },
  {
    name: 'ifname',
    value: 'string',
    about: 'Name of the interface (default: first free of eth0, eth1…)',
  },
  { name: 'ip', value: 'string', about: 'Address of the endpoint (default: any free one)' },
  { name: 'name', value: 'string', about: 'Name of the endpoint' },
  { name: 'network', value: 'string', about: 'Network to attach to, by name or ID' },
]

/** `attach`. */
export const attach: CommandSpec = {
  name: 'attach',
  summary: 'Attach a network namespace to a network',
  operands: NO_OPERANDS,
  options: [
    ...ENDPOINT_OPTIONS,
    JSON_OPTION,
    { name: 'netns', value: 'path', about: 'Namespace to attach, such as /run/netns/c1' },
    { name: 'pid', value: 'int', about: 'Attach the namespace of this process' },
  ],
  examples: [
    'attach --network blue --name c1 --netns /run/netns/c1',
    'attach --network blue --name db --pid 4711 --ip 10.0.1.7 --alias database',
  ],
  run: async ({ client, options, out, signal }) => {
    const request = { ...endpointOf(options), netns: namespaceOf(options) }
    const attachment = await client.attachments.create(request, { signal })
    out.write(options.has('json') ? jsonOutput(attachment) : `${attachment.endpointId}\n`)
    return undefined
  },
}

/** What the options say of an endpoint. Throws CommandFailure for what is missing. */
export function endpointOf(options: Options): Omit<AttachJson, 'netns'> {
  return {
    network: required(options, 'network'),
    name: required(options, 'name'),
    aliases: options.list('alias'),
    ifname: options.textOrNull('ifname'),
    address: options.textOrNull('ip'),
  }
}

/** The value of an option that must be there. Throws CommandFailure. */
export function required(options: Options, name: string): string {
  const text = options.text(name)
  if (text !== '') return text
  throw new CommandFailure(`required flag(s) "${name}" not set`, EXIT_USAGE)
}

/** The highest process number that Linux gives (PID_MAX_LIMIT). */
export const PID_MAX = 4_194_304

function namespaceOf(options: Options): string {
  const [path, pid] = [options.text('netns'), options.text('pid')]
  if ((path === '') === (pid === '')) {
    throw new CommandFailure('say either --netns or --pid', EXIT_USAGE)
  }
  if (path !== '') return resolve(path)
  if (!/^[1-9]\d*$/.test(pid) || Number(pid) > PID_MAX) {
    throw new OptionFailure('pid', pid, 'not a process number')
  }
  return `/proc/${pid}/ns/net`
}
