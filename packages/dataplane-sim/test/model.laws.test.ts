/** Whatever sequence of desired states a machine is told, it ends as the last one says. */
import { macFromBytes, parseCidr, parseIp, vni, type Ip } from '@weft/core'
import {
  expectedItems,
  itemPath,
  type DesiredState,
  type LocalEndpoint,
  type NetworkSpec,
  type RemoteEndpoint,
} from '@weft/dataplane'
import { SimLab, type SimLabNode } from '../src/lab/index.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const NODES = ['b', 'c'] as const
const HOSTS_MAX = 6

/** One of few endpoints, somewhere or nowhere. */
const place = fc.constantFrom('here', ...NODES, 'nowhere')

/** A network of few endpoints, whose numbers say their addresses and MACs. */
const network = fc.record({
  subnet: fc.constantFrom(1, 2),
  vniOffset: fc.constantFrom(0, 10),
  gateway: fc.boolean(),
  mtu: fc.constantFrom(null, 1300, 1400),
  port: fc.constantFrom(0, 1),
  places: fc.array(place, { minLength: HOSTS_MAX, maxLength: HOSTS_MAX }),
  shift: fc.nat(2),
})

type NetworkPlan = typeof network extends fc.Arbitrary<infer T> ? T : never

const state = fc.record({
  networks: fc.array(fc.tuple(fc.constantFrom('blue', 'green'), network), { maxLength: 2 }),
  port: fc.constantFrom(4789, 4790),
  peerPort: fc.constantFrom(4789, 4790),
})

type StatePlan = typeof state extends fc.Arbitrary<infer T> ? T : never

class World {
  readonly lab = new SimLab({ underlay: 4, underlayMtuBytes: 1500 })
  readonly ports = new Map<string, LocalEndpoint['attachment']>()

  async attachment(node: SimLabNode, key: string): Promise<LocalEndpoint['attachment']> {
    const known = this.ports.get(key)
    if (known !== undefined) return known
    const mac = macFromBytes(Uint8Array.of(2, 0, 0, 0, 0, 1))
    const { attachment } = await node.endpoint(key, { mac, addresses: [] })
    this.ports.set(key, attachment)
    return attachment
  }

  async desired(plan: StatePlan, node: SimLabNode, generation: number): Promise<DesiredState> {
    const peers = new Map(
      NODES.map((id, i) => [
        id,
        { tunnel: { ip: parseIp(`172.31.9.${i + 1}`), port: plan.peerPort } },
      ]),
    )
    const networks = new Map<string, NetworkSpec>()
    for (const [id, spec] of plan.networks) networks.set(id, await this.network(id, spec, node))
    return { generation, tunnel: { ip: node.tunnel.ip, port: plan.port }, peers, networks }
  }

  async network(id: string, plan: NetworkPlan, node: SimLabNode): Promise<NetworkSpec> {
    const local = new Map<string, LocalEndpoint>()
    const remote = new Map<string, RemoteEndpoint>()
    for (const [i, where] of plan.places.entries()) {
      // A shift hands addresses and MACs from one endpoint to the next.
      const host = 2 + ((i + plan.shift) % HOSTS_MAX)
      const addresses: Ip[] = [parseIp(`10.0.${plan.subnet}.${host}`)]
      const mac = macFromBytes(Uint8Array.of(2, 0x42, 10, 0, plan.subnet, host))
      const attachment = await this.attachment(node, `${id}${i}`)
      if (where === 'here') local.set(`e${i}`, { mac, addresses, attachment })
      else if (where !== 'nowhere') remote.set(`e${i}`, { mac, addresses, node: where })
    }
    const gateway = plan.gateway ? parseIp(`10.0.${plan.subnet}.1`) : null
    const prefixes = [{ cidr: parseCidr(`10.0.${plan.subnet}.0/24`), gateway }]
    const id0 = (id === 'blue' ? 100 : 200) + plan.subnet + plan.vniOffset
    const subnets = [{ vni: vni(id0), prefixes }]
    return { encapsulation: 'vxlan', mtu: plan.mtu, subnets, local, remote }
  }
}

const mtuOf = (spec: NetworkSpec): number => spec.mtu ?? 1450

test('observe equals the last desired state, and applying it again changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(state, { minLength: 1, maxLength: 6 }), async (plans) => {
      const world = new World()
      const node = await world.lab.node('a')
      for (const [i, plan] of plans.entries()) {
        const desired = await world.desired(plan, node, i + 1)
        const report = await node.dataplane.apply(desired)
        expect(report.failures).toEqual([])
        const { items, foreign } = await node.dataplane.observe()
        expect(items).toEqual(expectedItems(desired, mtuOf))
        expect(foreign).toEqual([])
        expect((await node.dataplane.apply(desired)).changed).toBe(0)
      }
      expect(await world.lab.close()).toEqual({ leaked: [] })
    }),
    { numRuns: 150 },
  )
})

test('every desired item is either observed or among the failures, never both', async () => {
  const spoil = fc.record({ at: fc.nat(), how: fc.constantFrom('vni', 'mac', 'node', 'address') })
  await fc.assert(
    fc.asyncProperty(state, fc.array(spoil, { maxLength: 3 }), async (plan, spoils) => {
      const world = new World()
      const node = await world.lab.node('a')
      const good = await world.desired(plan, node, 1)
      const desired = spoils.reduce((d, s) => spoilt(d, s.at, s.how), good)
      const { failures } = await node.dataplane.apply(desired)
      const failed = new Set(failures.map(({ item }) => item))
      const { items } = await node.dataplane.observe()
      for (const [id, spec] of desired.networks) {
        const paths = [
          itemPath.network(id),
          ...spec.subnets.map((s) => itemPath.subnet(id, s.vni)),
          ...[...spec.local.keys()].map((name) => itemPath.local(id, name)),
        ]
        for (const path of paths) expect([path, items.has(path)]).toEqual([path, !failed.has(path)])
        for (const [name, { addresses }] of spec.remote) {
          const [subnet] = spec.subnets
          const entry = itemPath.neighbour(
            id,
            subnet?.vni ?? vni(0),
            addresses[0] ?? parseIp('0.0.0.0'),
          )
          const path = itemPath.remote(id, name)
          if (!failed.has(path)) expect([path, items.has(entry)]).toEqual([path, true])
        }
      }
      expect(await world.lab.close()).toEqual({ leaked: [] })
    }),
    { numRuns: 100 },
  )
})

/** The same with one thing wrong in one network. */
function spoilt(desired: DesiredState, at: number, how: string): DesiredState {
  const ids = [...desired.networks.keys()]
  const id = ids[at % Math.max(ids.length, 1)]
  const spec = id === undefined ? undefined : desired.networks.get(id)
  if (id === undefined || spec === undefined) return desired
  return { ...desired, networks: new Map([...desired.networks, [id, spoiltNetwork(spec, how)]]) }
}

function spoiltNetwork(spec: NetworkSpec, how: string): NetworkSpec {
  if (how === 'vni') return { ...spec, subnets: spec.subnets.map((s) => ({ ...s, vni: vni(0) })) }
  const [first] = spec.remote
  if (first === undefined) return spec
  const [name, endpoint] = first
  const wrong = {
    mac: { ...endpoint, mac: macFromBytes(new Uint8Array(6)) },
    node: { ...endpoint, node: 'nobody' },
    address: { ...endpoint, addresses: [parseIp('192.0.2.1')] },
  }[how]
  return { ...spec, remote: new Map([...spec.remote, [name, wrong ?? endpoint]]) }
}
