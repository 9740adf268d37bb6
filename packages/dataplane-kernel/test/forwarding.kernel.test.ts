/** Traffic through networks on two hosts, and the devices as `ip` and `bridge` see them. */
import { parseInterfaceAddress, parseIp } from '@weft/core'
import type { Dataplane } from '@weft/dataplane'
import { expect, test } from 'vitest'
import {
  desired,
  failuresOf,
  hosts,
  inside,
  local,
  network,
  nextDrift,
  reaches,
  remote,
  scratch,
  subnet,
  type TestHost,
} from './world.ts'

const BLUE = subnet(4096, '10.0.1.0/24', 'fd00:1::/64')
const GREEN = subnet(4097, '10.0.2.0/24', 'fd00:3::/64')

type Described = Record<string, unknown>

interface Pair {
  readonly c1: string
  readonly c2: string
  readonly a: TestHost
  /** On `a`. */
  readonly dataplane: Dataplane
}

/** c1 in BLUE on the first host, c2 in `there` on the second. */
async function pair(there: typeof BLUE, ip: string, ip6: string): Promise<Pair> {
  const [a, b] = hosts(2) as [TestHost, TestHost]
  const [c1, c2] = [scratch(), scratch()]
  const subnets = there === BLUE ? [BLUE] : [BLUE, there]
  const one = network(subnets, {
    local: { c1: local(c1, '10.0.1.2', 'fd00:1::2') },
    remote: { c2: remote('n2', ip, ip6) },
  })
  const two = network(subnets, {
    local: { c2: local(c2, ip, ip6) },
    remote: { c1: remote('n1', '10.0.1.2', 'fd00:1::2') },
  })
  const [first, second] = [await a.open(), await b.open()]
  expect(failuresOf(await first.apply(desired(a, { blue: one })))).toEqual([])
  expect(failuresOf(await second.apply(desired(b, { blue: two })))).toEqual([])
  return { c1, c2, a, dataplane: first }
}

test('both families pass at once after the apply', async () => {
  const { c1, c2 } = await pair(BLUE, '10.0.1.3', 'fd00:1::3')
  expect(await reaches(c1, c2, '10.0.1.3')).toBe(true)
  expect(await reaches(c2, c1, '10.0.1.2')).toBe(true)
  expect(await reaches(c1, c2, 'fd00:1::3')).toBe(true)
  expect(await reaches(c2, c1, 'fd00:1::2')).toBe(true)
})

test('endpoints in different subnets reach each other through the gateway', async () => {
  const { c1, c2, a } = await pair(GREEN, '10.0.2.3', 'fd00:3::3')
  expect(await reaches(c1, c2, '10.0.2.3')).toBe(true)
  expect(await reaches(c2, c1, '10.0.1.2')).toBe(true)
  expect(await reaches(c1, c2, 'fd00:3::3')).toBe(true)
  expect(await reaches(c2, c1, 'fd00:1::2')).toBe(true)
  expect(inside(a.network('blue'), 'cat /proc/sys/net/ipv4/ip_forward').trim()).toBe('1')
})

test('the devices are the ones that Docker users know, as ip and bridge tell', async () => {
  const { a, c1 } = await pair(BLUE, '10.0.1.3', 'fd00:1::3')
  const place = a.network('blue')
  const [tunnel] = JSON.parse(inside(place, 'ip -d -j link show vxlan0')) as [Described]
  expect(tunnel).toMatchObject({
    mtu: 1450,
    master: 'br0',
    ifalias: `weft/${a.name}/networks/blue/subnets/4096/tunnel`,
    linkinfo: {
      info_kind: 'vxlan',
      info_data: { id: 4096, local: '192.0.2.1', port: 4789, learning: false, proxy: true },
      info_slave_kind: 'bridge',
      info_slave_data: { state: 'forwarding', learning: false, flood: false },
    },
  })
  expect(tunnel['linkinfo']).not.toMatchObject({ info_data: { l2miss: true } })
  const entries = inside(place, 'bridge fdb show').split('\n')
  expect(entries.filter((line) => line.startsWith('02:42:')).sort()).toEqual([
    '02:42:0a:00:01:02 dev veth0 master br0 static',
    expect.stringMatching(/^02:42:0a:00:01:03 dev vxlan0 dst 192\.0\.2\.2 .*self static/),
    '02:42:0a:00:01:03 dev vxlan0 master br0 static',
  ])
  expect(entries.filter((line) => line.startsWith('00:00:00:00:00:00'))).toEqual([])
  const neighbours = inside(place, 'ip neigh show dev vxlan0').trim().split('\n')
  expect(neighbours.map((line) => line.trim()).sort()).toEqual([
    '10.0.1.3 lladdr 02:42:0a:00:01:03 PERMANENT',
    'fd00:1::3 lladdr 02:42:0a:00:01:03 PERMANENT',
  ])
  const [inner] = JSON.parse(inside(c1, 'ip -d -j addr show eth0')) as [Described]
  expect(inner).toMatchObject({ mtu: 1450, address: '02:42:0a:00:01:02', operstate: 'UP' })
})

test('a node whose tunnel address changes keeps its devices and goes on', async () => {
  const { a, c1, c2, dataplane } = await pair(BLUE, '10.0.1.3', 'fd00:1::3')
  const index = a.kernel.links.require('eth0').index
  const before = inside(a.network('blue'), 'ip -o link')
  const address = parseInterfaceAddress('192.0.2.77/24')
  a.kernel.addresses.apply('create', { linkIndex: index, address })
  const moved = { ...a, ip: parseIp('192.0.2.77') }
  const one = network([BLUE], {
    local: { c1: local(c1, '10.0.1.2', 'fd00:1::2') },
    remote: { c2: remote('n2', '10.0.1.3', 'fd00:1::3') },
  })
  const report = await dataplane.apply(desired(moved, { blue: one }))
  expect([report.changed, failuresOf(report)]).toEqual([1, []])
  expect(inside(a.network('blue'), 'ip -o link')).toBe(before)
  expect(inside(a.network('blue'), 'ip -d link show vxlan0')).toContain('local 192.0.2.77')
  expect(await reaches(c1, c2, '10.0.1.3')).toBe(true)
})

test('an MTU left to us follows the underlay', async () => {
  const [a] = hosts(1, 1500) as [TestHost]
  const c1 = scratch()
  const dataplane = await a.open()
  const state = desired(a, { blue: network([BLUE], { local: { c1: local(c1, '10.0.1.2') } }) })
  await dataplane.apply(state)
  expect(inside(c1, 'cat /sys/class/net/eth0/mtu').trim()).toBe('1450')
  a.kernel.links.change('eth0', { mtuBytes: 1400 })
  await expect
    .poll(() => inside(c1, 'ip -o link show eth0'), { timeout: 2000, interval: 20 })
    .toContain('mtu 1350')
  expect((await dataplane.counters()).drift).toBe(0)
})

test('a device taken away comes back, and its drift is told and counted', async () => {
  const { a, c1, c2, dataplane } = await pair(BLUE, '10.0.1.3', 'fd00:1::3')
  const told = nextDrift(dataplane)
  inside(a.network('blue'), 'ip link set vxlan0 nomaster')
  expect(await told).toContain('networks/blue/subnets/4096')
  expect(await reaches(c1, c2, '10.0.1.3')).toBe(true)
  expect((await dataplane.counters()).drift).toBeGreaterThan(0)
})
