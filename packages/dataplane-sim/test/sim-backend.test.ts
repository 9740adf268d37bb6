/** The backend as composers meet it: probing, limits, and what it says of itself. */
import { createSimWorld } from '@weft/core/testing'
import { parseCidr, parseIp, vni } from '@weft/core'
import { expect, test } from 'vitest'
import { SIM_AUDIT_INTERVAL_MS, SIM_MTU_MAX_BYTES, simBackend } from '../src/index.ts'
import { SimMachine, simOptions, TUNNEL_SOURCE_PORTS } from '../src/index.ts'
import { CountedUnderlay } from '../src/lab/counted-underlay.ts'

const HUGE = 1_000_000

function host() {
  const world = createSimWorld('backend')
  const runtime = world.node('a', ['172.31.1.11'])
  const underlay = new CountedUnderlay(runtime.underlay)
  const machine = new SimMachine({ underlay, mtuBytes: new Map([[parseIp('172.31.1.11'), HUGE]]) })
  return { world, runtime, underlay, machine, options: simOptions(machine) }
}

function desired(generation: number, mtu: number | null) {
  const subnets = [{ vni: vni(1), prefixes: [{ cidr: parseCidr('10.0.1.0/24'), gateway: null }] }]
  const network = { mtu, subnets, local: new Map(), remote: new Map() }
  const tunnel = { ip: parseIp('172.31.1.11'), port: 4789 }
  const networks = new Map([['blue', { ...network, encapsulation: 'vxlan' as const }]])
  return { generation, tunnel, peers: new Map(), networks }
}

test('probing says what it can do and leaves no trace', async () => {
  const { options, underlay, world } = host()
  const { capabilities } = options
  expect(await simBackend.probe(options)).toEqual({ usable: true, capabilities })
  expect([underlay.openSockets, world.clock.pending]).toEqual([0, 0])
})

test('the largest MTU goes, one byte more does not', async () => {
  const { options, runtime } = host()
  const dataplane = await simBackend.open(runtime, options)
  const good = await dataplane.apply(desired(1, SIM_MTU_MAX_BYTES))
  expect(good.failures).toEqual([])
  const { failures } = await dataplane.apply(desired(2, SIM_MTU_MAX_BYTES + 1))
  expect(failures.map(({ error }) => error.code)).toContain('ERR_MTU')
  await dataplane.close('teardown')
})

test('a tunnel opens a socket to listen and its source ports, and closes them all', async () => {
  const { options, runtime, underlay, world } = host()
  const dataplane = await simBackend.open(runtime, options)
  await dataplane.apply(desired(1, null))
  expect(underlay.openSockets).toBe(1 + TUNNEL_SOURCE_PORTS)
  await dataplane.apply({ ...desired(2, null), networks: new Map() })
  expect(underlay.openSockets).toBe(0)
  await dataplane.close('teardown')
  expect(world.clock.pending).toBe(0)
})

test('a port that somebody else has bound is a conflict, and nothing is left', async () => {
  const { options, runtime, underlay } = host()
  const tunnel = { ip: parseIp('172.31.1.11'), port: 4789 }
  const theirs = await runtime.underlay.bind(tunnel, () => undefined)
  const dataplane = await simBackend.open(runtime, options)
  const { failures } = await dataplane.apply(desired(1, null))
  expect(failures.map(({ item, error }) => `${item} ${error.code}`)).toEqual([
    'networks/blue/subnets/1 ERR_CONFLICT',
  ])
  expect(underlay.openSockets).toBe(0)
  await theirs.close()
  expect((await dataplane.apply(desired(2, null))).failures).toEqual([])
  await dataplane[Symbol.asyncDispose]()
})

test('drift is found within an interval of the audit', async () => {
  const { options, runtime, machine, world } = host()
  const dataplane = await simBackend.open(runtime, options)
  await dataplane.apply(desired(1, null))
  await machine.removeNetwork('blue')
  await world.clock.advance(SIM_AUDIT_INTERVAL_MS)
  expect([...(await dataplane.observe()).items.keys()]).toEqual([
    'networks/blue',
    'networks/blue/subnets/1',
  ])
  expect((await dataplane.counters()).drift).toBe(2)
  await dataplane.close('teardown')
})
