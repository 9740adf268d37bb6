/** `weft swarm leave`: this node is alone again. */
import { NO_OPERANDS, type CommandSpec } from '../command.ts'

/** `swarm leave`. */
export const swarmLeave: CommandSpec = {
  name: 'leave',
  summary: 'Leave the swarm',
  operands: NO_OPERANDS,
  options: [
    {
      name: 'force',
      short: 'f',
      about: 'Force this node to leave the swarm, ignoring warnings',
    },
  ],
  examples: ['swarm leave', 'swarm leave --force'],
  run: async ({ client, options, out, signal }) => {
    await client.swarm.leave({ force: options.has('force') }, { signal })
    out.write('Node left the swarm.\n')
    return undefined
  },
}
