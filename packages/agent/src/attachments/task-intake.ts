/** What becomes of the tasks that a manager assigns (docker-wire §7.10, §7.12). */
import { describeError, type Logger } from '@weft/core'
import {
  swarmError,
  TASK_STATE_MESSAGES,
  TaskState,
  type AssignmentsMessage,
  type Task,
} from '@weft/swarm'
import { AssignmentSet } from '../session/assignment-set.ts'
import type { StatusReports } from '../session/status-reports.ts'
import type { AttachmentBook } from './attachment-book.ts'
import { grantOf, type Attachment } from './attachment.ts'
import type { Attacher } from './attacher.ts'
import type { Releases } from './releases.ts'

/** Why a container's task is refused: what `docker service ps` shows. */
const NO_CONTAINERS = 'this node attaches endpoints to networks; it does not run containers'

/** What an intake needs. */
export interface TaskIntakeParts {
  readonly book: AttachmentBook
  readonly attacher: Attacher
  readonly reports: StatusReports
  readonly releases: Releases
  readonly log: Logger
  /** A network of an attachment changed. */
  readonly onNetworkChange: () => void
}

/** Follows assignments: attachments of ours go on, whatever nobody here wants is given back. */
export class TaskIntake {
  readonly #parts: TaskIntakeParts
  readonly #assignments = new AssignmentSet()

  constructor(parts: TaskIntakeParts) {
    this.#parts = parts
  }

  /** A stream begins: a complete set comes first. */
  begin(): void {
    this.#assignments.suspend()
  }

  /** The next message; false when it does not follow the one before. */
  take(message: AssignmentsMessage): boolean {
    const wasComplete = this.#assignments.isComplete
    const changes = this.#assignments.apply(message)
    if (changes === null) return false
    const { tasks, removed, refused } = changes
    if (refused > 0) this.#parts.log.warn('tasks that this node does not take', { refused })
    for (const task of tasks) this.#takeTask(task)
    for (const taskId of removed) this.#removed(taskId)
    if (!wasComplete) this.#dropUnassigned()
    return true
  }

  #takeTask(task: Task): void {
    const { runtime } = task.spec ?? {}
    if (runtime?.case === 'attachment') this.#takeAttachment(task, runtime.value.containerId)
    else this.#refuse(task)
  }

  #takeAttachment(task: Task, endpointId: string): void {
    const { book, attacher, releases } = this.#parts
    const attachment = book.get(endpointId)
    if (task.desiredState > TaskState.RUNNING) {
      this.#end(task, attachment)
    } else if (attachment === null) {
      // Of a life before, or of an attach that was called off.
      void releases.release(task.id)
    } else if (attachment.grant === null) {
      // An attach waits for its task only once: another one for the same wish is given back.
      if (!attacher.assigned(attachment, task)) void releases.release(task.id)
    } else if (attachment.grant.taskId === task.id) this.#refresh(attachment, task)
    else void releases.release(task.id)
  }

  /** The manager wants it to end. */
  #end(task: Task, attachment: Attachment | null): void {
    const { attacher, reports } = this.#parts
    if (attachment !== null && attachment.grant === null) {
      attacher.refused(attachment.endpointId, takenBack(attachment))
    } else if (attachment?.grant?.taskId === task.id) {
      void attacher.remove(attachment, 'forget')
    }
    const message = TASK_STATE_MESSAGES.get(TaskState.SHUTDOWN) ?? ''
    reports.report(task.id, { state: TaskState.SHUTDOWN, message, err: '' })
  }

  /** Labels of its network may have changed; its address does not, as long as it is one task. */
  #refresh(attachment: Attachment, task: Task): void {
    const { grant } = attachment
    const network = task.networks[0]?.network
    const version = network?.meta?.version?.index
    if (grant === null || version === grant.network.meta?.version?.index) return
    try {
      const fresh = grantOf(task)
      if (fresh.addresses.join() !== grant.addresses.join()) return
      attachment.grant = fresh
      this.#parts.onNetworkChange()
    } catch (error) {
      this.#parts.log.warn('a network changed and cannot be used', {
        network: grant.network.id,
        reason: describeError(error),
      })
    }
  }

  #refuse(task: Task): void {
    const { reports } = this.#parts
    if (task.status !== undefined && task.status.state > TaskState.RUNNING) return
    const isOver = task.desiredState > TaskState.RUNNING
    const state = isOver ? TaskState.SHUTDOWN : TaskState.REJECTED
    const message = isOver ? (TASK_STATE_MESSAGES.get(state) ?? '') : 'preparing'
    reports.report(task.id, { state, message, err: isOver ? '' : NO_CONTAINERS })
  }

  #removed(taskId: string): void {
    const { book, attacher, reports, releases } = this.#parts
    reports.forget(taskId)
    releases.forget(taskId)
    const attachment = book.byTask(taskId)
    if (attachment !== null) void attacher.remove(attachment, 'forget')
  }

  /** What was granted and is not assigned any more is not ours: its address may be another's. */
  #dropUnassigned(): void {
    const { book, attacher, log } = this.#parts
    for (const attachment of book.all()) {
      const { grant } = attachment
      if (grant === null || this.#assignments.has(grant.taskId)) continue
      log.warn('an attachment is not assigned any more', { task: grant.taskId })
      void attacher.remove(attachment, 'forget')
    }
  }
}

function takenBack({ request }: Attachment): Error {
  const text = `the attachment to network ${request.network} was taken back`
  return swarmError('ERR_ABORTED', text, { subject: request.name })
}
