/** States of tasks and nodes: their names as Docker prints them, and their order. */
import {
  NodeAvailability,
  NodeRole,
  NodeState,
  Reachability,
  TaskState,
} from './generated/docker/swarmkit/v1/types_pb.ts'
import type { CertificateRole } from './certificates.ts'

const TASK_STATES: ReadonlyMap<TaskState, string> = new Map([
  [TaskState.NEW, 'new'],
  [TaskState.PENDING, 'pending'],
  [TaskState.ASSIGNED, 'assigned'],
  [TaskState.ACCEPTED, 'accepted'],
  [TaskState.PREPARING, 'preparing'],
  [TaskState.READY, 'ready'],
  [TaskState.STARTING, 'starting'],
  [TaskState.RUNNING, 'running'],
  [TaskState.COMPLETE, 'complete'],
  [TaskState.SHUTDOWN, 'shutdown'],
  [TaskState.FAILED, 'failed'],
  [TaskState.REJECTED, 'rejected'],
  [TaskState.REMOVE, 'remove'],
  [TaskState.ORPHANED, 'orphaned'],
])
const NODE_STATES: ReadonlyMap<NodeState, string> = new Map([
  [NodeState.UNKNOWN, 'unknown'],
  [NodeState.DOWN, 'down'],
  [NodeState.READY, 'ready'],
  [NodeState.DISCONNECTED, 'disconnected'],
])
const AVAILABILITIES: ReadonlyMap<NodeAvailability, string> = new Map([
  [NodeAvailability.ACTIVE, 'active'],
  [NodeAvailability.PAUSE, 'pause'],
  [NodeAvailability.DRAIN, 'drain'],
])
const REACHABILITIES: ReadonlyMap<Reachability, string> = new Map([
  [Reachability.UNKNOWN, 'unknown'],
  [Reachability.UNREACHABLE, 'unreachable'],
  [Reachability.REACHABLE, 'reachable'],
])

/** Docker's name of a task's state; its number when it is none that we know. */
export function describeTaskState(state: TaskState): string {
  return TASK_STATES.get(state) ?? String(state)
}

/** Docker's name of a node's state; its number when it is none that we know. */
export function describeNodeState(state: NodeState): string {
  return NODE_STATES.get(state) ?? String(state)
}

/** Docker's name of an availability; its number when it is none that we know. */
export function describeAvailability(availability: NodeAvailability): string {
  return AVAILABILITIES.get(availability) ?? String(availability)
}

/** The availability that Docker calls so; null when there is none. */
export function parseAvailability(text: string): NodeAvailability | null {
  for (const [availability, name] of AVAILABILITIES) if (name === text) return availability
  return null
}

/** Docker's name of a manager's reachability; its number when it is none that we know. */
export function describeReachability(reachability: Reachability): string {
  return REACHABILITIES.get(reachability) ?? String(reachability)
}

/** The role of a certificate as messages have it. */
export function nodeRole(role: CertificateRole): NodeRole {
  return role === 'manager' ? NodeRole.MANAGER : NodeRole.WORKER
}

/** The role in a message as a certificate has it; whatever is not a manager is a worker. */
export function certificateRole(role: NodeRole): CertificateRole {
  return role === NodeRole.MANAGER ? 'manager' : 'worker'
}

/** True for states that a task never leaves: it runs no more, or never will (docker-wire §7.10). */
export function isTerminalState(state: TaskState): boolean {
  return state > TaskState.RUNNING
}

/** True when a report of `next` counts for a task at `current`: states only grow. */
export function advancesTask(current: TaskState, next: TaskState): boolean {
  return next > current
}

/** Message that a worker reports on entering a state by itself (docker-wire §7.10). */
export const TASK_STATE_MESSAGES: ReadonlyMap<TaskState, string> = new Map([
  [TaskState.ACCEPTED, 'accepted'],
  [TaskState.PREPARING, 'preparing'],
  [TaskState.READY, 'prepared'],
  [TaskState.STARTING, 'starting'],
  [TaskState.RUNNING, 'started'],
  [TaskState.COMPLETE, 'finished'],
  [TaskState.SHUTDOWN, 'shutdown'],
])
