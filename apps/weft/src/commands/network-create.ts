/** `weft network create`: a network for the whole cluster. */
import { operandOf, oneOperand, type CommandSpec, type Invocation } from '../command.ts'
import { OptionFailure, type Options } from '../option.ts'
import { planAddresses } from '../options/address-plan.ts'

/** What a network is made by unless `-d` says otherwise; Docker's own default is `bridge`. */
const KIND_DEFAULT = 'overlay'

/** `network create`. */
export const networkCreate: CommandSpec = {
  name: 'create',
  summary: 'Create a network',
  operands: oneOperand('NETWORK'),
  options: [
    { name: 'attachable', about: 'Enable manual container attachment' },
    {
      name: 'aux-address',
      value: 'map',
      about: 'Auxiliary IPv4 or IPv6 addresses used by Network driver (default map[])',
    },
    {
      name: 'config-from',
      value: 'string',
      about: 'The network from which to copy the configuration',
    },
    { name: 'config-only', about: 'Create a configuration only network' },
    {
      name: 'driver',
      short: 'd',
      value: 'string',
      about: `Driver to manage the Network (default "${KIND_DEFAULT}")`,
    },
    {
      name: 'gateway',
      value: 'strings',
      about: 'IPv4 or IPv6 Gateway for the master subnet',
    },
    { name: 'ingress', about: 'Create swarm routing-mesh network' },
    { name: 'internal', about: 'Restrict external access to the network' },
    { name: 'ip-range', value: 'strings', about: 'Allocate container ip from a sub-range' },
    {
      name: 'ipam-driver',
      value: 'string',
      about: 'IP Address Management Driver (default "default")',
    },
    { name: 'ipam-opt', value: 'map', about: 'Set IPAM driver specific options (default map[])' },
    { name: 'ipv6', about: 'Enable IPv6 networking' },
    { name: 'label', value: 'list', about: 'Set metadata on a network' },
    {
      name: 'opt',
      short: 'o',
      value: 'map',
      about: 'Set driver specific options (default map[])',
    },
    { name: 'scope', value: 'string', about: "Control the network's scope" },
    {
      name: 'subnet',
      value: 'strings',
      about: 'Subnet in CIDR format that represents a network segment',
    },
  ],
  examples: [
    'network create -d overlay --attachable blue',
    'network create -d overlay --attachable --subnet 10.7.0.0/24 --gateway 10.7.0.1 green',
    'network create -d overlay --opt com.docker.network.driver.mtu=8950 --label tier=db red',
  ],
  run: async (invocation) => {
    const { client, out, signal } = invocation
    const { Id, Warning } = await client.networks.create(requestOf(invocation), { signal })
    if (Warning !== '') invocation.err.write(`WARNING: ${Warning}\n`)
    out.write(`${Id}\n`)
    return undefined
  },
}

function requestOf(invocation: Invocation): Parameters<
  Invocation['client']['networks']['create']
>[0] {
  const { options } = invocation
  const from = options.text('config-from')
  return {
    Name: operandOf(invocation),
    CheckDuplicate: true,
    Driver: options.textOrNull('driver') ?? KIND_DEFAULT,
    Scope: options.text('scope'),
    EnableIPv6: options.has('ipv6'),
    IPAM: {
      Driver: options.textOrNull('ipam-driver') ?? 'default',
      Options: options.pairs('ipam-opt'),
      Config: planAddresses({
        subnets: options.splitList('subnet'),
        ranges: options.splitList('ip-range'),
        gateways: options.splitList('gateway'),
        auxiliary: options.pairs('aux-address'),
      }),
    },
    Internal: options.has('internal'),
    Attachable: options.has('attachable'),
    Ingress: options.has('ingress'),
    ConfigOnly: options.has('config-only'),
    ...(from === '' ? {} : { ConfigFrom: { Network: from } }),
    Options: options.pairs('opt'),
    Labels: labelsOf(options),
  }
}

/** Keys are not empty and have no blanks. */
function labelsOf(options: Options): Record<string, string> {
  for (const text of options.list('label')) {
    const key = (text.split('=')[0] ?? '').trimStart()
    const problem =
      key === ''
        ? `invalid label '${text}': empty name`
        : /\s/.test(key)
          ? `label '${key}' contains whitespaces`
          : ''
    if (problem !== '') throw new OptionFailure('label', text, problem)
  }
  return options.pairs('label')
}
