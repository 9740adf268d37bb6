/** Attachments that a manager is still to be told the end of. */
import { describeError, hasCode, type Logger } from '@weft/core'
import { create } from '@bufbuild/protobuf'
import { DetachNetworkRequestSchema, isSwarmError } from '@weft/swarm'
import type { Sessions } from '../session/sessions.ts'

/** What releasing needs. */
export interface ReleasesParts {
  readonly sessions: Pick<Sessions, 'call' | 'isOpen'>
  readonly log: Logger
  /** The set of tasks to release changed: it is to be written down. */
  readonly onChange: () => void
}

/** Task IDs whose addresses the manager may give to others again, as soon as it hears of it. */
export class Releases {
  readonly #parts: ReleasesParts
  readonly #waiting = new Map<string, Promise<void> | null>()

  constructor(waiting: Iterable<string>, parts: ReleasesParts) {
    this.#parts = parts
    for (const taskId of waiting) this.#waiting.set(taskId, null)
  }

  /** To be written down. */
  get waiting(): readonly string[] {
    return [...this.#waiting.keys()]
  }

  /**
   * Tell the manager that the attachment is over. Resolves when it knows; without a session at
   * once, and it is told in the next one. Never throws.
   */
  async release(taskId: string): Promise<void> {
    if (!this.#waiting.has(taskId)) {
      this.#waiting.set(taskId, null)
      this.#parts.onChange()
    }
    if (this.#parts.sessions.isOpen) await this.#tell(taskId)
  }

  /** The manager said itself that the task is gone. */
  forget(taskId: string): void {
    if (this.#waiting.delete(taskId)) this.#parts.onChange()
  }

  /** A session began: tell all that waited for it. */
  retry(): void {
    for (const taskId of this.waiting) void this.#tell(taskId)
  }

  #tell(taskId: string): Promise<void> {
    const known = this.#waiting.get(taskId) ?? null
    if (known !== null) return known
    const telling = this.#detach(taskId)
    this.#waiting.set(taskId, telling)
    return telling
  }

  async #detach(attachmentId: string): Promise<void> {
    const { sessions, log } = this.#parts
    try {
      const request = create(DetachNetworkRequestSchema, { attachmentId })
      await sessions.call((manager, options) => manager.detachNetwork(request, options))
    } catch (error) {
      if (!isGone(error)) {
        log.info('manager not told of a detached attachment', { reason: describeError(error) })
        if (this.#waiting.has(attachmentId)) this.#waiting.set(attachmentId, null)
        return
      }
    }
    this.forget(attachmentId)
  }
}

/** The manager has no such attachment, or none of ours: there is nothing more to be told. */
function isGone(error: unknown): boolean {
  if (hasCode(error, 'ERR_NOT_FOUND') || hasCode(error, 'ERR_INVALID_ARGUMENT')) return true
  return isSwarmError(error) && error.code === 'ERR_PERMISSION_DENIED'
}
