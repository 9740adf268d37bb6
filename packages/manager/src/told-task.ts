/** Tasks as their nodes are told of them. */
import { toBinary } from '@bufbuild/protobuf'
import { TaskSchema, TaskState, type Task } from '@weft/swarm'

/** Without the words that the node itself wrote: they are long, and all tasks fit one message. */
export function toldTask(task: Task): Task {
  const { status } = task
  if (status === undefined || status.state <= TaskState.ASSIGNED) return task
  return { ...task, status: { ...status, message: '', err: '' } }
}

const BYTES = new WeakMap<Task, number>()

/** Bytes of that, counted once: objects are never changed, only replaced. */
export function toldBytes(task: Task): number {
  const known = BYTES.get(task)
  if (known !== undefined) return known
  const { length } = toBinary(TaskSchema, toldTask(task))
  BYTES.set(task, length)
  return length
}
