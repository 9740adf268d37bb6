/** `weft swarm join-token`: what another machine needs to join. */
import type { EngineClient } from '@weft/engine-api/client'
import { CommandFailure } from '../command-failure.ts'
import { operandOf, oneOperand, type CommandSpec } from '../command.ts'

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
      const rotation = role === 'worker' ? { rotateWorkerToken: true } : { rotateManagerToken: true }
      await client.swarm.update({ version: Version.Index, spec: Spec, ...rotation }, { signal })
      if (!quiet) out.write(`Successfully rotated ${role} join token.\n\n`)
    }
    if (quiet) {
      const { JoinTokens } = await client.swarm.inspect({ signal })
      out.write(`${role === 'worker' ? JoinTokens.Worker : JoinTokens.Manager}\n`)
      return undefined
    }
    const { Swarm } = await client.info({ signal })
    out.write(await joinCommandText({ client, signal, nodeId: Swarm.NodeID, roles: [role] }))
    return undefined
  },
}

function roleOf(text: string): Role {
  if (text === 'worker' || text === 'manager') return text
  throw new CommandFailure(`unknown role ${text}`)
}

/** The command to type elsewhere, for each role; empty when this node is no manager. */
export async function joinCommandText(about: {
  readonly client: EngineClient
  readonly signal: AbortSignal
  readonly nodeId: string
  readonly roles: readonly Role[]
}): Promise<string> {
  const { client, signal, nodeId, roles } = about
  const { ManagerStatus } = await client.nodes.inspect(nodeId, { signal })
  const { JoinTokens } = await client.swarm.inspect({ signal })
  if (ManagerStatus === undefined) return ''
  const commands = roles.map((role) => {
    const token = role === 'worker' ? JoinTokens.Worker : JoinTokens.Manager
    const command = `weft swarm join --token ${token} ${ManagerStatus.Addr}`
    return `To add a ${role} to this swarm, run the following command:\n\n    ${command}\n\n`
  })
  return commands.join('')
}
