/** Opens an agent: what was written down is in force again before anybody is asked. */
import type { AgentOptions, AgentPorts } from './agent-options.ts'
import type { Agent } from './agent.ts'

/**
 * Resolves when the state of before, if there is one, is programmed again; sessions and gossip
 * begin by themselves. Throws ERR_STATE_CORRUPT, ERR_STATE_VERSION, ERR_ADDRESS_IN_USE,
 * ERR_ADDRESS_NOT_LOCAL, FilesErrors.
 */
export async function openAgent(options: AgentOptions, ports: AgentPorts): Promise<Agent> {
  await Promise.resolve()
  throw new Error(`not here yet: ${options.gossipPort} ${ports.clock.now()}`)
}
