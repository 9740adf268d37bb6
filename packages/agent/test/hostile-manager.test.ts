/** What a manager may send and no node can use: refused, bounded, and shown; all else goes on. */
import { create, toBinary } from '@bufbuild/protobuf'
import { PORT_MAX } from '@weft/core'
import {
  AttachNetworkResponseSchema,
  NetworkSchema,
  TaskState,
  type SessionMessage,
  type Task,
} from '@weft/swarm'
import { describe, expect, test } from 'vitest'
import { ADDRESSES_MAX, grantOf, NETWORK_BYTES_MAX } from '../src/attachments/attachment.ts'
import { MANAGER } from './cluster-world.ts'
import { endpointsOf, misled } from './misled.ts'
import { assignments, attachmentTask } from './scripted-services.ts'

describe('a session message', () => {
  test('with a port that is none, or half a set of keys, changes nothing', async () => {
    const made = await misled()
    const { world, node, manager } = made
    const hear = async (change: (message: SessionMessage) => void): Promise<string> => {
      const message = manager.message([MANAGER])
      change(message)
      manager.say(message)
      await world.run(100)
      return node.agent.view().error
    }
    const port = (vxlanUdpPort: number) => (message: SessionMessage) => {
      if (message.node !== undefined) message.node.vxlanUdpPort = vxlanUdpPort
    }
    expect(await hear(port(PORT_MAX))).toBe('')
    expect(node.desired.tunnel.port).toBe(PORT_MAX)
    expect(await hear(port(PORT_MAX + 1))).toBe('65536 is no port for tunnels')
    expect(node.desired.tunnel.port).toBe(PORT_MAX)
    const keys = node.agent.keys()
    const half = (message: SessionMessage): void => void message.networkBootstrapKeys.pop()
    expect(await hear(half)).toContain('keys cannot be used: 2 keys of networking:ipsec')
    expect(node.agent.keys()).toEqual(keys)
    expect(await hear(() => undefined)).toBe('')
    expect(node.desired.tunnel.port).toBe(4789)
    expect(endpointsOf(made)).toBe(1)
  })
})

describe('a task', () => {
  const network = (task: Task): NonNullable<Task['networks'][number]['network']> => {
    const found = task.networks[0]?.network
    if (found === undefined) throw new Error('it names one')
    return found
  }

  test('whose network is described at more than NETWORK_BYTES_MAX is refused', () => {
    const task = attachmentTask('t1', 'c')
    const one = network(task)
    const room = NETWORK_BYTES_MAX - toBinary(NetworkSchema, one).length
    // A label takes its text and the lengths around it: two for each of three bytes and more.
    const label = (length: number): number => {
      const annotations = one.spec?.annotations
      if (annotations !== undefined) annotations.labels = { x: 'y'.repeat(length) }
      return toBinary(NetworkSchema, one).length
    }
    const around = label(room - 100) - (NETWORK_BYTES_MAX - 100)
    expect(label(room - around)).toBe(NETWORK_BYTES_MAX)
    expect(grantOf(task).network).toBe(one)
    label(room - around + 1)
    expect(() => grantOf(task)).toThrow('at too great a length')
  })

  test('with more than ADDRESSES_MAX addresses is refused', () => {
    const task = attachmentTask('t1', 'c')
    const [attached] = task.networks
    const give = (count: number): void => {
      const addresses = Array.from({ length: count }, (_, i) => `10.0.1.${i + 5}/24`)
      if (attached !== undefined) attached.addresses = addresses
    }
    give(ADDRESSES_MAX)
    expect(grantOf(task).addresses).toHaveLength(ADDRESSES_MAX)
    give(ADDRESSES_MAX + 1)
    expect(() => grantOf(task)).toThrow('it has too many addresses')
  })

  test.each([
    ['no address', (task: Task) => task.networks[0]?.addresses.pop()],
    ['no network', (task: Task) => task.networks.pop()],
    ['an address of another subnet', (task: Task) => replaceAddress(task, '10.9.9.9/24')],
    ['an address that is none', (task: Task) => replaceAddress(task, '10.0.1.300/24')],
    ['a network that is no overlay', (task: Task) => Object.assign(network(task), { id: 'a/b' })],
  ])('with %s fails its attach, and is given back', async (_, damage) => {
    const made = await misled()
    const { world, node, manager } = made
    manager.attach = async (containerId) => {
      const task = attachmentTask('bad', containerId)
      damage(task)
      manager.assign(assignments([task], { base: '1', result: '2' }))
      return create(AttachNetworkResponseSchema, { attachmentId: 'bad' })
    }
    const attach = world.settled(node.attaching('blue2', 'c2'))
    await expect(attach).rejects.toMatchObject({ code: 'ERR_PRECONDITION' })
    await world.run(1000)
    expect(manager.notes.released).toEqual(['bad'])
    expect(node.agent.attachments().map(({ name }) => name)).toEqual(['c1'])
    expect(endpointsOf(made)).toBe(1)
    expect(node.agent.view().connected).toBe(true)
  })

  test('of a container is rejected with a reason, again in each session', async () => {
    const { world, node, manager } = await misled()
    const task = attachmentTask('web', 'c')
    delete task.spec
    manager.assign(assignments([task], { base: '1', result: '2' }))
    await world.run(100)
    const rejected = manager.notes.updates.find(({ taskId }) => taskId === 'web')
    expect(rejected?.status?.state).toBe(TaskState.REJECTED)
    expect(rejected?.status?.err).toContain('does not run containers')
    expect(node.agent.view().error).toBe('')
  })
})

function replaceAddress(task: Task, address: string): void {
  const [attached] = task.networks
  if (attached !== undefined) attached.addresses = [address]
}
