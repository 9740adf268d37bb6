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

/** Characters of a task's ID; Docker's have 25. */
export const TASK_ID_CHARACTERS_MAX = 64

/** What a message changed. */
export interface AssignedChanges {
  /** New, or told anew. */
  readonly tasks: readonly Task[]
  readonly removed: readonly string[]
  /** Tasks beyond TASKS_MAX, and such whose ID is none. */
  readonly refused: number
}

/** Follows the stream of assignments, by ID: what tasks say is for whoever takes them. */
export class AssignmentSet {
  readonly #tasks = new Set<string>()
  /** What the next increment must apply to; null: only a complete set will do. */
  #base: string | null = null

  /** True once a complete set has come. */
  get isComplete(): boolean {
    return this.#base !== null
  }

  has(taskId: string): boolean {
    return this.#tasks.has(taskId)
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
    const removed = [...this.#tasks].filter((id) => !kept.has(id))
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
      } else if (this.#takes(task.id)) {
        this.#tasks.add(task.id)
        tasks.push(task)
      } else refused++
    }
    return { tasks, removed, refused }
  }

  #takes(taskId: string): boolean {
    if (this.#tasks.has(taskId)) return true
    const isId = taskId !== '' && taskId.length <= TASK_ID_CHARACTERS_MAX
    return isId && this.#tasks.size < TASKS_MAX
  }
}
