/** What a node is to run, as a whole and then as it changes (docker-wire §7.6). */
import { create } from '@bufbuild/protobuf'
import {
  AssignmentAction,
  AssignmentChangeSchema,
  AssignmentSchema,
  AssignmentsMessageSchema,
  AssignmentsType,
  TaskSchema,
  TaskState,
  type AssignmentChange,
  type AssignmentsMessage,
  type Task,
} from '@weft/swarm'
import type { StreamEnd } from './node-session.ts'
import { toldTask } from './told-task.ts'
import { Wakeup, type MessageSource } from './wakeup.ts'

/**
 * One Assignments stream. Changes that come while a message is under way are told together in the
 * next, each task once and as it is then. Invariant: whoever applied all messages has exactly the
 * node's tasks that are assigned.
 */
export class AssignmentStream implements MessageSource<AssignmentsMessage> {
  readonly wakeup = new Wakeup()
  /** As last told; null: not told, or told that it is gone. */
  readonly #told = new Map<string, Task>()
  readonly #changed = new Map<string, Task | null>()
  readonly #tasks: () => ReadonlyMap<string, Task>
  readonly #onClose: (stream: AssignmentStream) => void
  #end: StreamEnd | null = null
  #sequence = 0

  constructor(
    tasks: () => ReadonlyMap<string, Task>,
    onClose: (stream: AssignmentStream) => void,
  ) {
    this.#tasks = tasks
    this.#onClose = onClose
  }

  take(): AssignmentsMessage | null {
    if (this.#end !== null) throw this.#end()
    if (this.#sequence === 0) return this.#complete()
    if (this.#changed.size === 0) return null
    const changes = [...this.#changed].map(([id, task]) => this.#tell(id, task))
    this.#changed.clear()
    return this.#message(AssignmentsType.INCREMENTAL, changes)
  }

  /** A task of this node is there or has changed. */
  update(task: Task): void {
    if (this.#sequence === 0 || !isAssigned(task)) return
    const told = this.#told.get(task.id)
    if (told !== undefined && !this.#changed.has(task.id) && !concernsNode(told, task)) return
    this.#changed.set(task.id, task)
    this.wakeup.wake()
  }

  /** A task of this node is gone. */
  remove(id: string): void {
    if (this.#told.has(id)) this.#changed.set(id, null)
    else this.#changed.delete(id)
    this.wakeup.wake()
  }

  end(why: StreamEnd): void {
    this.#end ??= why
    this.wakeup.wake()
  }

  close(): void {
    this.#onClose(this)
  }

  #complete(): AssignmentsMessage {
    const tasks = [...this.#tasks().values()].filter(isAssigned)
    const changes = tasks.map((task) => this.#tell(task.id, task))
    return this.#message(AssignmentsType.COMPLETE, changes)
  }

  #message(type: AssignmentsType, changes: AssignmentChange[]): AssignmentsMessage {
    const appliesTo = this.#sequence === 0 ? '' : String(this.#sequence)
    const resultsIn = String(++this.#sequence)
    return create(AssignmentsMessageSchema, { type, appliesTo, resultsIn, changes })
  }

  #tell(id: string, task: Task | null): AssignmentChange {
    if (task === null) this.#told.delete(id)
    else this.#told.set(id, task)
    const value = task === null ? create(TaskSchema, { id }) : toldTask(task)
    const action = task === null ? AssignmentAction.REMOVE : AssignmentAction.UPDATE
    const assignment = create(AssignmentSchema, { item: { case: 'task', value } })
    return create(AssignmentChangeSchema, { assignment, action })
  }
}

/** Nodes hear of a task from here on. */
function isAssigned(task: Task): boolean {
  return (task.status?.state ?? TaskState.NEW) >= TaskState.ASSIGNED
}

/** What a node reports itself is not told back to it. Specs are never changed, only replaced. */
function concernsNode(told: Task, task: Task): boolean {
  const isWaiting = task.status?.state === TaskState.ASSIGNED
  return isWaiting || told.spec !== task.spec || told.desiredState !== task.desiredState
}
