/** Which node is meant: `self` is this one. */
import { CommandFailure } from '../command-failure.ts'
import type { Invocation } from '../command.ts'

/** A name or ID to look up. Rejects with why this node has none. */
export async function nodeReference(
  { client, signal }: Pick<Invocation, 'client' | 'signal'>,
  text: string,
): Promise<string> {
  if (text !== 'self') return text
  const { Swarm } = await client.info({ signal })
  if (Swarm.NodeID !== '') return Swarm.NodeID
  // Says why in the daemon's words: most often that this is no manager.
  await client.nodes.list({}, { signal })
  throw new CommandFailure('node ID not found in /info')
}
