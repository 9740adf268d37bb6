/** What a step on a table entry asks of the kernel, word for word. */
import { parseIp, parseMac, vni, type SocketAddress } from '@weft/core'
import { MessageWriter } from '@weft/linux'
import { expect, test } from 'vitest'
import { writeEntry, type EntryChange } from '../src/entries.ts'
import type { SubnetSite } from '../src/site.ts'
import { writeTunnelAddress } from '../src/tunnel-address.ts'
import { batchText } from './batch-text.ts'

const subnet: SubnetSite = {
  vni: vni(4096),
  slot: 0,
  bridgeIndex: 2,
  vxlanIndex: 3,
  port: 4789,
  family: 4,
  forwarding: new Map(),
  neighbours: new Map(),
}
const base = { item: 'networks/blue/remote/c2', network: 'blue', vni: vni(4096) }
const mac = parseMac('02:42:0a:00:01:03')
const at = (ip: string, port = 4789): SocketAddress => ({ ip: parseIp(ip), port })

function text(...changes: readonly EntryChange[]): string[] {
  const writer = new MessageWriter()
  for (const change of changes) writeEntry(writer, subnet, change)
  return batchText(writer)
}

test('a remote MAC is one request for the tunnel and its bridge', () => {
  const change = { ...base, kind: 'forwarding', mac, from: null } as const
  expect(text({ ...change, to: at('192.0.2.2') })).toEqual([
    'fdb replace 02:42:0a:00:01:03 dev 3 self master dst 192.0.2.2 nud 42',
  ])
})

test('a peer’s port is said only when it is not our own', () => {
  const change = { ...base, kind: 'forwarding', mac, from: at('192.0.2.2') } as const
  expect(text({ ...change, to: at('2001:db8::2', 4799) })).toEqual([
    'fdb replace 02:42:0a:00:01:03 dev 3 self master dst 2001:db8::2 port 4799 nud 42',
  ])
})

test('a MAC that goes is taken from both tables by a request each', () => {
  const change = { ...base, kind: 'forwarding', mac, to: null } as const
  expect(text({ ...change, from: at('192.0.2.2') })).toEqual([
    'fdb del 02:42:0a:00:01:03 dev 3 self nud 80',
    'fdb del 02:42:0a:00:01:03 dev 3 master nud 80',
  ])
})

test('addresses of remote endpoints are permanent neighbours of the tunnel', () => {
  const [v4, v6] = [parseIp('10.0.1.3'), parseIp('fd00:1::3')]
  const change = { ...base, kind: 'neighbour' } as const
  expect(
    text(
      { ...change, ip: v4, from: null, to: mac },
      { ...change, ip: v6, from: parseMac('02:00:00:00:00:01'), to: mac },
      { ...change, ip: v4, from: mac, to: null },
    ),
  ).toEqual([
    'neigh replace 10.0.1.3 lladdr 02:42:0a:00:01:03 dev 3 nud 80',
    'neigh replace fd00:1::3 lladdr 02:42:0a:00:01:03 dev 3 nud 80',
    'neigh del 10.0.1.3 lladdr - dev 3 nud 80',
  ])
})

test('a tunnel’s address changes in place', () => {
  const writer = new MessageWriter()
  writeTunnelAddress(writer, 3, parseIp('192.0.2.9'))
  writeTunnelAddress(writer, 3, parseIp('2001:db8::9'))
  expect(batchText(writer)).toEqual(['link set 3 local 192.0.2.9', 'link set 3 local 2001:db8::9'])
})
