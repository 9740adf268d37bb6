/** Clusters and nodes as people make and change them. */
import { create } from '@bufbuild/protobuf'
import { SeededRandom, SimEntropy, VirtualClock } from '@weft/core/testing'
import {
  BlacklistedCertificateSchema,
  CERTIFICATE_RULES,
  isId,
  NodeAvailability,
  NodeMembership,
  NodeRole,
  NodeSpecSchema,
  parseJoinToken,
  Reachability,
  timestampOf,
  wallOf,
  type Node,
  type NodeSpec,
} from '@weft/swarm'
import { beforeEach, describe, expect, test } from 'vitest'
import { HEARTBEAT_PERIOD_MS_MAX, VALIDITY_MS_MAX } from '../src/cluster-control.ts'
import { ADDRESS_POOLS_MAX, createCluster, MemoryStore } from '../src/index.ts'
import { BLACKLIST_MAX, NODE_SPEC_BYTES_MAX, NodeControl } from '../src/node-control.ts'
import { nodeObject } from '../src/node-object.ts'
import { Objects } from '../src/objects.ts'
import { FragileStore } from './fragile-store.ts'
import { INITIAL, ManagerWorld, networkSpec, text } from './manager-world.ts'
import { PaperCertificates } from './paper-certificates.ts'

let world: ManagerWorld

beforeEach(async () => {
  world = await ManagerWorld.open()
})

function stored(id: string): Node {
  const node = world.manager.control.nodes().find((one) => one.id === id)
  if (node === undefined) throw new Error('no such node')
  return node
}

const versionOf = (id: string): bigint => stored(id).meta?.version?.index ?? 0n

describe('a new cluster', () => {
  const make = (wish: Partial<typeof INITIAL>, store = new MemoryStore()): Promise<unknown> => {
    const random = new SeededRandom('x')
    const entropy = new SimEntropy(random)
    const certificates = new PaperCertificates()
    const ports = { store, random, entropy, certificates, clock: new VirtualClock() }
    return createCluster({ ...INITIAL, ...wish }, ports)
  }

  test('has a manager that leads, tokens for both roles, and its settings', async () => {
    const { identity, manager } = world
    expect([identity.nodeId, identity.clusterId].every(isId)).toBe(true)
    expect(identity.role).toBe('manager')
    const cluster = manager.control.cluster()
    expect(cluster).toMatchObject({ id: identity.clusterId, vxlanUdpPort: 0, subnetSize: 0 })
    expect(cluster.spec?.annotations?.name).toBe('default')
    expect(parseJoinToken(world.token()).version).toBe(1)
    expect(stored(identity.nodeId)).toMatchObject({
      role: NodeRole.MANAGER,
      managerStatus: {
        addr: INITIAL.address,
        leader: true,
        reachability: Reachability.REACHABLE,
      },
    })
  })

  test('shows people no secret but the tokens', () => {
    const cluster = world.manager.control.cluster()
    expect(cluster.rootCa?.caKey).toHaveLength(0)
    expect(cluster.networkBootstrapKeys).toEqual([])
    expect(text(cluster.rootCa?.caCert)).toBe(world.identity.rootPem)
  })

  test('is made once in a store', async () => {
    const store = new MemoryStore()
    await make({}, store)
    const before = await store.list('')
    await expect(make({}, store)).rejects.toMatchObject({ code: 'ERR_PRECONDITION' })
    expect(await store.list('')).toEqual(before)
  })

  test.each([
    [{ dataPathPort: 80 }, 'Datapath port number is not in valid range (1024-49151) : 80'],
    [{ dataPathPort: 49_152 }, 'Datapath port number is not in valid range'],
    [{ subnetSize: 31 }, 'subnet size is out of range: 31'],
    [{ defaultAddressPools: ['x'] }, 'invalid base pool x'],
    [{ defaultAddressPools: ['fd00::/8'] }, 'invalid base pool fd00::/8'],
    [
      { defaultAddressPools: ['10.0.0.0/24'], subnetSize: 8 },
      'invalid CIDR: "10.0.0.0/24". Subnet size is too small for pool: 8',
    ],
    [{ defaultAddressPools: ['10.0.0.0/8', '10.1.0.0/16'] }, 'overlap'],
    [{ defaultAddressPools: ['127.0.0.0/8'] }, 'not usable'],
  ])('refuses %j', async (wish, message) => {
    const store = new MemoryStore()
    const refused = make(wish, store)
    await expect(refused).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    await expect(refused).rejects.toThrow(message)
    expect(await store.list('')).toEqual([])
  })

  test('takes ADDRESS_POOLS_MAX pools', async () => {
    const pools = (length: number): string[] =>
      Array.from({ length }, (_, i) => `10.${i}.0.0/16`)
    await make({ defaultAddressPools: pools(ADDRESS_POOLS_MAX) })
    const refused = make({ defaultAddressPools: pools(ADDRESS_POOLS_MAX + 1) })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })
})

describe('settings', () => {
  const update = (settings: object): Promise<unknown> => {
    const { control } = world.manager
    return control.updateCluster(control.cluster().meta?.version?.index ?? 0n, settings)
  }

  test('change, and outlive a restart', async () => {
    await update({ nodeCertificateValidityMs: 7_200_000, heartbeatPeriodMs: 2_000 })
    await world.restart()
    const { spec } = world.manager.control.cluster()
    expect(spec?.caConfig?.nodeCertExpiry?.seconds).toBe(7_200n)
    expect(spec?.dispatcher?.heartbeatPeriod?.seconds).toBe(2n)
    expect(spec?.annotations?.name).toBe('default')
  })

  test('are not changed by who read something older', async () => {
    const version = world.manager.control.cluster().meta?.version?.index ?? 0n
    await update({ heartbeatPeriodMs: 2_000 })
    const stale = world.manager.control.updateCluster(version, { heartbeatPeriodMs: 3_000 })
    await expect(stale).rejects.toMatchObject({
      code: 'ERR_OUT_OF_SEQUENCE',
      message: 'update out of sequence',
    })
  })

  test('have edges: an hour to VALIDITY_MS_MAX, and up to HEARTBEAT_PERIOD_MS_MAX', async () => {
    await update({ nodeCertificateValidityMs: CERTIFICATE_RULES.validityMsMin })
    await update({ nodeCertificateValidityMs: VALIDITY_MS_MAX })
    await update({ heartbeatPeriodMs: HEARTBEAT_PERIOD_MS_MAX })
    for (const settings of [
      { nodeCertificateValidityMs: CERTIFICATE_RULES.validityMsMin - 1 },
      { nodeCertificateValidityMs: VALIDITY_MS_MAX + 1 },
      { nodeCertificateValidityMs: Number.NaN },
      { heartbeatPeriodMs: 0 },
      { heartbeatPeriodMs: HEARTBEAT_PERIOD_MS_MAX + 1 },
    ]) {
      await expect(update(settings)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    }
  })
})

describe('nodes', () => {
  const spec = (wish: Partial<NodeSpec> = {}): NodeSpec =>
    create(NodeSpecSchema, { membership: NodeMembership.ACCEPTED, ...wish } as never)

  test('change availability and labels', async () => {
    const { id } = await world.ready()
    const { control } = world.manager
    const labelled = { annotations: { name: '', labels: { rack: '7' }, indices: [] } as never }
    const wish = spec({ availability: NodeAvailability.DRAIN, ...labelled })
    const updated = await control.updateNode(id, versionOf(id), wish)
    expect(updated.spec).toMatchObject({ availability: NodeAvailability.DRAIN })
    expect(stored(id).spec?.annotations?.labels).toEqual({ rack: '7' })
    expect(updated.meta?.version?.index).toBe(versionOf(id))
  })

  test('are not changed out of sequence, beyond a role, or into nonsense', async () => {
    const { id } = await world.ready()
    const { control, services: _ } = world.manager
    const update = (wish: Partial<NodeSpec>, version = versionOf(id)): Promise<Node> =>
      control.updateNode(id, version, spec(wish))
    await expect(update({}, versionOf(id) - 1n)).rejects.toMatchObject({
      code: 'ERR_OUT_OF_SEQUENCE',
    })
    await expect(update({ desiredRole: NodeRole.MANAGER })).rejects.toMatchObject({
      code: 'ERR_UNIMPLEMENTED',
    })
    const { nodeId } = world.identity
    const demoted = control.updateNode(nodeId, versionOf(nodeId), spec())
    await expect(demoted).rejects.toMatchObject({
      code: 'ERR_PRECONDITION',
      message: 'attempting to demote the last manager of the swarm',
    })
    for (const wish of [
      { availability: 7 as NodeAvailability },
      { membership: NodeMembership.PENDING },
    ]) {
      await expect(update(wish)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    }
    const nobody = control.updateNode('nobody', 1n, spec())
    await expect(nobody).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  })

  test('have labels of NODE_SPEC_BYTES_MAX', async () => {
    const { id } = await world.ready()
    const update = (bytes: number): Promise<Node> => {
      const labels = { x: 'x'.repeat(bytes) }
      const annotations = { name: '', labels, indices: [] } as never
      return world.manager.control.updateNode(id, versionOf(id), spec({ annotations }))
    }
    await update(NODE_SPEC_BYTES_MAX - 100)
    await expect(update(NODE_SPEC_BYTES_MAX)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    })
  })

  test('are removed when they are down, or by force, and the manager never', async () => {
    const { control } = world.manager
    const [ready, joined] = [await world.ready(), await world.join()]
    const refused = control.removeNode(ready.id, { force: false })
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_PRECONDITION',
      message: `node ${ready.id} is not down and can't be removed`,
    })
    await control.removeNode(joined.id, { force: false })
    await world.clock.advance(15_000)
    await control.removeNode(ready.id, { force: false })
    const own = control.removeNode(world.identity.nodeId, { force: true })
    await expect(own).rejects.toThrow('It must be demoted to worker before removal')
    const gone = control.removeNode(ready.id, { force: true })
    await expect(gone).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
    expect(control.nodes().map(({ id }) => id)).toEqual([world.identity.nodeId])
  })

  test('take their attachments along, however many, also when a crash cuts it short', async () => {
    const store = new FragileStore()
    world = await ManagerWorld.open({ store })
    const [node, other] = [await world.ready(), await world.ready()]
    const configs = [{ subnet: '10.9.0.0/16' }]
    await world.manager.control.createNetwork(networkSpec('wide', { configs }))
    await Promise.all(Array.from({ length: 250 }, () => node.attach('wide')))
    const kept = await other.attach('wide')
    const crash = store.commits + 2
    store.fate = (n) => (n === crash ? 'lost' : 'done')
    void world.manager.control.removeNode(node.id, { force: true })
    await world.clock.advance(0)
    expect(store.isStopped).toBe(true)
    world.store = store.successor()
    await world.start()
    expect(world.manager.control.tasks().map(({ id }) => id)).toEqual([kept])
    await expect(node.register()).resolves.toMatchObject({
      error: { code: 'ERR_PERMISSION_DENIED' },
    })
  })

  test('are remembered as removed until their certificates end', async () => {
    const { control } = world.manager
    const [first, second] = [await world.ready(), await world.ready()]
    await control.removeNode(first.id, { force: true })
    const { blacklistedCertificates: entries } = control.cluster()
    const validityMs = CERTIFICATE_RULES.validityMs
    expect(wallOf(entries[first.id]?.expiry)).toBe(world.clock.wall() + validityMs)
    await world.clock.advance(validityMs + 1)
    await control.removeNode(second.id, { force: true })
    expect(Object.keys(control.cluster().blacklistedCertificates)).toEqual([second.id])
    expect((await first.register()).error).toMatchObject({ code: 'ERR_NOT_FOUND' })
  })

  test('are remembered as removed up to BLACKLIST_MAX of them', async () => {
    const { store, clock, identity, ports } = world
    await world.manager.close()
    const { nodeId: owner, clusterId } = identity
    const objects = await Objects.open(store, clock, { owner, clusterId })
    const removed = Object.fromEntries(
      Array.from({ length: BLACKLIST_MAX }, (_, i) => [
        `n${i}`,
        create(BlacklistedCertificateSchema, { expiry: timestampOf(Number.MAX_SAFE_INTEGER) }),
      ]),
    )
    await objects.transact((draft) => {
      const cluster = draft.tables.cluster()
      const certificate = draft.tables.get('node', owner)?.certificate
      if (cluster === null || certificate === undefined) throw new Error('no cluster')
      draft.put('cluster', { ...cluster, blacklistedCertificates: removed })
      const availability = NodeAvailability.ACTIVE
      const node = { id: 'last', role: 'worker', availability, certificate } as const
      draft.put('node', nodeObject(cluster, node))
    })
    await new NodeControl(objects, ports).remove('last', { force: true })
    const ids = Object.keys(objects.tables.cluster()?.blacklistedCertificates ?? {})
    expect(ids).toHaveLength(BLACKLIST_MAX)
    expect([ids[0], ids.at(-1)]).toEqual(['n1', 'last'])
  })
})

describe('this manager', () => {
  test('tells its new address after it has moved (P25)', async () => {
    const node = await world.ready()
    await world.restart('198.51.100.1:2377')
    await node.register()
    expect(node.session?.last.managers.map(({ peer }) => peer?.addr)).toEqual(['198.51.100.1:2377'])
  })

  test('is where it says, whatever address its own agent comes from', async () => {
    const { TestNode } = await import('./manager-world.ts')
    const own = new TestNode(world, world.identity.nodeId)
    await own.register()
    expect(stored(own.id).status?.addr).toBe('192.0.2.1')
    await world.restart('[2001:db8::1]:2377')
    await own.register()
    expect(stored(own.id).status?.addr).toBe('2001:db8::1')
  })

  test('tells watchers of every change in order, without secrets', async () => {
    const { control } = world.manager
    const seen: string[] = []
    const watching = control.watch(({ kind, action, object }) => {
      seen.push(`${action} ${kind}`)
      if (kind === 'cluster') expect(object.networkBootstrapKeys).toEqual([])
    })
    const node = await world.ready()
    const { id } = await control.createNetwork(networkSpec('blue'))
    await node.detach(await node.attach('blue'))
    await control.removeNetwork(id)
    await control.rotateJoinToken('worker')
    watching[Symbol.dispose]()
    await control.rotateJoinToken('worker')
    expect(seen).toEqual([
      'create node',
      'update node',
      'create network',
      'create task',
      'remove task',
      'remove network',
      'update cluster',
    ])
  })

  test('refuses a store in which two things hold one address', async () => {
    const node = await world.ready()
    await world.manager.control.createNetwork(networkSpec('blue'))
    const id = await node.attach('blue')
    await world.manager.close()
    const { nodeId: owner, clusterId } = world.identity
    const objects = await Objects.open(world.store, world.clock, { owner, clusterId })
    await objects.transact((draft) => {
      const task = draft.tables.get('task', id)
      if (task !== null) draft.put('task', { ...task, id: 'twin' })
    })
    await expect(world.start()).rejects.toMatchObject({
      code: 'ERR_STORE_CORRUPT',
      details: { location: expect.stringMatching(/^task\//) as string },
    })
  })
})
