/** Says when a network is nearly full, once, while there is still time to grow it (P11). */
import type { Logger } from '@weft/core'
import type { ObjectChange } from '@weft/swarm'
import type { Allocator } from './allocator.ts'
import { networksOf } from './tables.ts'

/** Follows attachments; a network that has room again is watched anew. */
export class UsageAlarm {
  readonly #allocator: Allocator
  readonly #log: Logger
  readonly #raised = new Set<string>()

  constructor(allocator: Allocator, log: Logger) {
    this.#allocator = allocator
    this.#log = log
  }

  follow(change: ObjectChange): void {
    if (change.kind === 'network' && change.action === 'remove') {
      this.#raised.delete(change.object.id)
    }
    if (change.kind !== 'task' || change.action === 'update') return
    for (const id of networksOf(change.object)) this.#check(id)
  }

  #check(id: string): void {
    const { alarm, allocated, capacity } = this.#allocator.usage(id)
    if (!alarm) this.#raised.delete(id)
    if (!alarm || this.#raised.has(id)) return
    this.#raised.add(id)
    this.#log.warn('a network is nearly full', { network: id, allocated, capacity })
  }
}
