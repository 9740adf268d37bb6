/** Sessions, heartbeats and assignments (docker-wire §7.6). */
import { create, toBinary } from '@bufbuild/protobuf'
import { hasCode } from '@weft/core'
import {
  AssignmentAction,
  AssignmentsRequestSchema,
  AssignmentsType,
  HealthCheckRequestSchema,
  IssuanceState,
  NodeState,
  ServingStatus,
  TaskSchema,
  TaskState,
  TaskStatusSchema,
  TaskStatusUpdateSchema,
  UpdateTaskStatusRequestSchema,
  type AssignmentsMessage,
} from '@weft/swarm'
import { describe, expect, test } from 'vitest'
import { DESCRIPTION_BYTES_MAX } from '../src/dispatcher.ts'
import { SESSION_STREAMS_MAX } from '../src/node-session.ts'
import { REPORT_TEXT_LENGTH_MAX, REPORTS_MAX } from '../src/task-reports.ts'
import { FragileStore } from './fragile-store.ts'
import {
  addressesOf,
  ManagerWorld,
  networkSpec,
  REMOTE_IP,
  settle,
  TestNode,
  text,
} from './manager-world.ts'

describe('sessions', () => {
  test('the first message is complete and says that the node is ready', async () => {
    const world = await ManagerWorld.open()
    const node = await world.ready()
    const { last } = node.session ?? { last: undefined }
    expect(last?.sessionId).toMatch(/^[0-9a-z]{25}$/)
    expect(last?.node?.id).toBe(node.id)
    expect(last?.node?.status?.state).toBe(NodeState.READY)
    expect(last?.node?.status?.addr).toBe(REMOTE_IP)
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

test('a node may register three times in eight seconds', async () => {
  const world = await ManagerWorld.open()
  const node = await world.join()
  for (let i = 0; i < 3; i++) expect((await node.register()).error).toBeNull()
  const refused = await node.register()
  expect(hasCode(refused.error, 'ERR_UNAVAILABLE') && refused.error.message).toBe(
    `node ${node.id} exceeded rate limit count of registrations`,
  )
  await node.heartbeat()
  await world.clock.advance(8_000)
  expect((await node.register()).error).toBeNull()
})

test('sessions of nodes that are not, or no more, in the cluster are refused', async () => {
  const world = await ManagerWorld.open()
  const [node, nobody] = [await world.ready(), new TestNode(world, 'nobody')]
  expect(hasCode((await nobody.register()).error, 'ERR_NOT_FOUND')).toBe(true)
  await world.manager.control.removeNode(node.id, { force: true })
  await settle(() => node.session?.isDone === true)
  expect(hasCode(node.session?.error, 'ERR_ABORTED')).toBe(true)
  const again = await node.register()
  expect(hasCode(again.error, 'ERR_PERMISSION_DENIED') && again.error.message).toBe(
    `Permission denied: node ${node.id} was removed from swarm`,
  )
  await expect(node.heartbeat()).rejects.toThrow('was removed from swarm')
})

test('a reconnect with nothing new writes nothing', async () => {
  const store = new FragileStore()
  const world = await ManagerWorld.open({ store })
  const node = await world.ready()
  const { commits } = store
  await node.register()
  expect(store.commits).toBe(commits)
})

test('a session has SESSION_STREAMS_MAX streams of each kind; the oldest makes room', async () => {
  const world = await ManagerWorld.open()
  const node = await world.ready()
  const { sessionId } = node
  const sessions = [node.session]
  const assignments = [node.assignments()]
  for (let i = 1; i < SESSION_STREAMS_MAX; i++) {
    sessions.push(await node.register({ sessionId }))
    assignments.push(node.assignments())
  }
  await settle(() => assignments.every(({ messages }) => messages.length === 1))
  expect([...sessions, ...assignments].some((reader) => reader?.isDone === true)).toBe(false)
  await node.register({ sessionId })
  node.assignments()
  await settle(() => sessions[0]?.isDone === true && assignments[0]?.isDone === true)
  expect(hasCode(sessions[0]?.error, 'ERR_INVALID_ARGUMENT')).toBe(true)
  expect([...sessions, ...assignments].filter((reader) => reader?.isDone === true)).toHaveLength(2)
})

test('a description of DESCRIPTION_BYTES_MAX is taken, a longer one refused', async () => {
  const world = await ManagerWorld.open()
  const node = await world.join()
  // A field's tag and length take four bytes.
  const longest = 'x'.repeat(DESCRIPTION_BYTES_MAX - 4)
  const refused = await node.register({ hostname: `${longest}x` })
  expect(hasCode(refused.error, 'ERR_INVALID_ARGUMENT')).toBe(true)
  expect((await node.register({ hostname: longest })).error).toBeNull()
})

test('streams end when the client goes away', async () => {
  const world = await ManagerWorld.open()
  const node = await world.ready()
  const assignments = node.assignments()
  await settle(() => assignments.messages.length === 1)
  node.hangUp()
  await settle(() => node.session?.isDone === true && assignments.isDone)
  expect([node.session?.error, assignments.error]).toEqual([null, null])
})

test('whoever is slow is told what is, not what was', async () => {
  const world = await ManagerWorld.open()
  const node = await world.ready()
  const { services, control } = world.manager
  await control.createNetwork(networkSpec('blue'))
  const request = create(AssignmentsRequestSchema, { sessionId: node.sessionId })
  const stream = services.assignments(request, node.context)[Symbol.asyncIterator]()
  expect((await stream.next()).value).toMatchObject({ type: AssignmentsType.COMPLETE })
  const [kept] = [await node.attach('blue')]
  for (let i = 0; i < 20; i++) await node.detach(await node.attach('blue'))
  const { value } = await stream.next()
  const changes = (value as AssignmentsMessage).changes.map(({ assignment, action }) => {
    return [assignment?.item.value?.id, action]
  })
  expect(changes).toEqual([[kept, AssignmentAction.UPDATE]])
  await node.report(kept, TaskState.RUNNING)
  await node.detach(kept)
  const { value: last } = await stream.next()
  expect((last as AssignmentsMessage).changes.map(({ action }) => action)).toEqual([
    AssignmentAction.REMOVE,
  ])
})

describe('reports', () => {
  test('states only grow, and are told to nobody who said so', async () => {
    const world = await ManagerWorld.open()
    const node = await world.ready()
    await world.manager.control.createNetwork(networkSpec('blue'))
    const stream = node.assignments()
    const id = await node.attach('blue')
    await settle(() => stream.messages.some(({ changes }) => changes.length > 0))
    const { length } = stream.messages
    for (const state of [TaskState.ACCEPTED, TaskState.RUNNING, TaskState.PREPARING]) {
      await node.report(id, state, `at ${state}`)
    }
    const [task] = world.manager.control.tasks()
    expect(task?.status).toMatchObject({
      state: TaskState.RUNNING,
      message: `at ${TaskState.RUNNING}`,
      appliedBy: world.identity.nodeId,
    })
    expect(stream.messages).toHaveLength(length)
    await node.report('unknown', TaskState.RUNNING)
    await node.report(id, 9_999 as TaskState)
    expect(world.manager.control.tasks()[0]?.status?.state).toBe(TaskState.RUNNING)
  })

  test('of another node are refused', async () => {
    const world = await ManagerWorld.open()
    const [owner, other] = [await world.ready(), await world.ready()]
    await world.manager.control.createNetwork(networkSpec('blue'))
    const id = await owner.attach('blue')
    const lie = other.report(id, TaskState.FAILED)
    await expect(lie).rejects.toMatchObject({ code: 'ERR_PERMISSION_DENIED' })
    expect(world.manager.control.tasks()[0]?.status?.state).toBe(TaskState.ASSIGNED)
  })

  test('are cut to REPORT_TEXT_LENGTH_MAX, and taken up to REPORTS_MAX at once', async () => {
    const world = await ManagerWorld.open()
    const node = await world.ready()
    await world.manager.control.createNetwork(networkSpec('blue'))
    const id = await node.attach('blue')
    await node.report(id, TaskState.FAILED, 'x'.repeat(REPORT_TEXT_LENGTH_MAX + 1))
    const [task] = world.manager.control.tasks()
    expect(task?.status?.message).toHaveLength(REPORT_TEXT_LENGTH_MAX)
    const report = (count: number): Promise<unknown> => {
      const updates = Array.from({ length: count }, () => create(TaskStatusUpdateSchema))
      const { sessionId } = node
      const request = create(UpdateTaskStatusRequestSchema, { sessionId, updates })
      return world.manager.services.updateTaskStatus(request, node.context)
    }
    await report(REPORTS_MAX)
    await expect(report(REPORTS_MAX + 1)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })

  test('are kept by state and words alone: what else a node sends has no bounds', async () => {
    const world = await ManagerWorld.open()
    const node = await world.ready()
    await world.manager.control.createNetwork(networkSpec('blue'))
    const id = await node.attach('blue')
    const container = { containerId: 'x'.repeat(100_000), pid: 7 }
    const status = create(TaskStatusSchema, {
      state: TaskState.RUNNING,
      runtimeStatus: { case: 'container', value: container },
      portStatus: { ports: [{ name: 'x'.repeat(100_000) }] },
    })
    const updates = [create(TaskStatusUpdateSchema, { taskId: id, status })]
    const { sessionId, context } = node
    const request = create(UpdateTaskStatusRequestSchema, { sessionId, updates })
    await world.manager.services.updateTaskStatus(request, context)
    const [task] = world.manager.control.tasks()
    expect(task?.status).toMatchObject({ state: TaskState.RUNNING, runtimeStatus: {} })
    expect(toBinary(TaskSchema, task ?? create(TaskSchema)).length).toBeLessThan(2_000)
  })
})

test('health is asked for by Docker\'s names', async () => {
  const world = await ManagerWorld.open()
  const ask = (service: string): Promise<unknown> =>
    world.manager.services.checkHealth(
      create(HealthCheckRequestSchema, { service }),
      new TestNode(world, world.identity.nodeId).context,
    )
  expect(await ask('Raft')).toMatchObject({ status: ServingStatus.SERVING })
  await expect(ask('Else')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
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
