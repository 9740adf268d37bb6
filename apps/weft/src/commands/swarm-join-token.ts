/** `weft swarm join-token`: what another machine needs to join. */
import { CommandFailure } from '../command-failure.ts'
import { operandOf, oneOperand, type CommandSpec, type Invocation } from '../command.ts'
import { findNode } from '../node-lookup.ts'

type Role = 'worker' | 'manager'

/** `swarm join-token`. */
export const swarmJoinToken: CommandSpec = {
  name: 'join-token',
  summary: 'Manage join tokens',
  operands: oneOperand('(worker|manager)'),
  options: [
    { name: 'quiet', short: 'q', about: 'Only display token' },
    { name: 'rotate', about: 'Rotate join token' },
  ],
  examples: ['swarm join-token worker', 'swarm join-token --rotate -q manager'],
  run: async (invocation) => {
    const { client, options, out, signal } = invocation
    const role = roleOf(operandOf(invocation))
    const quiet = options.has('quiet')
    if (options.has('rotate')) {
      const { Version, Spec } = await client.swarm.inspect({ signal })
      const rotation = {
        rotateWorkerToken: role === 'worker',
        rotateManagerToken: role === 'manager',
      }
      await client.swarm.update({ version: Version.Index, spec: Spec, ...rotation }, { signal })
      if (!quiet) out.write(`Successfully rotated ${role} join token.\n\n`)
    }
    const { JoinTokens } = await client.swarm.inspect({ signal })
    if (quiet) {
      out.write(`${role === 'worker' ? JoinTokens.Worker : JoinTokens.Manager}\n`)
      return undefined
    }
    const { Swarm } = await client.info({ signal })
    out.write(await joinCommandText(invocation, Swarm.NodeID, [role]))
    return undefined
  },
}

function roleOf(text: string): Role {
  if (text === 'worker' || text === 'manager') return text
  throw new CommandFailure(`unknown role ${text}`)
}

/** The command to type elsewhere, for each role; empty when this node is no manager. */
export async function joinCommandText(
  asking: Pick<Invocation, 'client' | 'signal' | 'host'>,
  nodeId: string,
  roles: readonly Role[],
): Promise<string> {
  const { client, signal } = asking
  const { ManagerStatus } = await findNode(asking, nodeId)
  const { JoinTokens } = await client.swarm.inspect({ signal })
  if (ManagerStatus === undefined) return ''
  const commands = roles.map((role) => {
    const token = role === 'worker' ? JoinTokens.Worker : JoinTokens.Manager
    const command = `weft swarm join --token ${token} ${ManagerStatus.Addr}`
    return `To add a ${role} to this swarm, run the following command:\n\n    ${command}\n\n`
  })
  return commands.join('')
}
