/** `weft swarm join`: this node becomes part of a cluster, Docker's or ours. */
import { operandOf, oneOperand, type CommandSpec } from '../command.ts'
import { availabilityOf, AVAILABILITY_OPTION } from '../options/availability.ts'
import { listenAddressOf, LISTEN_OPTION } from '../options/listen-address.ts'
import { showProgress } from '../output/progress.ts'

/** `swarm join`. */
export const swarmJoin: CommandSpec = {
  name: 'join',
  summary: 'Join a swarm as a node and/or manager',
  operands: oneOperand('HOST:PORT'),
  options: [
    {
      name: 'advertise-addr',
      value: 'string',
      about: 'Advertised address (format: <ip|interface>[:port])',
    },
    AVAILABILITY_OPTION,
    {
      name: 'data-path-addr',
      value: 'string',
      about: 'Address or interface to use for data path traffic (format: <ip|interface>)',
    },
    LISTEN_OPTION,
    { name: 'token', value: 'string', about: 'Token for entry into the swarm' },
  ],
  examples: ['swarm join --token SWMTKN-1-… 192.168.1.11:2377'],
  run: async (invocation) => {
    const { client, options, out, err, signal } = invocation
    const remote = operandOf(invocation)
    const request = {
      JoinToken: options.text('token'),
      ListenAddr: listenAddressOf(options),
      AdvertiseAddr: options.text('advertise-addr'),
      DataPathAddr: options.text('data-path-addr'),
      RemoteAddrs: [remote],
      ...availabilityOf(options),
    }
    await showProgress(err, `joining through ${remote}`, client.swarm.join(request, { signal }))
    const { Swarm } = await client.info({ signal })
    out.write(`This node joined a swarm as a ${Swarm.ControlAvailable ? 'manager' : 'worker'}.\n`)
    return undefined
  },
}
