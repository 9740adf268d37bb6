/** Having a thread's turn come before those of others, where that is allowed. */
import { getPriority, setPriority } from 'node:os'
import { SWITCH_NICENESS } from './switch-protocol.ts'

/** On Linux this is the calling thread, not its process (setpriority(2)). */
const THIS_THREAD = 0

/**
 * Where the kernel forwards it does so before any process has its turn: a thread that waits for its
 * turn loses packets meanwhile. Null, or why the calling thread waits for it like others.
 */
export function preferThisThread(): string | null {
  try {
    setPriority(THIS_THREAD, SWITCH_NICENESS)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Why a thread of this process cannot be preferred; null when it can. Leaves no trace. */
export function priorityLack(): string | null {
  const before = getPriority(THIS_THREAD)
  const lack = preferThisThread()
  // To wait longer again is allowed to all.
  if (lack === null) setPriority(THIS_THREAD, before)
  return lack
}
