/** What managers are told of tasks: the latest of each, and everything again in a new session. */
import { create } from '@bufbuild/protobuf'
import type { Clock } from '@weft/core'
import {
  TaskStatusSchema,
  TaskStatusUpdateSchema,
  timestampOf,
  type TaskState,
  type TaskStatus,
  type TaskStatusUpdate,
} from '@weft/swarm'

/** Updates in one call; the others follow in the next. */
export const UPDATES_MAX = 1024

/** How a task stands. */
export interface TaskReport {
  readonly state: TaskState
  /** Docker's words for the state (docker-wire §7.10). */
  readonly message: string
  /** Why it was rejected or failed; empty otherwise. */
  readonly err: string
}

/** A state only ever rises; the reports that a session could not send wait for the next one. */
export class StatusReports {
  readonly #clock: Clock
  readonly #statuses = new Map<string, TaskStatus>()
  readonly #unsent = new Set<string>()
  #onPending: () => void = () => undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Report a task's state, or other words for it. Lower than the last one: nothing happens. */
  report(taskId: string, { state, message, err }: TaskReport): void {
    const known = this.#statuses.get(taskId)
    if (known !== undefined && known.state > state) return
    if (known?.state === state && known.message === message && known.err === err) return
    const timestamp = timestampOf(this.#clock.wall())
    this.#statuses.set(taskId, create(TaskStatusSchema, { state, message, err, timestamp }))
    this.#unsent.add(taskId)
    this.#onPending()
  }

  /** The task is gone. */
  forget(taskId: string): void {
    this.#statuses.delete(taskId)
    this.#unsent.delete(taskId)
  }

  /** A session began, with a manager that may know nothing. */
  resend(): void {
    for (const taskId of this.#statuses.keys()) this.#unsent.add(taskId)
  }

  /** Called whenever there is something to send; one listener. */
  onPending(listener: () => void): void {
    this.#onPending = listener
  }

  /** What is to be sent, UPDATES_MAX at most; empty: nothing. */
  take(): readonly TaskStatusUpdate[] {
    const updates: TaskStatusUpdate[] = []
    for (const taskId of this.#unsent) {
      if (updates.length === UPDATES_MAX) break
      const status = this.#statuses.get(taskId)
      this.#unsent.delete(taskId)
      if (status !== undefined) {
        updates.push(create(TaskStatusUpdateSchema, { taskId, status }))
      }
    }
    return updates
  }
}
