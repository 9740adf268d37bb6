/** The desired state is a function of what is known: of any sequence of events the sum counts. */
import {
  addressOf,
  cidrContains,
  interfaceAddress,
  parseCidr,
  parseInterfaceAddress,
  parseIp,
  parseMac,
  vni,
  type Ip,
} from '@weft/core'
import { SubnetFinder, type DesiredState, type LocalEndpoint } from '@weft/dataplane'
import { endpointTable, peerTable, type Row } from '@weft/gossip'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DesiredComposer, type NetworkFacts } from '../src/desired/desired-composer.ts'
import type { OverlayShape } from '../src/desired/overlay-shape.ts'
import { RemoteRows } from '../src/gossip/remote-rows.ts'

const CIDR = parseCidr('10.0.1.0/24')
const GATEWAY = parseIp('10.0.1.1')
const TUNNEL = { ip: parseIp('192.0.2.1'), port: 4789 }

function shapeOf(networkId: string): OverlayShape {
  const subnets = [{ vni: vni(4097), prefixes: [{ cidr: CIDR, gateway: GATEWAY }] }]
  const finder = new SubnetFinder(subnets)
  return { networkId, name: networkId, encapsulation: 'vxlan', underlayMtu: 1500, subnets, finder }
}

interface Told {
  readonly type: 'create' | 'update' | 'delete'
  readonly network: string
  readonly key: string
  readonly host: number
  readonly mac: number
  readonly vtep: number
  readonly lTime: number
  readonly odd: 'none' | 'bytes' | 'outside' | 'prefix' | 'group'
}

const told = fc.record<Told>({
  type: fc.constantFrom('create', 'update', 'delete'),
  network: fc.constantFrom('n1', 'n2'),
  key: fc.constantFrom('e1', 'e2', 'e3', 'e4', '.bad'),
  host: fc.integer({ min: 0, max: 5 }),
  mac: fc.integer({ min: 1, max: 4 }),
  vtep: fc.integer({ min: 1, max: 4 }),
  lTime: fc.integer({ min: 1, max: 6 }),
  odd: fc.constantFrom('none', 'none', 'none', 'none', 'bytes', 'outside', 'prefix', 'group'),
})

function rowOf({ network, key, host, mac, vtep, lTime, odd }: Told): Row {
  const endpointMac = parseMac(`${odd === 'group' ? '03' : '02'}:42:0a:00:01:0${mac}`)
  const address = parseIp(`10.0.${odd === 'outside' ? 2 : 1}.${host}`)
  const text = odd === 'prefix' ? `${address}/16` : interfaceAddress(address, CIDR)
  const value = peerTable.encode({
    endpointIp: parseInterfaceAddress(text),
    endpointMac,
    vtep: parseIp(`192.0.2.${vtep}`),
  })
  return {
    networkId: network,
    table: peerTable.name,
    key,
    owner: 'o',
    lTime,
    value: odd === 'bytes' ? Uint8Array.of(1, 2, 3) : value,
  }
}

const locals: ReadonlyMap<string, LocalEndpoint> = new Map([
  [
    'local1',
    {
      mac: parseMac('02:42:0a:00:01:04'),
      addresses: [parseIp('10.0.1.4')],
      attachment: { kind: 'netns', path: '/run/netns/x', ifname: 'eth0' },
    },
  ],
])

/** The rule again, as plainly as it can be said. */
function naive(rows: readonly Row[], network: string): Record<string, string> {
  const taken = new Set<string>(['10.0.1.4', '02:42:0a:00:01:04'])
  const macs = new Map<string, string>()
  const programmed: Record<string, string> = {}
  const sorted = rows
    .filter(({ networkId }) => networkId === network)
    .sort((a, b) => b.lTime - a.lTime || (a.key < b.key ? 1 : -1))
  for (const { key, value } of sorted) {
    const record = peerTable.decode(value)
    if (typeof record === 'string' || key.startsWith('.')) continue
    const address = addressOf(record.endpointIp)
    const isOurs = record.vtep === TUNNEL.ip
    const isInside = cidrContains(CIDR, address) && record.endpointIp.endsWith('/24')
    const isEdge = address === '10.0.1.0' || address === '10.0.1.255' || address === GATEWAY
    const isGroup = record.endpointMac.startsWith('03')
    if (isOurs || !isInside || isEdge || isGroup) continue
    const holder = macs.get(record.endpointMac)
    if (taken.has(address) || taken.has(record.endpointMac)) continue
    if (holder !== undefined && holder !== record.vtep) continue
    taken.add(address)
    macs.set(record.endpointMac, record.vtep)
    programmed[address] = `${record.endpointMac} ${record.vtep}:4789`
  }
  return programmed
}

function programmedBy(desired: Omit<DesiredState, 'generation'>, network: string): unknown {
  const programmed: Record<string, string> = {}
  for (const { addresses, mac, node } of desired.networks.get(network)?.remote.values() ?? []) {
    const { ip, port } = desired.peers.get(node)?.tunnel ?? { ip: '', port: 0 }
    for (const address of addresses) programmed[address] = `${mac} ${ip}:${port}`
  }
  return programmed
}

describe('rows in any order', () => {
  const shapes = new Map(['n1', 'n2'].map((id) => [id, shapeOf(id)]))
  const facts = (rows: RemoteRows): NetworkFacts[] =>
    [...shapes].map(([id, shape]) => ({ shape, local: locals, rows: rows.peers(id) }))

  test('come to what the rule says of those that are left', () => {
    fc.assert(
      fc.property(fc.array(told, { maxLength: 40 }), (events) => {
        const rows = new RemoteRows()
        const composer = new DesiredComposer()
        const known = new Map<string, Row>()
        for (const event of events) {
          const row = rowOf(event)
          const id = `${row.networkId} ${row.key}`
          const previous = known.get(id) ?? null
          rows.apply({ type: event.type, row, previous, road: 'gossip' })
          if (event.type === 'delete') known.delete(id)
          else known.set(id, row)
          const desired = composer.compose({ tunnel: TUNNEL, networks: facts(rows), keys: [] })
          for (const network of shapes.keys()) {
            expect(programmedBy(desired, network)).toEqual(naive([...known.values()], network))
          }
          const refused = Object.values(composer.refused).reduce((sum, count) => sum + count, 0)
          const made = [...desired.networks.values()].reduce((sum, { remote }) => {
            return sum + [...remote.values()].reduce((n, one) => n + one.addresses.length, 0)
          }, 0)
          expect(refused + made).toBe(known.size)
        }
      }),
    )
  })

  test('the same facts are the same objects, a changed network another one only for itself', () => {
    fc.assert(
      fc.property(fc.array(told, { minLength: 1, maxLength: 20 }), told, (events, last) => {
        const rows = new RemoteRows()
        const composer = new DesiredComposer()
        for (const event of events) {
          rows.apply({ type: 'create', row: rowOf(event), previous: null, road: 'gossip' })
        }
        const compose = (): Omit<DesiredState, 'generation'> =>
          composer.compose({ tunnel: TUNNEL, networks: facts(rows), keys: [] })
        const first = compose()
        const second = compose()
        expect(second.peers).toBe(first.peers)
        for (const [id, spec] of first.networks) expect(second.networks.get(id)).toBe(spec)
        rows.apply({ type: 'create', row: rowOf(last), previous: null, road: 'gossip' })
        const third = compose()
        const other = last.network === 'n1' ? 'n2' : 'n1'
        expect(third.networks.get(other)).toBe(first.networks.get(other))
        for (const [key, endpoint] of third.networks.get(last.network)?.remote ?? []) {
          const before = first.networks.get(last.network)?.remote.get(key)
          if (JSON.stringify(before) === JSON.stringify(endpoint)) expect(endpoint).toBe(before)
        }
      }),
    )
  })

  test.each([
    ['192.0.2.1', 'vxlan', 1500, 1450],
    ['2001:db8::1', 'vxlan', 1500, 1430],
    ['192.0.2.1', 'vxlan', 9000, 8950],
    ['192.0.2.1', 'vxlan-esp', 1500, 1424],
    ['192.0.2.1', 'vxlan-esp', 1501, 1424],
    ['2001:db8::1', 'vxlan-esp', 1500, 1404],
  ] as const)('from %s, %s over %i bytes leaves %i', (ip, encapsulation, underlayMtu, mtu) => {
    const shape = { ...shapeOf('n1'), encapsulation, underlayMtu }
    const tunnel = { ip: parseIp(ip), port: 4789 }
    const networks = [{ shape, local: locals, rows: [] }]
    const desired = new DesiredComposer().compose({ tunnel, networks, keys: [] })
    expect(desired.networks.get('n1')).toMatchObject({ encapsulation, mtu })
  })

  test('a network without endpoints here is not there', () => {
    const shape = shapeOf('n1')
    const networks = [{ shape, local: new Map(), rows: [] }]
    const desired = new DesiredComposer().compose({ tunnel: TUNNEL, networks, keys: [] })
    expect(desired.networks.size).toBe(0)
  })

  test('two addresses of one MAC behind one VTEP are one endpoint', () => {
    const prefixes = [
      { cidr: CIDR, gateway: null },
      { cidr: parseCidr('fd00:1::/64'), gateway: null },
    ]
    const subnets = [{ vni: vni(4097), prefixes }]
    const shape = { ...shapeOf('n1'), subnets, finder: new SubnetFinder(subnets) }
    const record = (text: string): ReturnType<typeof peerTable.decode> => ({
      endpointIp: parseInterfaceAddress(text),
      endpointMac: parseMac('02:42:0a:00:01:02'),
      vtep: parseIp('192.0.2.9'),
    })
    const rows = ['10.0.1.2/24', 'fd00:1::2/64'].map((text, i) => ({
      networkId: 'n1',
      key: `e${i}`,
      owner: 'o',
      lTime: 1,
      record: record(text) as Exclude<ReturnType<typeof peerTable.decode>, string>,
    }))
    const facts = { tunnel: TUNNEL, networks: [{ shape, local: locals, rows }], keys: [] }
    const { networks } = new DesiredComposer().compose(facts)
    const remote = [...(networks.get('n1')?.remote.values() ?? [])]
    expect(remote.map(({ addresses }) => addresses)).toEqual([['10.0.1.2', 'fd00:1::2']])
  })
})

describe('rows that are remembered', () => {
  const row = (key: string, host: number, table = peerTable.name): Row => ({
    ...rowOf({ ...base, key, host, mac: host }),
    table,
  })
  const base: Told = {
    ...{ type: 'create', network: 'n1', key: 'e1', odd: 'none' },
    ...{ host: 2, mac: 2, vtep: 2, lTime: 1 },
  }
  const addresses = (rows: RemoteRows): Ip[] =>
    [...rows.peers('n1')].flatMap(({ record }) => {
      return record === null ? [] : [addressOf(record.endpointIp)]
    })

  test('stay until gossip has caught up, and give way to what it says', () => {
    const rows = new RemoteRows()
    rows.remember([row('e1', 2), row('e2', 3)])
    expect(rows.unconfirmed).toEqual(['n1'])
    rows.apply({ type: 'create', row: row('e1', 5), previous: null, road: 'gossip' })
    expect(addresses(rows)).toEqual(['10.0.1.5', '10.0.1.3'])
    rows.remember([row('e1', 2)])
    expect(addresses(rows)).toEqual(['10.0.1.5', '10.0.1.3'])
    expect(rows.confirm('n1')).toBe(true)
    expect(addresses(rows)).toEqual(['10.0.1.5'])
    expect(rows.unconfirmed).toEqual([])
    rows.suspend()
    expect(rows.unconfirmed).toEqual(['n1'])
    expect(addresses(rows)).toEqual(['10.0.1.5'])
    expect([...rows.all()].map(({ key }) => key)).toEqual(['e1'])
    rows.keepOnly(new Set())
    expect(addresses(rows)).toEqual([])
    expect(rows.unconfirmed).toEqual([])
  })

  test('of other tables are none of ours, names are', () => {
    const rows = new RemoteRows()
    const other = { ...row('e1', 2), table: 'other' }
    expect(rows.apply({ type: 'create', row: other, previous: null, road: 'gossip' })).toBe(false)
    const value = endpointTable.encode({
      ...{ name: 'web', serviceName: '', serviceId: '', virtualIp: null, ingressPorts: [] },
      ...{ endpointIp: parseIp('10.0.1.2'), aliases: [], taskAliases: [], serviceDisabled: false },
    })
    const named = { ...row('e1', 2), table: endpointTable.name, value }
    rows.apply({ type: 'create', row: named, previous: null, road: 'gossip' })
    expect(rows.endpoint('n1', 'e1')?.name).toBe('web')
    expect(rows.endpoint('n1', 'e2')).toBe(null)
    rows.apply({ type: 'delete', row: named, previous: named, road: 'gossip' })
    expect(rows.endpoint('n1', 'e1')).toBe(null)
  })
})
