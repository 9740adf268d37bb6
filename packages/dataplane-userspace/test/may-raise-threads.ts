/** Whether this process may have its threads preferred. */
import { readFileSync } from 'node:fs'

/** It may if it may raise itself, on the whole machine (capabilities(7): CAP_SYS_NICE, 23). */
export function mayRaiseThreads(): boolean {
  const effective = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))
  const isInitial = /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'latin1'))
  return isInitial && ((BigInt(`0x${effective?.[1] ?? '0'}`) >> 23n) & 1n) === 1n
}
