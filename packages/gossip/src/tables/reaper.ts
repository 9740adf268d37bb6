/** Forgets what was remembered for long enough: tombstones, attachments that ended, early events. */
import { instantAfter, type Instant } from '@weft/core'
import type { Attachments } from './attachments.ts'
import type { Nodes } from './nodes.ts'
import type { TablesContext } from './tables-context.ts'

/** Works every `reapIntervalMs`, while there is something to forget. */
export class Reaper {
  readonly #context: TablesContext
  readonly #nodes: Nodes
  readonly #attachments: Attachments
  #reapAt: Instant | null = null

  constructor(
    context: TablesContext,
    parts: { readonly nodes: Nodes; readonly attachments: Attachments },
  ) {
    this.#context = context
    this.#nodes = parts.nodes
    this.#attachments = parts.attachments
  }

  /** See whether there is something to forget one day. */
  arm(now: Instant): void {
    if (this.#reapAt === null && this.#hasWork()) {
      this.#reapAt = instantAfter(now, this.#context.profile.reapIntervalMs)
    }
  }

  nextDeadline(): Instant | null {
    return this.#reapAt
  }

  tick(now: Instant): void {
    if (this.#reapAt === null || this.#reapAt > now) return
    this.#reapAt = null
    this.#context.held.expire(now)
    this.#attachments.reap(now)
    this.#nodes.reap(now)
    // A delete is told with a residual time of at least a second (docker-wire §3.7).
    const limit = instantAfter(now, 1000)
    for (const { rows } of this.#attachments.locals()) {
      for (const stored of rows.tombstones) if (stored.reapAt < limit) rows.delete(now, stored)
    }
    this.arm(now)
  }

  #hasWork(): boolean {
    if (this.#context.held.size > 0 || this.#nodes.hasGone || this.#attachments.hasLeaving) {
      return true
    }
    for (const { rows } of this.#attachments.locals()) if (rows.tombstones.size > 0) return true
    return false
  }
}
