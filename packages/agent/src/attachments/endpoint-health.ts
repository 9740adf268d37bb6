/** What the dataplane's failures mean for attachments that were running. */
import { describeError, type Logger } from '@weft/core'
import type { ItemFailure } from '@weft/dataplane'
import { TASK_STATE_MESSAGES, TaskState } from '@weft/swarm'
import type { StatusReports } from '../session/status-reports.ts'
import type { AttachmentBook } from './attachment-book.ts'
import type { Attachment } from './attachment.ts'
import type { Attacher } from './attacher.ts'
import { endpointFailure } from './endpoint-failure.ts'

/**
 * Looks in a row at which a namespace was not there, before its endpoint is detached: a single one
 * may fall between the end of a namespace and its successor of the same name.
 */
export const MISSES_MAX = 2

/** What judging health needs. */
export interface EndpointHealthParts {
  readonly book: AttachmentBook
  readonly attacher: Pick<Attacher, 'remove'>
  readonly reports: StatusReports
  readonly log: Logger
  readonly onChange: () => void
}

/** Marks attachments as failed and as running again, and ends those whose namespace has ended. */
export class EndpointHealth {
  readonly #parts: EndpointHealthParts

  constructor(parts: EndpointHealthParts) {
    this.#parts = parts
  }

  /** The items that are desired and not programmed, after an apply or a repair. */
  judge(failures: ReadonlyMap<string, ItemFailure>): void {
    let isChanged = false
    for (const attachment of this.#parts.book.all()) {
      if (attachment.grant === null || attachment.state === 'pending') continue
      const failure = endpointFailure(attachment, failures)
      if (this.#isGone(attachment, failure)) void this.#parts.attacher.remove(attachment, 'release')
      else if (mark(attachment, failure)) {
        isChanged = true
        this.#report(attachment.grant.taskId, attachment.error)
      }
    }
    if (isChanged) this.#parts.onChange()
  }

  /** It runs, as far as its address is concerned; managers are told what it lacks. */
  #report(taskId: string, err: string): void {
    const message = TASK_STATE_MESSAGES.get(TaskState.RUNNING) ?? ''
    this.#parts.reports.report(taskId, { state: TaskState.RUNNING, message, err })
  }

  #isGone(attachment: Attachment, failure: ItemFailure | null): boolean {
    if (failure?.error.code !== 'ERR_ATTACHMENT_MISSING') {
      attachment.misses = 0
      return false
    }
    attachment.misses++
    if (attachment.misses < MISSES_MAX) return false
    const task = attachment.grant?.taskId
    this.#parts.log.info('namespace of an attachment is gone', { task })
    return true
  }
}

function mark(attachment: Attachment, failure: ItemFailure | null): boolean {
  const state = failure === null ? 'running' : 'failed'
  const error = failure === null ? '' : describeError(failure.error)
  if (attachment.state === state && attachment.error === error) return false
  attachment.state = state
  attachment.error = error
  return true
}
