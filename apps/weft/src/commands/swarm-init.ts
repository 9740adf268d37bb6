/** `weft swarm init`: a new cluster with this node as its manager. */
import { CommandFailure } from '../command-failure.ts'
import { NO_OPERANDS, type CommandSpec, type Invocation } from '../command.ts'
import { poolsOf, POOL_OPTION } from '../options/address-pools.ts'
import { availabilityOf, AVAILABILITY_OPTION } from '../options/availability.ts'
import { listenAddressOf, LISTEN_OPTION } from '../options/listen-address.ts'
import { SETTINGS_OPTIONS, settingsOf } from '../options/swarm-settings.ts'
import { joinCommandText } from './swarm-join-token.ts'

const ADVERTISE = 'Advertised address (format: <ip|interface>[:port])'
const DATA_PATH = 'Address or interface to use for data path traffic (format: <ip|interface>)'
const DATA_PORT =
  'Port number to use for data path traffic (1024 - 49151). If no value is set or is set to 0, ' +
  'the default port (4789) is used.'

/** `swarm init`. */
export const swarmInit: CommandSpec = {
  name: 'init',
  summary: 'Initialize a swarm',
  operands: NO_OPERANDS,
  options: [
    { name: 'advertise-addr', value: 'string', about: ADVERTISE },
    { name: 'autolock', about: 'Enable manager autolocking' },
    AVAILABILITY_OPTION,
    { name: 'data-path-addr', value: 'string', about: DATA_PATH },
    { name: 'data-path-port', value: 'uint32', about: DATA_PORT },
    POOL_OPTION,
    {
      name: 'default-addr-pool-mask-length',
      value: 'uint32',
      about: 'default address pool subnet mask length (default 24)',
    },
    { name: 'force-new-cluster', about: 'Force create a new cluster from current state' },
    LISTEN_OPTION,
    ...SETTINGS_OPTIONS,
  ],
  examples: [
    'swarm init --advertise-addr 192.168.1.11',
    'swarm init --advertise-addr eth1 --default-addr-pool 10.20.0.0/16',
  ],
  run: async (invocation) => {
    const { out } = invocation
    const nodeId = await initiated(invocation)
    out.write(`Swarm initialized: current node (${nodeId}) is now a manager.\n\n`)
    out.write(await joinCommandText(invocation, nodeId, ['worker']))
    const how = "run 'weft swarm join-token manager' and follow the instructions."
    out.write(`To add a manager to this swarm, ${how}\n\n`)
    return undefined
  },
}

async function initiated({ client, options, signal }: Invocation): Promise<string> {
  const { spec } = settingsOf(options)
  try {
    return await client.swarm.init(
      {
        ListenAddr: listenAddressOf(options),
        AdvertiseAddr: options.text('advertise-addr'),
        DataPathAddr: options.text('data-path-addr'),
        DataPathPort: options.count('data-path-port') ?? 0,
        DefaultAddrPool: poolsOf(options),
        SubnetSize: options.count('default-addr-pool-mask-length') ?? SUBNET_SIZE_DEFAULT,
        ForceNewCluster: options.has('force-new-cluster'),
        AutoLockManagers: options.has('autolock'),
        Spec: spec,
        ...availabilityOf(options),
      },
      { signal },
    )
  } catch (error) {
    throw withAdvice(error)
  }
}

/** Prefix length of subnets unless another is asked for. */
const SUBNET_SIZE_DEFAULT = 24

/** Docker's client says which option would have helped. */
function withAdvice(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (!/could not (choose an IP address to advertise|find the system's IP)/.test(error.message)) {
    return error
  }
  const advice = 'specify one with --advertise-addr'
  if (error.message.endsWith(advice)) return error
  return new CommandFailure(`Error response from daemon: ${error.message} - ${advice}`)
}
