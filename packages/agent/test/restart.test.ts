/** Death and return of a node: what forwards goes on, what is known comes back (P13, P25). */
import { parseIp } from '@weft/core'
import { describe, expect, test } from 'vitest'
import { ClusterWorld, type WorldNode } from './cluster-world.ts'

/** Two nodes with an endpoint each, who know each other, written down. */
async function running(): Promise<{ world: ClusterWorld; a: WorldNode; b: WorldNode; id: string }> {
  const world = await ClusterWorld.open(2)
  const [a, b] = world.pair
  const { id } = await world.createNetwork('blue')
  await a.attach('blue', 'c1')
  await b.attach('blue', 'c2')
  await world.run(5000)
  return { world, a, b, id }
}

describe('killed and started again', () => {
  test('what was programmed is desired again before anybody is asked', async () => {
    const { world, a, id } = await running()
    const before = a.desired
    a.kill()
    await world.stopManager()
    world.web.passes = () => false
    world.streams.passes = () => false
    const applied = a.noted.applied.length
    const opening = a.start()
    await opening
    const first = a.noted.applied[applied]
    expect(first?.networks.get(id)).toEqual(before.networks.get(id))
    expect(first?.tunnel).toEqual(before.tunnel)
    expect(first?.peers).toEqual(before.peers)
    expect(a.agent.attachments()).toMatchObject([{ name: 'c1', state: 'running' }])
    expect(a.agent.view()).toMatchObject({ state: 'active', connected: false, ready: false })
  })

  test('peers hear nothing of it: no row goes, none comes', async () => {
    const { world, a, b, id } = await running()
    const before = b.noted.applied.length
    a.kill()
    await a.start()
    await world.run(10_000)
    expect(a.agent.view()).toMatchObject({ connected: true, ready: true })
    expect(b.remote(id)).toEqual({ '10.0.0.2': a.ip })
    expect(a.remote(id)).toEqual({ '10.0.0.3': b.ip })
    const specs = b.noted.applied.slice(before).map(({ networks }) => networks.get(id)?.remote)
    for (const remote of specs) expect(remote?.size).toBe(1)
    expect(world.manager.control.tasks()).toHaveLength(2)
  })

  test('a process number that is another process’s by then is not plugged in', async () => {
    const { world, a, b, id } = await running()
    const path = '/proc/4711/ns/net'
    const target = { kind: 'netns', path, ifname: null } as const
    a.noted.holders.set(path, { process: 'boot 1', identity: '4:77' })
    await a.attach('blue', 'c3', { target })
    a.kill()
    await a.start()
    expect(a.agent.attachments().map(({ name }) => name)).toEqual(['c1', 'c3'])
    const local = [...(a.desired.networks.get(id)?.local.values() ?? [])]
    expect(local.map(({ attachment }) => attachment)).toEqual([
      { kind: 'netns', path: '/run/netns/c1', ifname: 'eth0' },
      { kind: 'netns', path, ifname: 'eth0', identity: '4:77' },
    ])
    await world.run(5000)
    expect(Object.keys(b.remote(id))).toHaveLength(2)
    a.kill()
    a.noted.holders.set(path, { process: 'boot 2', identity: '4:77' })
    const from = a.noted.applied.length
    await a.start()
    await world.run(10_000)
    const plugged = a.noted.applied.slice(from).flatMap(({ networks }) => {
      return [...(networks.get(id)?.local.values() ?? [])].map(({ attachment }) => attachment)
    })
    expect(plugged.length).toBeGreaterThan(0)
    expect(plugged).not.toContainEqual(expect.objectContaining({ path }))
    expect(b.remote(id)).toEqual({ '10.0.0.2': a.ip })
    expect(world.manager.control.tasks()).toHaveLength(2)
  })

  test('nothing remote is removed before a peer was heard', async () => {
    const { world, a, b, id } = await running()
    a.kill()
    world.streams.passes = () => false
    world.sim.network.between('n1', 'n2').cut()
    world.sim.network.between('n1', 'manager').cut()
    await a.start()
    await world.run(60_000)
    expect(a.remote(id)).toEqual({ '10.0.0.3': b.ip })
    expect(a.agent.view().ready).toBe(false)
    world.streams.passes = () => true
    world.sim.network.between('n1', 'n2').heal()
    world.sim.network.between('n1', 'manager').heal()
    await world.until(() => a.agent.view().ready, 60_000)
    expect(a.remote(id)).toEqual({ '10.0.0.3': b.ip })
  })

  test('what ended meanwhile goes as soon as peers were heard', async () => {
    const { world, a, b, id } = await running()
    a.kill()
    const [theirs] = b.agent.attachments()
    await world.settled(b.agent.detach(theirs?.endpointId ?? ''))
    await b.attach('blue', 'c3')
    await world.run(3000)
    await a.start()
    expect(Object.keys(a.remote(id))).toEqual(['10.0.0.3'])
    await world.until(() => a.agent.view().ready)
    await world.run(10)
    expect(a.remote(id)).toEqual({ '10.0.0.4': b.ip })
  })

  test('needs no manager: peers tell what is new', async () => {
    const { world, a, b, id } = await running()
    a.kill()
    await b.attach('blue', 'c3')
    await world.stopManager()
    await a.start()
    await world.until(() => a.agent.view().ready)
    await world.run(1000)
    expect(a.agent.view().connected).toBe(false)
    expect(a.remote(id)).toEqual({ '10.0.0.3': b.ip, '10.0.0.4': b.ip })
    expect(b.remote(id)).toEqual({ '10.0.0.2': a.ip })
    expect(a.agent.keys()).toHaveLength(6)
  })

  test('a task that nobody here knows of is given back', async () => {
    const { world, a } = await running()
    a.kill()
    const [first] = world.manager.control.tasks()
    expect(first).toBeDefined()
    a.files.content.delete('agent-node')
    await a.start()
    await world.run(5000)
    expect(a.agent.attachments()).toEqual([])
    // Its address is free again, the other's is not.
    expect(world.manager.control.tasks()).toHaveLength(1)
    expect(world.manager.control.tasks()[0]?.id).not.toBe(first?.id)
  })

  test('a namespace that ended meanwhile: its endpoint is detached', async () => {
    const { world, a, b, id } = await running()
    a.kill()
    a.noted.gone.add('/run/netns/c1')
    await a.start()
    await world.run(5000)
    expect(a.agent.attachments()).toEqual([])
    expect(world.manager.control.tasks()).toHaveLength(1)
    expect(b.remote(id)).toEqual({})
  })

  test('a manager that restarts is told all statuses again', async () => {
    const { world } = await running()
    await world.stopManager()
    await world.startManager()
    await world.run(15_000)
    expect(world.manager.control.tasks().map((task) => task.status?.state)).toEqual([512, 512])
    expect(world.manager.control.nodes().map((node) => node.status?.state)).toEqual([2, 2, 2])
  })

  test('a thousand times in a row (P13)', async () => {
    const { world, a, b, id } = await running()
    for (let i = 0; i < 1000; i++) {
      // Mostly too soon for gossip to catch up; now and then not.
      const scale = i % 10 === 0 ? 10 : 1
      a.kill()
      await world.run(((i * 37) % 40) * scale)
      await a.start()
      await world.run(((i * 53) % 90) * scale)
    }
    await world.until(() => a.agent.view().ready)
    await world.run(10_000)
    expect(a.remote(id)).toEqual({ '10.0.0.3': b.ip })
    expect(b.remote(id)).toEqual({ '10.0.0.2': a.ip })
    expect(world.manager.control.tasks()).toHaveLength(2)
  }, 120_000)
})

describe('closed', () => {
  test('for a successor, who begins where it ended', async () => {
    const { world, a, id } = await running()
    await world.settled(a.agent.close('detach'))
    expect(a.noted.desired?.networks.get(id)?.remote.size).toBe(1)
    await a.start()
    expect(a.agent.attachments()).toHaveLength(1)
    expect(Object.keys(a.remote(id))).toEqual(['10.0.0.3'])
  })

  test('leaving: rows go, tasks go, files go', async () => {
    const { world, a, b, id } = await running()
    await world.settled(a.agent.leave())
    await world.settled(a.agent.close('teardown'))
    await world.run(2000)
    expect(b.remote(id)).toEqual({})
    expect(world.manager.control.tasks()).toHaveLength(1)
    expect([...a.files.content.keys()]).toEqual([])
    expect(b.agent.peers().find(({ address }) => address === a.ip)?.state).toBe('left')
    const late = a.attaching('blue', 'c9')
    await expect(late).rejects.toMatchObject({ code: 'ERR_AGENT_CLOSED' })
  })
})

describe('another address', () => {
  test('of the data path: peers change over, nothing is rebuilt', async () => {
    const { world, a, b, id } = await running()
    const before = a.agent.attachments()
    await world.settled(a.agent.update({ dataPathIp: parseIp('198.51.100.7') }))
    await world.run(2000)
    expect(b.remote(id)).toEqual({ '10.0.0.2': '198.51.100.7' })
    expect(a.desired.tunnel.ip).toBe('198.51.100.7')
    expect(a.agent.attachments()).toEqual(before)
  })

  test('of another family: what is left of the MTU follows, without a restart', async () => {
    const { world, a, id } = await running()
    const mtu = (): number | null | undefined => a.desired.networks.get(id)?.mtu
    expect(mtu()).toBe(1450)
    await world.settled(a.agent.update({ dataPathIp: parseIp('2001:db8::7') }))
    expect(mtu()).toBe(1430)
    await world.settled(a.agent.update({ dataPathIp: parseIp(a.ip) }))
    expect(mtu()).toBe(1450)
  })

  test('in the ring: another name there, the same endpoints', async () => {
    const { world, a, b, id } = await running()
    const names = b.agent.peers().map(({ name }) => name)
    a.moveTo('n1-moved', '192.0.2.99')
    const ip = parseIp('192.0.2.99')
    await world.settled(a.agent.update({ bindIp: ip, advertiseIp: ip, dataPathIp: ip }))
    const during = a.noted.applied.length
    await world.run(20_000)
    expect(b.remote(id)).toEqual({ '10.0.0.2': '192.0.2.99' })
    expect(a.remote(id)).toEqual({ '10.0.0.3': b.ip })
    for (const { networks } of a.noted.applied.slice(during)) {
      expect(networks.get(id)?.remote.size).toBe(1)
    }
    const peer = b.agent.peers().find(({ address }) => address === '192.0.2.99')
    expect(peer?.state).toBe('alive')
    expect(names).not.toContain(peer?.name)
  })

  test('that is not there yet is tried until it is; another one may come first', async () => {
    const { world, a, b, id } = await running()
    const move = (text: string): Promise<void> => {
      const ip = parseIp(text)
      const addresses = { bindIp: ip, advertiseIp: ip, dataPathIp: ip }
      return world.settled(a.agent.update(addresses))
    }
    for (const ip of ['192.0.2.98', '192.0.2.99']) {
      await expect(move(ip)).rejects.toMatchObject({ code: 'ERR_ADDRESS_NOT_LOCAL' })
      await world.run(20_000)
      expect(a.agent.view().error).toContain('192.0.2.')
    }
    a.moveTo('n1-moved', '192.0.2.99')
    await world.run(30_000)
    expect(a.agent.view()).toMatchObject({ error: '', ready: true, nodeAddress: '192.0.2.99' })
    expect(b.remote(id)).toEqual({ '10.0.0.2': '192.0.2.99' })
    expect(a.remote(id)).toEqual({ '10.0.0.3': b.ip })
  })

  test('is told to peers also while the dataplane does nothing', async () => {
    const { world, a, b, id } = await running()
    a.noted.isBroken = true
    await world.settled(a.agent.update({ dataPathIp: parseIp('198.51.100.7') }))
    await world.run(2000)
    expect(b.remote(id)).toEqual({ '10.0.0.2': '198.51.100.7' })
    a.noted.isBroken = false
    await world.run(31_000)
    expect(a.desired.tunnel.ip).toBe('198.51.100.7')
  })

  test('that never comes does not keep a node from leaving', async () => {
    const { world, a } = await running()
    const ip = parseIp('192.0.2.99')
    await expect(world.settled(a.agent.update({ bindIp: ip }))).rejects.toThrow()
    await world.settled(a.agent.leave())
    await world.settled(a.agent.close('teardown'))
    expect([...a.files.content.keys()]).toEqual([])
    expect(world.manager.control.tasks()).toHaveLength(1)
  })
})
