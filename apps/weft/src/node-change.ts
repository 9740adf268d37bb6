/** Reads nodes, changes what people decide about them, and writes them back. */
import type { NodeJson, NodeSpecJson } from '@weft/engine-api/client'
import type { Invocation } from './command.ts'
import { findNode } from './node-lookup.ts'

/** Change nodes one after the other; `change` returns null for one that needs none. */
export async function changeNodes(
  asking: Pick<Invocation, 'client' | 'signal' | 'host'>,
  names: readonly string[],
  each: {
    readonly change: (node: NodeJson) => NodeSpecJson | null
    readonly done: (name: string) => void
  },
): Promise<void> {
  const { client, signal } = asking
  for (const name of names) {
    const node = await findNode(asking, name)
    const spec = each.change(node)
    if (spec === null) continue
    await client.nodes.update(node.ID, { version: node.Version.Index, spec }, { signal })
    each.done(name)
  }
}
