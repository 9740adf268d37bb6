/** States have Docker's names, and unknown ones survive as numbers. */
import { describe, expect, it } from 'vitest'
import {
  advancesTask,
  certificateRole,
  describeAvailability,
  describeNodeState,
  describeReachability,
  describeTaskState,
  isTerminalState,
  NodeAvailability,
  NodeRole,
  nodeRole,
  NodeState,
  parseAvailability,
  Reachability,
  TASK_STATE_MESSAGES,
  TaskState,
  TaskStateSchema,
  type NodeState as NodeStateValue,
  type TaskState as TaskStateValue,
} from '../src/index.ts'

describe('task states', () => {
  // docker-wire §7.8, with the numbers that travel.
  const NUMBERS = {
    new: 0,
    pending: 64,
    assigned: 192,
    accepted: 256,
    preparing: 320,
    ready: 384,
    starting: 448,
    running: 512,
    complete: 576,
    shutdown: 640,
    failed: 704,
    rejected: 768,
    remove: 800,
    orphaned: 832,
  }

  it('have Docker’s names and numbers, all of them', () => {
    const named = TaskStateSchema.values.map(({ number }) => [
      describeTaskState(number as TaskStateValue),
      number,
    ])
    expect(Object.fromEntries(named)).toEqual(NUMBERS)
  })

  it('that we do not know are numbers', () => {
    expect(describeTaskState(900 as TaskStateValue)).toBe('900')
    expect(describeNodeState(9 as NodeStateValue)).toBe('9')
  })

  it('only grow, and those beyond running are final', () => {
    expect(advancesTask(TaskState.READY, TaskState.RUNNING)).toBe(true)
    expect(advancesTask(TaskState.RUNNING, TaskState.RUNNING)).toBe(false)
    expect(advancesTask(TaskState.FAILED, TaskState.RUNNING)).toBe(false)
    expect(isTerminalState(TaskState.RUNNING)).toBe(false)
    expect(isTerminalState(TaskState.COMPLETE)).toBe(true)
    expect(isTerminalState(TaskState.REJECTED)).toBe(true)
  })

  it('are reported with Docker’s messages', () => {
    expect(TASK_STATE_MESSAGES.get(TaskState.READY)).toBe('prepared')
    expect(TASK_STATE_MESSAGES.get(TaskState.RUNNING)).toBe('started')
    expect(TASK_STATE_MESSAGES.get(TaskState.NEW)).toBe(undefined)
  })
})

describe('nodes', () => {
  it('have Docker’s names of states, reachability and availability', () => {
    const { READY, DOWN, DISCONNECTED, UNKNOWN } = NodeState
    const names = [READY, DOWN, DISCONNECTED, UNKNOWN].map(describeNodeState)
    expect(names).toEqual(['ready', 'down', 'disconnected', 'unknown'])
    expect(describeReachability(Reachability.REACHABLE)).toBe('reachable')
    expect(describeReachability(Reachability.UNREACHABLE)).toBe('unreachable')
    for (const one of [NodeAvailability.ACTIVE, NodeAvailability.PAUSE, NodeAvailability.DRAIN]) {
      expect(parseAvailability(describeAvailability(one))).toBe(one)
    }
    expect(parseAvailability('Active')).toBe(null)
  })

  it('have the role of their certificate', () => {
    expect(nodeRole('manager')).toBe(NodeRole.MANAGER)
    expect(nodeRole('worker')).toBe(NodeRole.WORKER)
    expect(certificateRole(NodeRole.MANAGER)).toBe('manager')
    expect(certificateRole(7 as typeof NodeRole.WORKER)).toBe('worker')
  })
})
