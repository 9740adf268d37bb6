/** The tasks that a manager has assigned to this node (docker-wire §7.6). */
import {
  AssignmentAction,
  AssignmentsType,
  type AssignmentChange,
  type AssignmentsMessage,
  type Task,
} from '@weft/swarm'

/** Tasks of one node; what is more is not taken in. Docker's busiest nodes run some hundreds. */
export const TASKS_MAX = 16_384

/** What a message changed. */
export interface AssignedChanges {
  /** New, or told anew. */
  readonly tasks: readonly Task[]
  readonly removed: readonly string[]
  /** Tasks beyond TASKS_MAX. */
  readonly refused: number
}

/** Follows the stream of assignments. */
export class AssignmentSet {
  readonly #tasks = new Map<string, Task>()
  /** What the next increment must apply to; null: only a complete set will do. */
  #base: string | null = null

  /** True once a complete set has come. */
  get isComplete(): boolean {
    return this.#base !== null
  }

  get(taskId: string): Task | null {
    return this.#tasks.get(taskId) ?? null
  }

  /** The next message; null when it does not follow the one before: ask for all again. */
  apply(message: AssignmentsMessage): AssignedChanges | null {
    const isComplete = message.type === AssignmentsType.COMPLETE
    if (!isComplete && (this.#base === null || message.appliesTo !== this.#base)) return null
    this.#base = message.resultsIn
    return isComplete ? this.#replace(message.changes) : this.#change(message.changes)
  }

  /** The stream ended: what it last said is kept, and only a complete set is taken in. */
  suspend(): void {
    this.#base = null
  }

  #replace(changes: readonly AssignmentChange[]): AssignedChanges {
    const kept = new Set<string>()
    for (const { action, assignment } of changes) {
      const task = assignment?.item.case === 'task' ? assignment.item.value : null
      if (task !== null && action === AssignmentAction.UPDATE) kept.add(task.id)
    }
    const removed = [...this.#tasks.keys()].filter((id) => !kept.has(id))
    for (const id of removed) this.#tasks.delete(id)
    const changed = this.#change(changes)
    return { ...changed, removed: [...removed, ...changed.removed] }
  }

  /** Secrets and configs are for containers, which run elsewhere. */
  #change(changes: readonly AssignmentChange[]): AssignedChanges {
    const tasks: Task[] = []
    const removed: string[] = []
    let refused = 0
    for (const { action, assignment } of changes) {
      if (assignment?.item.case !== 'task') continue
      const task = assignment.item.value
      if (action === AssignmentAction.REMOVE) {
        if (this.#tasks.delete(task.id)) removed.push(task.id)
      } else if (this.#tasks.has(task.id) || this.#tasks.size < TASKS_MAX) {
        this.#tasks.set(task.id, task)
        tasks.push(task)
      } else refused++
    }
    return { tasks, removed, refused }
  }
}
