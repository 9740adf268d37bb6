/** Attachments: an address or a reason, within the call (docker-wire §7.7, §7.12; P11). */
import { create, toBinary } from '@bufbuild/protobuf'
import {
  AnnotationsSchema,
  AssignmentsMessageSchema,
  AttachNetworkRequestSchema,
  NetworkAttachmentConfigSchema,
  NodeAvailability,
  TaskState,
  type AssignmentsMessage,
  type Task,
} from '@weft/swarm'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  CONTAINER_ID_LENGTH_MAX,
  TASK_BYTES_PER_NODE_MAX,
  TASKS_PER_NODE_MAX,
} from '../src/attachment-desk.ts'
import { REPORT_TEXT_LENGTH_MAX } from '../src/task-reports.ts'
import { FragileStore } from './fragile-store.ts'
import {
  addressesOf,
  ManagerWorld,
  networkSpec,
  settle,
  type Reader,
  type TestNode,
} from './manager-world.ts'

let world: ManagerWorld
let node: TestNode

beforeEach(async () => {
  world = await ManagerWorld.open()
  node = await world.ready()
  await world.manager.control.createNetwork(networkSpec('blue'))
})

const nothing = create(AssignmentsMessageSchema)

async function opened(of: TestNode): Promise<Reader<AssignmentsMessage>> {
  const reader = of.assignments()
  await settle(() => reader.messages.length > 0)
  return reader
}

function taskOf(id: string): Task | undefined {
  return world.manager.control.tasks().find((task) => task.id === id)
}

describe('an attachment', () => {
  test('is a task as stock workers are sent it', async () => {
    const id = await node.attach('blue', { containerId: 'c1' })
    const [network] = world.manager.control.networks()
    expect(taskOf(id)).toMatchObject({
      nodeId: node.id,
      serviceId: '',
      desiredState: TaskState.RUNNING,
      status: {
        state: TaskState.ASSIGNED,
        message: 'scheduler confirmed task can run on preassigned node',
      },
      spec: {
        runtime: { case: 'attachment', value: { containerId: 'c1' } },
        networks: [{ target: network?.id, addresses: [] }],
      },
      networks: [{ network: { id: network?.id, ipam: { driver: { name: 'default' } } } }],
    })
    expect(addressesOf(taskOf(id))).toEqual(['10.0.0.2/24'])
  })

  test('is found by name and by ID, and gets the address it asks for', async () => {
    const [network] = world.manager.control.networks()
    const id = await node.attach(network?.id ?? '', { addresses: ['10.0.0.77'] })
    expect(addressesOf(taskOf(id))).toEqual(['10.0.0.77/24'])
    expect(taskOf(id)?.spec?.networks[0]).toMatchObject({ addresses: ['10.0.0.77'] })
  })

  test('is the same for the same container, also when two ask at once', async () => {
    const ask = (): Promise<string> => node.attach('blue', { containerId: 'c1' })
    const ids = await Promise.all([ask(), ask(), ask()])
    expect(new Set([...ids, await ask()]).size).toBe(1)
    const other = node.attach('blue', { containerId: 'c1', addresses: ['10.0.0.9'] })
    await expect(other).rejects.toMatchObject({ code: 'ERR_ALREADY_EXISTS' })
    await node.attach('blue', { containerId: 'c1', addresses: ['10.0.0.2'] })
    expect(world.manager.control.tasks()).toHaveLength(1)
    const elsewhere = await world.ready()
    expect(await elsewhere.attach('blue', { containerId: 'c1' })).not.toBe(ids[0])
  })

  test('that failed makes room for the next of its container', async () => {
    const failed = await node.attach('blue', { containerId: 'c1', addresses: ['10.0.0.9'] })
    await node.report(failed, TaskState.FAILED)
    const id = await node.attach('blue', { containerId: 'c1', addresses: ['10.0.0.9'] })
    expect(id).not.toBe(failed)
    expect(world.manager.control.tasks().map((task) => task.id)).toEqual([id])
  })

  test('outlives a restart, with its address', async () => {
    const id = await node.attach('blue')
    await world.restart()
    await node.register()
    expect(addressesOf(taskOf(id))).toEqual(['10.0.0.2/24'])
    expect(addressesOf(taskOf(await node.attach('blue')))).toEqual(['10.0.0.3/24'])
  })

  test('gives its address back, which then comes last', async () => {
    await node.detach(await node.attach('blue'))
    expect(addressesOf(taskOf(await node.attach('blue')))).toEqual(['10.0.0.3/24'])
    await node.attach('blue', { addresses: ['10.0.0.2'] })
  })
})

describe('refused', () => {
  const code = (text: string): { code: string } => ({ code: text })

  test('a network that is not there, or not for people', async () => {
    const nowhere = node.attach('nowhere')
    await expect(nowhere).rejects.toMatchObject(code('ERR_NOT_FOUND'))
    await expect(nowhere).rejects.toThrow('network nowhere not found')
    const closed = networkSpec('closed', { fields: { attachable: false } })
    await world.manager.control.createNetwork(closed)
    const refused = node.attach('closed')
    await expect(refused).rejects.toMatchObject(code('ERR_PERMISSION_DENIED'))
    await expect(refused).rejects.toThrow('network closed not manually attachable')
  })

  test('an address that is taken, kept back, outside or none', async () => {
    const holder = await node.attach('blue', { addresses: ['10.0.0.9'] })
    const ask = (...addresses: string[]): Promise<string> => node.attach('blue', { addresses })
    await expect(ask('10.0.0.9')).rejects.toMatchObject({
      code: 'ERR_ALREADY_EXISTS',
      details: { subject: '10.0.0.9', owner: `task ${holder}` },
    })
    await expect(ask('10.0.0.9')).rejects.toThrow('Address already in use')
    await expect(ask('10.0.0.1')).rejects.toThrow('10.0.0.1 is kept for gateway')
    await expect(ask('10.0.0.255')).rejects.toMatchObject(code('ERR_ALREADY_EXISTS'))
    await expect(ask('10.9.9.9')).rejects.toMatchObject(code('ERR_INVALID_ARGUMENT'))
    await expect(ask('10.9.9.9')).rejects.toThrow('no configured subnet contains IP address')
    await expect(ask('fd00::1')).rejects.toThrow('no configured subnet contains IP address')
    await expect(ask('what')).rejects.toThrow('invalid IP address: what')
    await expect(ask('10.0.0.3', '10.0.0.4')).rejects.toThrow('at most one address of each')
    expect(world.manager.control.tasks()).toHaveLength(1)
  })

  test('when the network is full, typed and at once (P11)', async () => {
    const configs = [{ subnet: '10.9.0.0/29' }]
    await world.manager.control.createNetwork(networkSpec('tiny', { configs }))
    const ids = []
    for (let i = 0; i < 5; i++) ids.push(await node.attach('tiny'))
    const refused = node.attach('tiny')
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_EXHAUSTED',
      details: { subject: 'tiny' },
    })
    await expect(refused).rejects.toThrow("no available IPv4 addresses on this network's")
    await node.detach(ids[2] ?? '')
    await node.attach('tiny')
  })

  test('on nodes that are not ready, paused, drained or removed', async () => {
    const { control } = world.manager
    const [silent, removed] = [await world.join(), await world.ready()]
    await expect(silent.attach('blue')).rejects.toThrow(`node ${silent.id} is not ready`)
    await control.removeNode(removed.id, { force: true })
    await expect(removed.attach('blue')).rejects.toMatchObject(code('ERR_PERMISSION_DENIED'))
    const kept = await node.attach('blue', { containerId: 'kept' })
    for (const [availability, word] of [
      [NodeAvailability.PAUSE, 'paused'],
      [NodeAvailability.DRAIN, 'drained'],
    ] as const) {
      const stored = control.nodes().find(({ id }) => id === node.id)
      if (stored?.spec === undefined) throw new Error('no spec')
      const version = stored.meta?.version?.index ?? 0n
      await control.updateNode(node.id, version, { ...stored.spec, availability })
      const refused = node.attach('blue')
      await expect(refused).rejects.toMatchObject(code('ERR_PRECONDITION'))
      await expect(refused).rejects.toThrow(`is ${word}`)
    }
    // What is there stays, and may be asked for again.
    expect(await node.attach('blue', { containerId: 'kept' })).toBe(kept)
  })

  test('options that nobody knows, and a container ID beyond CONTAINER_ID_LENGTH_MAX', async () => {
    const attach = (options: { [name: string]: string }, containerId = ''): unknown => {
      const driverAttachmentOpts = options
      const config = create(NetworkAttachmentConfigSchema, { target: 'blue', driverAttachmentOpts })
      const request = create(AttachNetworkRequestSchema, { config, containerId })
      return world.manager.services.attachNetwork(request, node.context)
    }
    await expect(attach({ what: '1' })).rejects.toThrow('unknown driver option: what')
    await attach({}, 'x'.repeat(CONTAINER_ID_LENGTH_MAX))
    const tooLong = attach({}, 'x'.repeat(CONTAINER_ID_LENGTH_MAX + 1))
    await expect(tooLong).rejects.toMatchObject(code('ERR_INVALID_ARGUMENT'))
    const nothing = world.manager.services.attachNetwork(
      create(AttachNetworkRequestSchema),
      node.context,
    )
    await expect(nothing).rejects.toMatchObject(code('ERR_INVALID_ARGUMENT'))
    await expect(node.attach('')).rejects.toThrow('network target is empty')
  })

  test('detaching what is not there, not its own, or nameless', async () => {
    const id = await node.attach('blue')
    const other = await world.ready()
    const stolen = other.detach(id)
    await expect(stolen).rejects.toMatchObject(code('ERR_PERMISSION_DENIED'))
    await expect(stolen).rejects.toThrow(`attachment ${id} doesn't belong to this node`)
    await node.detach(id)
    await expect(node.detach(id)).rejects.toThrow(`attachment ${id} not found`)
    await expect(node.detach('')).rejects.toMatchObject(code('ERR_INVALID_ARGUMENT'))
  })
})

test('a node has TASKS_PER_NODE_MAX attachments', async () => {
  const configs = [{ subnet: '10.128.0.0/16' }]
  await world.manager.control.createNetwork(networkSpec('wide', { configs }))
  const all = Array.from({ length: TASKS_PER_NODE_MAX }, () => node.attach('wide'))
  await Promise.all(all)
  await expect(node.attach('wide')).rejects.toMatchObject({ code: 'ERR_EXHAUSTED' })
  const other = await world.ready()
  await other.attach('wide')
})

test('one message tells a node of all its attachments, up to TASK_BYTES_PER_NODE_MAX', async () => {
  const labels = { of: 'x'.repeat(12 << 10) }
  const annotations = create(AnnotationsSchema, { name: 'wide', labels })
  const configs = [{ subnet: '10.128.0.0/16' }]
  const wide = networkSpec('wide', { configs, fields: { annotations } })
  await world.manager.control.createNetwork(wide)
  const ids: string[] = []
  const attachAll = async (): Promise<void> => {
    for (;;) ids.push(await node.attach('wide'))
  }
  await expect(attachAll()).rejects.toMatchObject({
    code: 'ERR_EXHAUSTED',
    details: { subject: node.id },
  })
  expect(ids.length).toBeGreaterThan(TASK_BYTES_PER_NODE_MAX / (13 << 10))
  const words = '€'.repeat(REPORT_TEXT_LENGTH_MAX)
  for (const id of ids) await node.report(id, TaskState.RUNNING, words)
  const { messages } = await opened(node)
  expect(messages[0]?.changes).toHaveLength(ids.length)
  expect(toBinary(AssignmentsMessageSchema, messages[0] ?? nothing).length).toBeLessThan(4 << 20)
  await (await world.ready()).attach('wide')
  await node.detach(ids[0] ?? '')
  await node.attach('wide')
})

test('two hundred and one at once share a handful of transactions, and no address', async () => {
  const store = new FragileStore()
  world = await ManagerWorld.open({ store })
  const nodes = [await world.ready(), await world.ready(), await world.ready()]
  await world.manager.control.createNetwork(networkSpec('blue'))
  const { commits } = store
  await Promise.all(Array.from({ length: 67 }, () => nodes.map((one) => one.attach('blue'))).flat())
  expect(store.commits - commits).toBeLessThanOrEqual(4)
  const addresses = world.manager.control.tasks().flatMap(addressesOf)
  expect(new Set(addresses).size).toBe(201)
})

test('a full store refuses the attachment, and its address is not lost', async () => {
  const store = new FragileStore()
  world = await ManagerWorld.open({ store })
  node = await world.ready()
  const configs = [{ subnet: '10.9.0.0/30' }]
  await world.manager.control.createNetwork(networkSpec('one', { configs }))
  store.fate = () => 'full'
  const refused = node.attach('one')
  await expect(refused).rejects.toMatchObject({
    code: 'ERR_UNAVAILABLE',
    details: { subject: 'ERR_STORE_FULL' },
  })
  const forPeople = world.manager.control.createNetwork(networkSpec('two'))
  await expect(forPeople).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })
  expect(world.manager.control.tasks()).toEqual([])
  store.fate = () => 'done'
  expect(addressesOf(taskOf(await node.attach('one')))).toEqual(['10.9.0.2/30'])
})
