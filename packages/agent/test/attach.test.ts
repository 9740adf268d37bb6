/** Attaching and detaching in a whole cluster: what peers, manager and dataplane come to know. */
import { parseIp } from '@weft/core'
import { SimCard } from '@weft/dataplane-sim/lab'
import { swarmError, TaskState } from '@weft/swarm'
import { describe, expect, test } from 'vitest'
import { CancelSource } from '../src/async/cancel-source.ts'
import {
  ATTACHMENTS_MAX,
  IFNAMES_MAX,
} from '../src/attachments/attachment-book.ts'
import { ENDPOINT_NAME_CHARACTERS_MAX, PLUGGED_AT_ONCE_MAX } from '../src/attachments/attacher.ts'
import { ClusterWorld, MANAGER } from './cluster-world.ts'

async function settledCode(world: ClusterWorld, work: Promise<unknown>): Promise<string> {
  const error: unknown = await world.settled(work).then(
    () => null,
    (failure: unknown) => failure,
  )
  return (error as { code?: string } | null)?.code ?? 'no error'
}

describe('an endpoint on each of two nodes', () => {
  test('each learns where the other is, and forgets it when it goes', async () => {
    const world = await ClusterWorld.open(2)
    const [a, b] = world.pair
    const blue = await world.createNetwork('blue')
    const one = await a.attach('blue', 'c1')
    const two = await b.attach('blue', 'c2', { aliases: ['db'] })
    expect(one).toMatchObject({
      networkName: 'blue',
      networkId: blue.id,
      name: 'c1',
      state: 'running',
      ifname: 'eth0',
      netns: '/run/netns/c1',
      addresses: ['10.0.0.2/24'],
      mac: '02:42:0a:00:00:02',
    })
    expect(one.endpointId).toMatch(/^[0-9a-f]{64}$/)
    await world.run(1000)
    expect(a.remote(blue.id)).toEqual({ '10.0.0.3': b.ip })
    expect(b.remote(blue.id)).toEqual({ '10.0.0.2': a.ip })
    const [view] = a.agent.networks()
    expect(view?.remote).toEqual([
      { endpointId: two.endpointId, name: 'c2', address: '10.0.0.3', mac: two.mac, tunnel: b.ip },
    ])
    expect(view?.peers.map(({ address }) => address).sort()).toEqual([a.ip, b.ip])
    expect(a.desired.networks.get(blue.id)).toMatchObject({ encapsulation: 'vxlan', mtu: 1450 })
    const shown = { mtuBytes: 1450, gateways: ['10.0.0.1'] }
    expect(a.agent.attachments()).toMatchObject([shown])
    expect(a.agent.networks()[0]?.attachments).toMatchObject([shown])
    expect(statesOf(world)).toEqual([TaskState.RUNNING, TaskState.RUNNING])

    await world.settled(b.agent.detach(two.endpointId))
    expect(b.desired.networks.size).toBe(0)
    expect(b.agent.networks()).toEqual([])
    await world.run(1000)
    expect(a.remote(blue.id)).toEqual({})
    expect(world.manager.control.tasks()).toHaveLength(1)
  })

  test('through the simulated dataplane too', async () => {
    const world = await ClusterWorld.open(2, { isSimulated: true })
    const [a, b] = world.pair
    const blue = await world.createNetwork('blue')
    await a.attach('blue', 'c1')
    const two = await b.attach('blue', 'c2')
    await world.run(1000)
    const { items } = await a.dataplane.observe()
    const vni = 4096
    expect(items.get(`networks/${blue.id}/fdb/${vni}/${two.mac}`)).toBe(`${b.ip}:4789`)
    expect(items.get(`networks/${blue.id}/neighbours/${vni}/10.0.0.3`)).toBe(two.mac)
    expect(a.agent.failedItems()).toEqual([])
  })

  test('in no time: nothing on the way waits for a timer', async () => {
    const world = await ClusterWorld.open(1)
    const [a] = world.nodes
    await world.createNetwork('blue')
    await world.run(3000)
    const before = world.sim.clock.now()
    await a?.attach('blue', 'c1')
    expect(world.sim.clock.now() - before).toBe(0)
  })
})

function statesOf(world: ClusterWorld): (number | undefined)[] {
  return world.manager.control.tasks().map((task) => task.status?.state)
}

describe('what is asked for', () => {
  test('an address, an interface name, a card', async () => {
    const world = await ClusterWorld.open(1)
    const a = world.nodes[0] as (typeof world.nodes)[number]
    await world.createNetwork('blue')
    const address = parseIp('10.0.0.77')
    const ifname = 'net7'
    const target = { kind: 'netns', path: '/run/netns/x', ifname } as const
    expect(await a.attach('blue', 'c1', { address, target })).toMatchObject({
      addresses: ['10.0.0.77/24'],
      ifname: 'net7',
    })
    const port = new SimCard()
    const view = await a.attach('blue', 'c2', { target: { kind: 'port', port } })
    expect(view).toMatchObject({ netns: '', ifname: '' })
    const local = a.desired.networks.values().next().value?.local
    expect([...(local?.values() ?? [])].at(-1)?.attachment).toEqual({ kind: 'port', port })
  })

  test('the first interface name that neither we nor others have in the namespace', async () => {
    const world = await ClusterWorld.open(1)
    const a = world.nodes[0] as (typeof world.nodes)[number]
    await world.createNetwork('blue')
    await world.createNetwork('green')
    a.noted.interfaces.add('/run/netns/c1 eth0')
    expect((await a.attach('blue', 'c1')).ifname).toBe('eth1')
    expect((await a.attach('green', 'c1')).ifname).toBe('eth2')
    for (let i = 0; i < IFNAMES_MAX; i++) a.noted.interfaces.add(`/run/netns/c2 eth${i}`)
    expect(await settledCode(world, a.attaching('blue', 'c2'))).toBe('ERR_EXHAUSTED')
    a.noted.interfaces.delete(`/run/netns/c2 eth${IFNAMES_MAX - 1}`)
    expect((await a.attach('blue', 'c2')).ifname).toBe(`eth${IFNAMES_MAX - 1}`)
  })

  test('a network by a prefix of its ID, as far as it is known here', async () => {
    const world = await ClusterWorld.open(1)
    const a = world.nodes[0] as (typeof world.nodes)[number]
    const blue = await world.createNetwork('blue')
    await a.attach('blue', 'c1')
    expect((await a.attach(blue.id.slice(0, 12), 'c2')).networkId).toBe(blue.id)
  })

  test('names as Docker takes them', async () => {
    const world = await ClusterWorld.open(1)
    const a = world.nodes[0] as (typeof world.nodes)[number]
    await world.createNetwork('blue')
    for (const name of ['', '-x', 'a b', 'ä', 'x'.repeat(ENDPOINT_NAME_CHARACTERS_MAX + 1)]) {
      const target = { kind: 'netns', path: '/run/netns/x', ifname: null } as const
      const work = a.attaching('blue', name, { target })
      expect(await settledCode(world, work)).toBe('ERR_INVALID_ARGUMENT')
    }
    await a.attach('blue', 'x'.repeat(ENDPOINT_NAME_CHARACTERS_MAX))
    expect(await settledCode(world, a.attaching('', 'c1'))).toBe('ERR_INVALID_ARGUMENT')
  })
})

describe('what is refused leaves nothing behind', () => {
  async function refused(
    world: ClusterWorld,
    attach: (node: ClusterWorld['nodes'][number]) => Promise<unknown>,
  ): Promise<string> {
    const a = world.nodes[0] as (typeof world.nodes)[number]
    const tasks = world.manager.control.tasks().length
    const attachments = a.agent.attachments().length
    const code = await settledCode(world, attach(a))
    await world.run(1000)
    expect(world.manager.control.tasks()).toHaveLength(tasks)
    expect(a.agent.attachments()).toHaveLength(attachments)
    return code
  }

  test('a name twice on one network, also at the same time', async () => {
    const world = await ClusterWorld.open(1)
    const blue = await world.createNetwork('blue')
    const a = world.nodes[0] as (typeof world.nodes)[number]
    await world.createNetwork('green')
    await a.attach('blue', 'c1')
    await a.attach('green', 'c1')
    expect(await refused(world, (node) => node.attaching('blue', 'c1'))).toBe('ERR_ALREADY_EXISTS')
    const byId = (node: typeof a): Promise<unknown> => node.attaching(blue.id, 'c1')
    expect(await refused(world, byId)).toBe('ERR_ALREADY_EXISTS')
    const work = Promise.allSettled([a.attaching('blue', 'c2'), a.attaching(blue.id, 'c2')])
    const both = await world.settled(work)
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('unknown networks and closed ones, with the words of the manager', async () => {
    const world = await ClusterWorld.open(1)
    await world.createNetwork('closed', { attachable: false })
    expect(await refused(world, (a) => a.attaching('nope', 'c1'))).toBe('ERR_NOT_FOUND')
    expect(await refused(world, (a) => a.attaching('closed', 'c1'))).toBe('ERR_PERMISSION_DENIED')
  })

  test('a full network', async () => {
    const world = await ClusterWorld.open(1)
    const configs = [{ family: 4, subnet: '10.9.0.0/30' }]
    await world.createNetwork('tiny', { ipam: { driver: { name: 'default' }, configs } })
    const a = world.nodes[0] as (typeof world.nodes)[number]
    await a.attach('tiny', 'c1')
    expect(await refused(world, (node) => node.attaching('tiny', 'c2'))).toBe('ERR_EXHAUSTED')
  })

  test('an encrypted network where the dataplane has no encryption: never in clear', async () => {
    const world = await ClusterWorld.open(1)
    const options = { encrypted: '' }
    const overlay = { name: 'overlay', options }
    const secret = await world.createNetwork('secret', { driverConfig: overlay })
    expect(await refused(world, (a) => a.attaching('secret', 'c1'))).toBe('ERR_UNSUPPORTED')
    const again = async (): Promise<unknown> => world.nodes[0]?.attaching('secret', 'c2')
    await expect(world.settled(again())).rejects.toThrow(
      'network secret is encrypted, which the dataplane of this node cannot do',
    )
    const specs = world.nodes[0]?.noted.applied.map(({ networks }) => networks.get(secret.id))
    const told = specs?.filter((spec) => spec !== undefined) ?? []
    expect(told.length).toBeGreaterThan(0)
    expect(new Set(told.map((spec) => spec.encapsulation))).toEqual(new Set(['vxlan-esp']))
    expect(told[0]?.mtu).toBe(1424)
  })

  test('a namespace that is not there, and an interface name that is taken', async () => {
    const world = await ClusterWorld.open(1)
    await world.createNetwork('blue')
    const { noted } = world.nodes[0] as (typeof world.nodes)[number]
    noted.gone.add('/run/netns/c1')
    expect(await refused(world, (a) => a.attaching('blue', 'c1'))).toBe('ERR_ATTACHMENT_MISSING')
    noted.interfaces.add('/run/netns/x eth0')
    const target = { kind: 'netns', path: '/run/netns/x', ifname: 'eth0' } as const
    const taken = await refused(world, (a) => a.attaching('blue', 'c2', { target }))
    expect(taken).toBe('ERR_CONFLICT')
  })

  test('names too long for a row', async () => {
    const world = await ClusterWorld.open(1)
    await world.createNetwork('blue')
    const aliases = Array.from({ length: 100 }, (_, i) => `${'x'.repeat(20)}${i}`)
    const code = await refused(world, (a) => a.attaching('blue', 'c1', { aliases }))
    expect(code).toBe('ERR_ROW_TOO_LARGE')
  })

  test('names too long for a row are not the fault of who attaches at the same time', async () => {
    const world = await ClusterWorld.open(1)
    await world.createNetwork('blue')
    const a = world.nodes[0] as (typeof world.nodes)[number]
    const aliases = Array.from({ length: 100 }, (_, i) => `${'x'.repeat(20)}${i}`)
    const work = Array.from({ length: 20 }, (_, i) =>
      a.attaching('blue', `c${i}`, i % 5 === 2 ? { aliases } : {}),
    )
    const outcomes = await world.settled(Promise.allSettled(work))
    const failed = outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))
    expect(failed).toEqual([2, 7, 12, 17])
  })

  test('a full disk', async () => {
    const world = await ClusterWorld.open(1)
    await world.createNetwork('blue')
    const a = world.nodes[0] as (typeof world.nodes)[number]
    a.files.isFull = true
    expect(await refused(world, (node) => node.attaching('blue', 'c1'))).toBe('ERR_FILES_FULL')
    a.files.isFull = false
    expect((await a.attach('blue', 'c1')).state).toBe('running')
  })

  test('a dataplane that does nothing at all', async () => {
    const world = await ClusterWorld.open(1)
    await world.createNetwork('blue')
    const a = world.nodes[0] as (typeof world.nodes)[number]
    a.noted.isBroken = true
    expect(await settledCode(world, a.attaching('blue', 'c1'))).toBe('ERR_HOST')
    expect(a.agent.view().error).toContain('the host refused')
    a.noted.isBroken = false
    await world.run(1000)
    expect(a.agent.view().error).toBe('')
  })

  test('what peers heard of an endpoint that comes to nothing', async () => {
    const world = await ClusterWorld.open(2)
    const [a, b] = world.pair
    const blue = await world.createNetwork('blue')
    await b.attach('blue', 'c1')
    a.noted.gone.add('/run/netns/c2')
    const nowhere = a.attaching('blue', 'c2')
    expect(await settledCode(world, nowhere)).toBe('ERR_ATTACHMENT_MISSING')
    await world.run(1000)
    expect(b.remote(blue.id)).toEqual({})
  })

  test('what is called off, whenever that is', async () => {
    const world = await ClusterWorld.open(1)
    await world.createNetwork('blue')
    const reason = new Error('no more')
    const a = world.nodes[0] as (typeof world.nodes)[number]
    for (let turns = 0; turns < 60; turns += 3) {
      const signal = new CancelSource()
      const work = a.attaching('blue', `c${turns}`, { signal })
      const ended = work.then(
        ({ endpointId }) => endpointId,
        (error: unknown) => error,
      )
      for (let i = 0; i < turns; i++) await Promise.resolve()
      signal.cancel(reason)
      const outcome = await world.settled(ended)
      if (typeof outcome === 'string') await world.settled(a.agent.detach(outcome))
      else expect(outcome).toBe(reason)
      await world.run(100)
      expect(world.manager.control.tasks()).toEqual([])
    }
  })
})

describe('the manager is not there', () => {
  test('an attach waits for it, and for no longer than Docker does', async () => {
    const world = await ClusterWorld.open(1)
    await world.createNetwork('blue')
    const a = world.nodes[0] as (typeof world.nodes)[number]
    await world.stopManager()
    world.web.passes = () => false
    world.web.cut()
    const began = world.sim.clock.now()
    expect(await settledCode(world, a.attaching('blue', 'c1'))).toBe('ERR_UNAVAILABLE')
    expect(world.sim.clock.now() - began).toBe(20_000)
    const second = a.attaching('blue', 'c2')
    await world.run(5000)
    world.web.passes = () => true
    await world.startManager()
    expect(await world.settled(second)).toMatchObject({ state: 'running' })
    await world.run(10_000)
    expect(world.manager.control.tasks()).toHaveLength(1)
  })

  test('an attach that waited for nothing says what the manager said', async () => {
    const world = await ClusterWorld.open(1)
    await world.createNetwork('blue')
    const [a] = world.nodes
    const { services } = world.manager
    const full = swarmError('ERR_UNAVAILABLE', 'no room left', { subject: 'store' })
    const attachNetwork = (): Promise<never> => Promise.reject(full)
    world.web.services.set(MANAGER, { ...services, attachNetwork })
    const attaching = async (): Promise<unknown> => a?.attaching('blue', 'c1')
    const text = 'attaching to network blue took too long: no room left'
    await expect(world.settled(attaching())).rejects.toThrow(text)
    world.web.services.set(MANAGER, services)
    expect((await a?.attach('blue', 'c1'))?.error).toBe('')
  })

  test('a detach is done at once, and told later', async () => {
    const world = await ClusterWorld.open(1)
    await world.createNetwork('blue')
    const a = world.nodes[0] as (typeof world.nodes)[number]
    const { endpointId } = await a.attach('blue', 'c1')
    await world.stopManager()
    world.web.passes = () => false
    world.web.cut()
    await world.run(10)
    await world.settled(a.agent.detach(endpointId))
    expect(a.desired.networks.size).toBe(0)
    world.web.passes = () => true
    await world.startManager()
    await world.run(20_000)
    expect(world.manager.control.tasks()).toEqual([])
  })
})

describe('many at once', () => {
  test('fifty attaches are a few applies, and each has an address of its own', async () => {
    const world = await ClusterWorld.open(1)
    const a = world.nodes[0] as (typeof world.nodes)[number]
    await world.createNetwork('blue')
    const before = a.noted.applied.length
    const names = Array.from({ length: 50 }, (_, i) => `c${i}`)
    const views = await world.settled(Promise.all(names.map((name) => a.attaching('blue', name))))
    expect(new Set(views.map(({ mac }) => mac)).size).toBe(50)
    const sizes = a.noted.applied.slice(before).map(({ networks }) => {
      const [blue] = networks.values()
      return blue?.local.size ?? 0
    })
    expect(sizes.length).toBeLessThan(10)
    // In between, a node hears and is heard.
    const added = sizes.map((size, i) => size - (sizes[i - 1] ?? 0))
    expect(Math.max(...added)).toBe(PLUGGED_AT_ONCE_MAX)
    await world.settled(Promise.all(views.map(({ attachmentId }) => a.agent.detach(attachmentId))))
    expect(world.manager.control.tasks()).toEqual([])
  })

  test('no more than ATTACHMENTS_MAX', async () => {
    const world = await ClusterWorld.open(1)
    const a = world.nodes[0] as (typeof world.nodes)[number]
    const configs = [{ family: 4, subnet: '10.9.0.0/16' }]
    await world.createNetwork('wide', { ipam: { driver: { name: 'default' }, configs } })
    const names = Array.from({ length: ATTACHMENTS_MAX }, (_, i) => `c${i}`)
    await world.settled(Promise.all(names.map((name) => a.attaching('wide', name))))
    expect(await settledCode(world, a.attaching('wide', 'one-more'))).toBe('ERR_EXHAUSTED')
  })
})

describe('finding an attachment', () => {
  test('by task, by endpoint, by a prefix, by network and name', async () => {
    const world = await ClusterWorld.open(1)
    const a = world.nodes[0] as (typeof world.nodes)[number]
    await world.createNetwork('blue')
    const ids = async (name: string): Promise<string[]> => {
      const { attachmentId, endpointId } = await a.attach('blue', name)
      return [attachmentId, endpointId, endpointId.slice(0, 12), `blue/${name}`]
    }
    for (let i = 0; i < 4; i++) {
      const id = (await ids(`c${i}`))[i] ?? ''
      await world.settled(a.agent.detach(id))
    }
    expect(a.agent.attachments()).toEqual([])
    await a.attach('blue', 'x')
    await a.attach('blue', 'y')
    expect(await settledCode(world, a.agent.detach('nothing'))).toBe('ERR_NOT_FOUND')
    expect(await settledCode(world, a.agent.detach(''))).toBe('ERR_NOT_FOUND')
  })
})
