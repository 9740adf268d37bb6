/** What nodes report of their tasks (docker-wire §7.6). */
import { create } from '@bufbuild/protobuf'
import type { Clock } from '@weft/core'
import {
  swarmError,
  TaskState,
  TaskStatusSchema,
  timestampOf,
  type Task,
  type TaskStatus,
  type TaskStatusUpdate,
} from '@weft/swarm'
import type { Draft } from './draft.ts'
import { invalid } from './network-spec.ts'
import { TRANSACTION_WRITES_MAX, type Objects } from './objects.ts'

/** Reports in one call: a node has no more tasks. */
export const REPORTS_MAX = 4_096

/** UTF-16 units kept of a report's message, and of its error. */
export const REPORT_TEXT_LENGTH_MAX = 1_024

/** Who stores reports, and when. */
export interface ReportPorts {
  /** This manager's node ID. */
  readonly nodeId: string
  readonly clock: Clock
}

/**
 * Store what a node reports; states only grow. Tasks that are gone are ignored: the node will hear.
 * Throws ERR_PERMISSION_DENIED for another node's task, ERR_INVALID_ARGUMENT for too many.
 */
export async function storeReports(
  objects: Objects,
  { nodeId, updates }: { readonly nodeId: string; readonly updates: readonly TaskStatusUpdate[] },
  ports: ReportPorts,
): Promise<void> {
  if (updates.length > REPORTS_MAX) throw invalid('too many task statuses in one call', 'updates')
  for (const { taskId } of updates) checkOwner(objects.tables.get('task', taskId), nodeId)
  for (let from = 0; from < updates.length; from += TRANSACTION_WRITES_MAX) {
    const some = updates.slice(from, from + TRANSACTION_WRITES_MAX)
    await objects.transact((draft) => {
      for (const update of some) planReport(draft, update, ports)
    })
  }
}

function planReport(draft: Draft, { taskId, status }: TaskStatusUpdate, ports: ReportPorts): void {
  const task = draft.tables.get('task', taskId)
  if (task === null || status === undefined || !isNews(task.status, status)) return
  draft.put('task', { ...task, status: stamped(status, ports) })
}

function checkOwner(task: Task | null, nodeId: string): void {
  if (task === null || task.nodeId === nodeId) return
  const message = `cannot update a task not assigned this node: ${task.id}`
  throw swarmError('ERR_PERMISSION_DENIED', message, { subject: task.id })
}

function isNews(known: TaskStatus | undefined, told: TaskStatus): boolean {
  if (!KNOWN_STATES.has(told.state)) return false
  if (known === undefined || told.state > known.state) return true
  const isSame = told.message === known.message && told.err === known.err
  return told.state === known.state && !isSame
}

/** Of a report only its state and its words are kept: tasks here are no containers. */
function stamped(status: TaskStatus, { nodeId, clock }: ReportPorts): TaskStatus {
  const now = timestampOf(clock.wall())
  const { state } = status
  return create(TaskStatusSchema, {
    timestamp: status.timestamp ?? now,
    state,
    message: status.message.slice(0, REPORT_TEXT_LENGTH_MAX),
    err: status.err.slice(0, REPORT_TEXT_LENGTH_MAX),
    appliedBy: nodeId,
    appliedAt: now,
  })
}

const KNOWN_STATES: ReadonlySet<number> = new Set(Object.values(TaskState))
