/** Sessions, heartbeats and assignments (docker-wire §7.6). */
import { hasCode } from '@weft/core'
import {
  AssignmentAction,
  AssignmentsType,
  IssuanceState,
  NodeState,
  TaskState,
} from '@weft/swarm'
import { describe, expect, test } from 'vitest'
import { addressesOf, ManagerWorld, networkSpec, settle, text } from './manager-world.ts'

describe('sessions', () => {
  test('the first message is complete and says that the node is ready', async () => {
    const world = await ManagerWorld.open()
    const node = await world.ready()
    const { last } = node.session ?? { last: undefined }
    expect(last?.sessionId).toMatch(/^[0-9a-z]{25}$/)
    expect(last?.node?.id).toBe(node.id)
    expect(last?.node?.status?.state).toBe(NodeState.READY)
    expect(last?.node?.status?.addr).toBe(node.remoteIp)
    expect(last?.node?.vxlanUdpPort).toBe(4789)
    expect(last?.node?.certificate?.status?.state).toBe(IssuanceState.ISSUED)
    expect(last?.managers.map(({ peer, weight }) => [peer?.addr, weight])).toEqual([
      ['192.0.2.1:2377', 10n],
    ])
    expect(last?.networkBootstrapKeys.map(({ subsystem }) => subsystem)).toEqual([
      ...Array<string>(3).fill('networking:gossip'),
      ...Array<string>(3).fill('networking:ipsec'),
    ])
    expect(text(last?.rootCa)).toBe(world.identity.rootPem)
  })

  test('a new session ends the streams of the old one', async () => {
    const world = await ManagerWorld.open()
    const node = await world.ready()
    const [first, firstId] = [node.session, node.sessionId]
    const assignments = node.assignments()
    await node.register()
    await settle(() => first?.isDone === true && assignments.isDone)
    for (const error of [first?.error, assignments.error]) {
      expect(hasCode(error, 'ERR_INVALID_ARGUMENT') && error.message).toBe('session invalid')
    }
    await expect(node.heartbeat(firstId)).rejects.toThrow('session invalid')
    await node.heartbeat()
  })

  test('the same session ID keeps the session and brings a new description', async () => {
    const world = await ManagerWorld.open()
    const node = await world.ready()
    const first = node.session
    const { sessionId } = node
    for (let i = 0; i < 10; i++) await node.register({ sessionId, hostname: `name-${i}` })
    expect(node.sessionId).toBe(sessionId)
    const stored = world.manager.control.nodes().find(({ id }) => id === node.id)
    expect(stored?.description?.hostname).toBe('name-9')
    expect(first?.messages.at(-1)?.sessionId).toBe(sessionId)
  })
})

test('attachments reach the node at once, as a whole and then as they change', async () => {
  const world = await ManagerWorld.open()
  const node = await world.ready()
  await world.manager.control.createNetwork(networkSpec('blue'))
  const stream = node.assignments()
  await settle(() => stream.messages.length === 1)
  expect(stream.last).toMatchObject({
    type: AssignmentsType.COMPLETE,
    appliesTo: '',
    resultsIn: '1',
    changes: [],
  })
  const id = await node.attach('blue', { containerId: 'c1' })
  await settle(() => stream.messages.length === 2)
  expect(stream.last).toMatchObject({ appliesTo: '1', resultsIn: '2' })
  const [change] = stream.last.changes
  const task = change?.assignment?.item.case === 'task' ? change.assignment.item.value : undefined
  expect(task?.id).toBe(id)
  expect(task?.status?.state).toBe(TaskState.ASSIGNED)
  expect(addressesOf(task)).toEqual(['10.0.0.2/24'])
  await node.report(id, TaskState.RUNNING, 'started')
  await node.detach(id)
  await settle(() => stream.messages.length === 3)
  expect(stream.last.changes.map(({ action }) => action)).toEqual([AssignmentAction.REMOVE])
})
