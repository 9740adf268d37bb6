/** `weft attach`: what has a network namespace gets an interface on a network, one or many. */
import { resolve } from 'node:path'
import type { AttachJson } from '@weft/engine-api/client'
import { CommandFailure, EXIT_USAGE } from '../command-failure.ts'
import { attachMany } from '../attach-many.ts'
import type { CommandSpec, Invocation } from '../command.ts'
import { OptionFailure, type Options, type OptionSpec } from '../option.ts'
import { endpointOfWord, endpointsOfJson, processNamespace } from '../options/attachment-list.ts'
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
  summary: 'Attach network namespaces to a network',
  operands: { usage: '[NAME=NETNS...]', countMin: 0, countMax: Infinity },
  options: [
    ...ENDPOINT_OPTIONS,
    {
      name: 'from',
      value: 'file',
      about: "JSON list of endpoints, fields as the options' names; '-': standard input",
    },
    JSON_OPTION,
    { name: 'netns', value: 'path', about: 'Namespace to attach, such as /run/netns/c1' },
    { name: 'pid', value: 'int', about: 'Attach the namespace of this process' },
  ],
  examples: [
    'attach --network blue --name c1 --netns /run/netns/c1',
    'attach --network blue --name db --pid 4711 --ip 10.0.1.7 --alias database',
    'attach --network blue c1=/run/netns/c1 c2=/run/netns/c2 c3=4711',
    'attach --network blue --from endpoints.json',
  ],
  run: async (invocation) => {
    const { operands, options } = invocation
    const isOfMany = operands.length > 0 || options.has('from')
    return isOfMany ? attachMany(invocation, await listed(invocation)) : attachOne(invocation)
  },
}

async function attachOne({ client, options, out, signal }: Invocation): Promise<undefined> {
  const request = { ...endpointOf(options), netns: namespaceOf(options) }
  const attachment = await client.attachments.create(request, { signal })
  out.write(options.has('json') ? jsonOutput(attachment) : `${attachment.endpointId}\n`)
  return undefined
}

/** Options that say something of one endpoint. */
const OF_ONE = ['alias', 'ip', 'name', 'netns', 'pid'] as const

/** Endpoints of the words, then those of the file. Throws CommandFailure. */
async function listed({ operands, options, readText }: Invocation): Promise<AttachJson[]> {
  const ofOne = OF_ONE.find((name) => options.has(name))
  if (ofOne !== undefined) {
    const problem = `--${ofOne} is of one endpoint: with NAME=NETNS or --from say it in the list`
    throw new CommandFailure(problem, EXIT_USAGE)
  }
  const forAll = { network: options.text('network'), ifname: options.textOrNull('ifname') }
  const wanted = operands.map((word) => endpointOfWord(word, forAll))
  const source = options.text('from')
  if (!options.has('from')) return wanted
  return [...wanted, ...endpointsOfJson(await readText(source), source, forAll)]
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

function namespaceOf(options: Options): string {
  const [path, pid] = [options.text('netns'), options.text('pid')]
  if ((path === '') === (pid === '')) {
    throw new CommandFailure('say either --netns or --pid', EXIT_USAGE)
  }
  if (path !== '') return resolve(path)
  const namespace = processNamespace(pid)
  if (namespace !== null) return namespace
  throw new OptionFailure('pid', pid, 'not a process number')
}
