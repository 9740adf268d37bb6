/** Ends of many tasks at once: what a node leaves behind. */
import type { Draft } from './draft.ts'
import { TRANSACTION_WRITES_MAX, type Objects } from './objects.ts'

/** Remove up to as many tasks of a node as one transaction takes; returns how many. */
export function planTaskSweep(draft: Draft, nodeId: string): number {
  const room = TRANSACTION_WRITES_MAX - draft.writes.size
  const ids = [...draft.tables.tasksOn(nodeId).keys()].slice(0, room)
  for (const id of ids) draft.remove('task', id)
  return ids.length
}

/** Remove all tasks of a node while `holds` does, transaction by transaction. */
export async function sweepTasks(
  objects: Objects,
  nodeId: string,
  holds: (draft: Draft) => boolean,
): Promise<void> {
  let removed: number
  do {
    removed = await objects.transact((draft) => (holds(draft) ? planTaskSweep(draft, nodeId) : 0))
  } while (removed > 0)
}
