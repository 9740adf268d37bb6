/** What a manager's assignments do to attachments that run (docker-wire §7.12). */
import { clone, create } from '@bufbuild/protobuf'
import { AttachNetworkResponseSchema, TaskSchema, TaskState, type Task } from '@weft/swarm'
import { describe, expect, test } from 'vitest'
import { endpointsOf, misled, type Misled } from './misled.ts'
import { assignments, attachmentTask } from './scripted-services.ts'

/** The node's own task, as a manager may say it anew. */
function retold({ tasks }: Misled, change: (task: Task) => void): Task {
  const [own] = tasks
  if (own === undefined) throw new Error('it has one')
  const task = clone(TaskSchema, own)
  change(task)
  return task
}

function newVersion(task: Task, mtu: string): void {
  const network = task.networks[0]?.network
  if (network?.meta?.version === undefined || network.driverState === undefined) return
  network.meta.version.index += 1n
  network.driverState.options['com.docker.network.driver.mtu'] = mtu
}

describe('an attachment', () => {
  test('that the next life is not assigned any more is taken away, not given back', async () => {
    const made = await misled()
    const { world, node, manager, networkId } = made
    node.kill()
    manager.firstAssignments = assignments([], { result: '1' })
    const before = node.noted.applied.length
    await node.start()
    expect(node.noted.applied[before]?.networks.get(networkId)?.local.size).toBe(1)
    await world.run(1000)
    expect(node.agent.attachments()).toEqual([])
    expect(endpointsOf(made)).toBe(undefined)
    expect(manager.notes.released).toEqual([])
  })

  test('whose task is removed, or is to shut down, ends', async () => {
    for (const isShutDown of [false, true]) {
      const made = await misled()
      const { world, node, manager } = made
      const down = retold(made, (task) => (task.desiredState = TaskState.SHUTDOWN))
      const message = isShutDown
        ? assignments([down], { base: '1', result: '2' })
        : assignments([], { base: '1', result: '2', removed: [down.id] })
      manager.assign(message)
      await world.run(1000)
      expect(node.agent.attachments()).toEqual([])
      expect(endpointsOf(made)).toBe(undefined)
      expect(manager.notes.released).toEqual([])
      const told = manager.notes.updates.some(({ taskId, status }) => {
        return taskId === down.id && status?.state === TaskState.SHUTDOWN
      })
      expect(told).toBe(isShutDown)
    }
  })

  test('that is taken back while it is plugged in is never said to run', async () => {
    const made = await misled()
    const { world, node, manager } = made
    manager.attach = async (containerId) => {
      const task = attachmentTask('t9', containerId)
      manager.assign(assignments([task], { base: '1', result: '2' }))
      manager.assign(assignments([], { base: '2', result: '3', removed: ['t9'] }))
      return create(AttachNetworkResponseSchema, { attachmentId: 't9' })
    }
    const attach = world.settled(node.attaching('blue2', 'c2'))
    await expect(attach).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await world.run(10_000)
    const told = manager.notes.updates.filter(({ taskId }) => taskId === 't9')
    expect(told.map(({ status }) => status?.state)).not.toContain(TaskState.RUNNING)
    expect(node.agent.attachments().map(({ name }) => name)).toEqual(['c1'])
    expect(endpointsOf(made)).toBe(1)
    expect(manager.notes.released).toEqual([])
  })

  test('follows its network to another version, and keeps its address', async () => {
    const made = await misled()
    const { world, node, manager, networkId } = made
    const mtu = (): number | null | undefined => node.desired.networks.get(networkId)?.mtu
    expect(mtu()).toBe(1450)
    const before = node.agent.attachments().map((one) => ({ ...one, mtuBytes: 1350 }))
    const narrower = retold(made, (task) => newVersion(task, '1400'))
    manager.assign(assignments([narrower], { base: '1', result: '2' }))
    await world.run(100)
    expect(mtu()).toBe(1350)
    expect(node.agent.attachments()).toEqual(before)
    const moved = retold(made, (task) => {
      newVersion(task, '1300')
      newVersion(task, '1300')
      const [attached] = task.networks
      if (attached !== undefined) attached.addresses = ['10.0.0.99/24']
    })
    manager.assign(assignments([moved], { base: '2', result: '3' }))
    await world.run(100)
    expect(node.agent.attachments()).toEqual(before)
    expect(mtu()).toBe(1350)
  })
})
