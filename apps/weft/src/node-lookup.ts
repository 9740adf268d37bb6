/** Looks nodes up as Docker's client does: `self` is this one, and what is missing is named. */
import { hasCode } from '@weft/core'
import type { NodeJson } from '@weft/engine-api/client'
import { CommandFailure } from './command-failure.ts'
import type { Invocation } from './command.ts'
import { failureText } from './failure-text.ts'

type Asking = Pick<Invocation, 'client' | 'signal' | 'host'>

/** A node by ID, a unique prefix of one, or host name. Rejects with Docker's words. */
export async function findNode(asking: Asking, name: string): Promise<NodeJson> {
  try {
    return await asking.client.nodes.inspect(name, { signal: asking.signal })
  } catch (error) {
    if (!hasCode(error, 'ERR_NOT_FOUND')) throw error
    throw new CommandFailure(failureText(error, asking.host, { kind: 'node', name }))
  }
}

/** `findNode`, where `self` is this node. */
export async function inspectNode(asking: Asking, name: string): Promise<NodeJson> {
  return findNode(asking, name === 'self' ? await ownId(asking) : name)
}

async function ownId({ client, signal }: Asking): Promise<string> {
  const { Swarm } = await client.info({ signal })
  if (Swarm.NodeID !== '') return Swarm.NodeID
  // Says why in the daemon's words: most often that this is no manager.
  await client.nodes.list({}, { signal })
  throw new CommandFailure('node ID not found in /info')
}
