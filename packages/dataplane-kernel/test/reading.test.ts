/** Reading a snapshot: a sound network gives its items, and every flaw shows in some way. */
import { parseInterfaceAddress, parseIp, parseMac, vni, type Mac } from '@weft/core'
import { diffProgrammed, programmedItems, type AcceptedState, type Change } from '@weft/dataplane'
import type { ForwardingEntry } from '@weft/linux'
import { expect, test } from 'vitest'
import { readNetwork, type NetworkReading } from '../src/reading.ts'
import type { NetworkSnapshot } from '../src/snapshot.ts'
import {
  entry,
  link,
  PEER,
  SCOPE,
  SOUND,
  VNI,
  WANTED,
  withLink,
  withoutLink,
} from './sound-network.ts'

const accepted: AcceptedState = {
  generation: 1,
  tunnel: { ip: parseIp('192.0.2.1'), port: 4789 },
  peers: new Map([['p', { tunnel: PEER }]]),
  networks: new Map([['blue', WANTED]]),
}

/** Everything that a reading finds to do, a line each. */
function findings(snapshot: NetworkSnapshot): string[] {
  const reading: NetworkReading = readNetwork(SCOPE, snapshot)
  const changes = diffProgrammed({ networks: new Map([['blue', reading.programmed]]) }, accepted)
  return [
    ...changes.map(lineOf),
    ...reading.mends.map((mend) => `mend ${mend.kind} of ${mend.item}`),
    ...reading.debris.map(({ name }) => `debris ${name}`),
    ...reading.strays.map(({ mac }) => `stray ${mac}`),
    ...reading.foreign.map((name) => `foreign ${name}`),
    ...(reading.routing ? ['routing'] : []),
  ]
}

function lineOf({ from, item, to }: Change): string {
  if (from === null) return `add ${item}`
  return to === null ? `remove ${item}` : `change ${item}`
}

test('a sound network reads as its items, with nothing to do', () => {
  const { programmed } = readNetwork(SCOPE, SOUND)
  const items = programmedItems({ networks: new Map([['blue', programmed]]) })
  expect(Object.fromEntries(items)).toEqual({
    'networks/blue': 'vxlan mtu 1450',
    'networks/blue/subnets/4096': 'port 4789 10.0.1.0/24 gateway 10.0.1.1',
    'networks/blue/local/c1': '02:42:0a:00:01:02 10.0.1.2',
    'networks/blue/fdb/4096/02:42:0a:00:01:03': '192.0.2.2:4789',
    'networks/blue/neighbours/4096/10.0.1.3': '02:42:0a:00:01:03',
  })
  expect(findings(SOUND)).toEqual([])
})

test('it is read alike when nobody knows what is wanted', () => {
  expect(readNetwork({ ...SCOPE, wanted: null }, SOUND)).toEqual(readNetwork(SCOPE, SOUND))
})

const remote = 'networks/blue/remote/c2'
const local = 'change networks/blue/local/c1'
const subnet = 'networks/blue/subnets/4096'
const stranger = parseMac('02:00:00:00:00:99')
const [ours, theirs] = ['weft/a/networks/blue/', 'weft/b/networks/blue/']

const FLAWS: readonly (readonly [string, NetworkSnapshot, readonly string[]])[] = [
  ['the bridge is down', withLink(2, { up: false }), [`mend link of ${subnet}`]],
  ['the tunnel is down', withLink(3, { up: false }), [`mend link of ${subnet}`]],
  [
    'the tunnel’s port learns',
    withLink(3, { bridgePort: { learning: true, unicastFlood: false } }),
    [`mend link of ${subnet}`],
  ],
  [
    'the tunnel’s port floods',
    withLink(3, { bridgePort: { learning: false, unicastFlood: true } }),
    [`mend link of ${subnet}`],
  ],
  ['an MTU differs', withLink(2, { mtuBytes: 1400 }), ['change networks/blue']],
  ['an MTU is above the wanted', withLink(4, { mtuBytes: 1500 }), ['change networks/blue']],
  ['a cable is out of its bridge', withLink(4, { masterIndex: null }), [local]],
  ['a cable is down', withLink(4, { up: false }), [local]],
  ['a cable is gone', withoutLink(4), ['add networks/blue/local/c1']],
  [
    'the far end cannot be found',
    { ...SOUND, peers: new Map() },
    [local, 'stray 02:42:0a:00:01:02'],
  ],
  [
    'the gateway is gone',
    { ...SOUND, addresses: [] },
    [`change ${subnet}`],
  ],
  [
    'the bridge carries another address',
    {
      ...SOUND,
      addresses: [
        ...SOUND.addresses,
        { linkIndex: 2, address: parseInterfaceAddress('10.9.9.9/24'), flags: 0, scope: 0 },
      ],
    },
    [`change ${subnet}`],
  ],
  ['routing is on', { ...SOUND, routing: true }, ['routing']],
  [
    'only the bridge has an entry',
    onlyEntries(({ table }) => table !== 'self'),
    [`change ${remote}`],
  ],
  [
    'only the tunnel has an entry',
    onlyEntries(({ linkIndex, table }) => linkIndex !== 3 || table === 'self'),
    [`change ${remote}`],
  ],
  ['no entries', onlyEntries(({ linkIndex }) => linkIndex === 4), [`add ${remote}`]],
  ['an entry leads away', withSelf({ destination: parseIp('192.0.2.9') }), [`change ${remote}`]],
  ['an entry leads to another port', withSelf({ port: 4799 }), [`change ${remote}`]],
  ['an entry leads into another VNI', withSelf({ vni: 7 }), [`change ${remote}`]],
  ['an entry goes by a device', withSelf({ viaIndex: 9 }), [`change ${remote}`]],
  ['an entry ages', withSelf({ state: 2 }), [`change ${remote}`]],
  ['no neighbour', { ...SOUND, neighbours: [] }, [`add ${remote}`]],
  ['a neighbour that may be forgotten', withNeighbour(0x02), [`change ${remote}`]],
  ['a dying neighbour', withNeighbour(0x20), [`add ${remote}`]],
  [
    'an entry that nobody asked for',
    withEntries(entry({ mac: stranger }), selfEntry(stranger)),
    [`remove networks/blue/fdb/4096/${stranger}`],
  ],
  [
    'half an entry that nobody asked for',
    withEntries(entry({ mac: stranger })),
    [`remove networks/blue/fdb/4096/${stranger}`],
  ],
  [
    'a default entry that floods',
    withEntries(selfEntry(parseMac('00:00:00:00:00:00'))),
    ['remove networks/blue/fdb/4096/00:00:00:00:00:00'],
  ],
  [
    'somebody else behind a cable',
    withEntries(entry({ linkIndex: 4, mac: stranger })),
    [`stray ${stranger}`],
  ],
  ['a stranger’s device', withExtra({ name: 'dummy0', kind: 'dummy' }), ['foreign dummy0']],
  ['another instance’s device', withMarked('x', 'veth', `${theirs}local/c1`), ['foreign x']],
  ['a second cable', withMarked('y', 'veth', `${ours}local/c1`), ['debris y']],
  ['half a subnet', withMarked('y', 'bridge', `${ours}subnets/5 10.0.2.0/24`), ['debris y']],
  ['the other half', withMarked('y', 'vxlan', `${ours}subnets/5/tunnel`), ['debris y']],
  ['our mark on another kind', withMarked('y', 'dummy', `${ours}local/c9`), ['debris y']],
]

test.each(FLAWS)('%s', (_, snapshot, expected) => {
  expect(findings(snapshot)).toEqual(expected)
})

test('a tunnel that does not answer ARP is made again with its bridge and all on it', () => {
  const vxlan = { vni: VNI, port: 4789, local: parseIp('192.0.2.1'), proxy: false }
  expect(findings(withLink(3, { vxlan }))).toEqual([
    `add ${subnet}`,
    local,
    `add ${remote}`,
    `add ${remote}`,
    'debris br0',
    'debris vxlan0',
  ])
})

test('a tunnel on another port or address is told as it is', () => {
  const vxlan = { vni: VNI, port: 4790, local: parseIp('192.0.2.7'), proxy: true }
  const { programmed } = readNetwork(SCOPE, withLink(3, { vxlan }))
  expect(programmed.subnets.get(VNI)?.tunnel).toEqual({ ip: '192.0.2.7', port: 4790, family: 4 })
  expect(findings(withLink(3, { vxlan: { ...vxlan, vni: vni(1) } }))).toContain(`add ${subnet}`)
})

function withSelf(change: Parameters<typeof entry>[0]): NetworkSnapshot {
  const forwarding = SOUND.forwarding.map((each) =>
    each.table === 'self' ? { ...each, ...change } : each,
  )
  return { ...SOUND, forwarding }
}

function withEntries(...more: readonly ReturnType<typeof entry>[]): NetworkSnapshot {
  return { ...SOUND, forwarding: [...SOUND.forwarding, ...more] }
}

function withMarked(name: string, kind: string, alias: string): NetworkSnapshot {
  return withExtra({ name, kind, alias })
}

function onlyEntries(keep: (entry: ForwardingEntry) => boolean): NetworkSnapshot {
  return { ...SOUND, forwarding: SOUND.forwarding.filter(keep) }
}

function selfEntry(mac: Mac): ForwardingEntry {
  return entry({ mac, table: 'self', destination: PEER.ip })
}

function withNeighbour(state: number): NetworkSnapshot {
  return { ...SOUND, neighbours: SOUND.neighbours.map((each) => ({ ...each, state })) }
}

function withExtra(given: Parameters<typeof link>[0]): NetworkSnapshot {
  return { ...SOUND, links: [...SOUND.links, link({ index: 9, ...given })] }
}
