/** Forgets what was remembered for long enough: tombstones, ended attachments, early events. */
import { instantAfter, type Instant } from '@weft/core'
import type { Attachments } from './attachments.ts'
import type { Networks } from './networks.ts'
import type { Nodes } from './nodes.ts'
import type { OwnAttachments } from './own-attachments.ts'
import type { Rows } from './rows.ts'
import type { TablesContext } from './tables-context.ts'

/** What is gone through. */
export interface ReaperParts {
  readonly nodes: Nodes
  readonly networks: Networks
  readonly attachments: Attachments
  readonly own: OwnAttachments
  readonly rows: Rows
}

/** Works every `reapIntervalMs`, while there is something to forget. */
export class Reaper {
  readonly #context: TablesContext
  readonly #parts: ReaperParts
  #reapAt: Instant | null = null

  constructor(context: TablesContext, parts: ReaperParts) {
    this.#context = context
    this.#parts = parts
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
    const { nodes, networks, attachments, own, rows: ownRows } = this.#parts
    for (const part of [attachments, own, ownRows, nodes]) part.reap(now)
    // A delete is told with a residual time of at least a second (docker-wire §3.7).
    const limit = instantAfter(now, 1000)
    for (const { rows } of networks.locals()) {
      for (const stored of rows.tombstones) if (stored.reapAt < limit) rows.delete(now, stored)
    }
    this.arm(now)
  }

  #hasWork(): boolean {
    const { nodes, networks, attachments, own, rows: ownRows } = this.#parts
    if (this.#context.held.size > 0 || nodes.hasGone || ownRows.hasDeparted) return true
    if (attachments.hasLeaving || own.hasLeaving) return true
    for (const { rows } of networks.locals()) if (rows.tombstones.size > 0) return true
    return false
  }
}
