/** A snapshot of a network with one subnet, one endpoint and one remote, with nothing amiss. */
import { parseCidr, parseInterfaceAddress, parseIp, parseMac, vni } from '@weft/core'
import type { AcceptedNetwork } from '@weft/dataplane'
import type { ForwardingEntry, Link } from '@weft/linux'
import type { ReadingScope } from '../src/reading.ts'
import { FORWARDING_STATE } from '../src/shape.ts'
import type { NetworkSnapshot } from '../src/snapshot.ts'

export const VNI = vni(4096)
export const LOCAL_MAC = parseMac('02:42:0a:00:01:02')
export const REMOTE_MAC = parseMac('02:42:0a:00:01:03')
export const REMOTE_IP = parseIp('10.0.1.3')
export const PEER = { ip: parseIp('192.0.2.2'), port: 4789 }
const PORT = { learning: false, unicastFlood: false, state: 3 }

/** A link with these properties, and otherwise one that is up and like any other. */
export function link(given: Partial<Link>): Link {
  return {
    index: 1,
    name: 'lo',
    hardwareType: 1,
    flags: 1,
    up: true,
    lowerUp: true,
    operationalState: 'up',
    mtuBytes: 1450,
    mac: null,
    alias: null,
    masterIndex: null,
    parentIndex: null,
    linkNetnsId: null,
    kind: null,
    vxlan: null,
    bridge: null,
    portKind: null,
    bridgePort: null,
    counters: null,
    ...given,
  }
}

/** A forwarding entry with these properties, and otherwise a static one of the tunnel's bridge. */
export function entry(given: Partial<ForwardingEntry>): ForwardingEntry {
  return {
    linkIndex: 3,
    mac: REMOTE_MAC,
    table: 'master',
    masterIndex: 2,
    destination: null,
    port: null,
    vni: null,
    sourceVni: null,
    viaIndex: null,
    state: FORWARDING_STATE,
    flags: 0,
    ...given,
  }
}

const LINKS: readonly Link[] = [
  link({ alias: 'weft/a/networks/blue vxlan', mtuBytes: 65_536 }),
  link({
    index: 2,
    name: 'br0',
    kind: 'bridge',
    alias: 'weft/a/networks/blue/subnets/4096 10.0.1.0/24',
  }),
  link({
    index: 3,
    name: 'vxlan0',
    kind: 'vxlan',
    alias: 'weft/a/networks/blue/subnets/4096/tunnel',
    masterIndex: 2,
    bridgePort: PORT,
    vxlan: { vni: VNI, port: 4789, local: parseIp('192.0.2.1'), proxy: true, learning: false },
  }),
  link({
    index: 4,
    name: 'veth0',
    kind: 'veth',
    alias: 'weft/a/networks/blue/local/c1',
    masterIndex: 2,
    bridgePort: PORT,
    parentIndex: 2,
    linkNetnsId: 7,
  }),
]

/** The snapshot. */
export const SOUND: NetworkSnapshot = {
  links: LINKS,
  addresses: [
    { linkIndex: 2, address: parseInterfaceAddress('10.0.1.1/24'), flags: 0, scope: 0 },
  ],
  neighbours: [{ linkIndex: 3, ip: REMOTE_IP, mac: REMOTE_MAC, state: 0x80, flags: 0 }],
  forwarding: [
    entry({}),
    entry({ table: 'self', destination: PEER.ip, masterIndex: null }),
    entry({ linkIndex: 4, mac: LOCAL_MAC }),
    entry({ linkIndex: 4, mac: parseMac('82:00:00:00:00:01'), state: 0x80 }),
  ],
  routing: false,
  peers: new Map([
    [
      4,
      {
        path: '/run/netns/c1',
        identity: '4:7',
        link: link({ index: 2, name: 'eth0', mac: LOCAL_MAC }),
        addresses: [
          { linkIndex: 2, address: parseInterfaceAddress('10.0.1.2/24'), flags: 0, scope: 0 },
          { linkIndex: 2, address: parseInterfaceAddress('fe80::1/64'), flags: 0, scope: 253 },
        ],
        routes: [],
      },
    ],
  ]),
}

/** What the network should be. */
export const WANTED: AcceptedNetwork = {
  encapsulation: 'vxlan',
  mtu: 1450,
  subnets: [
    { vni: VNI, prefixes: [{ cidr: parseCidr('10.0.1.0/24'), gateway: parseIp('10.0.1.1') }] },
  ],
  local: new Map([
    [
      'c1',
      {
        mac: LOCAL_MAC,
        addresses: [parseIp('10.0.1.2')],
        attachment: { kind: 'netns', path: '/run/netns/c1', ifname: 'eth0' },
      },
    ],
  ]),
  remote: new Map([['c2', { mac: REMOTE_MAC, addresses: [REMOTE_IP], node: 'p' }]]),
}

/** How to read the snapshot. */
export const SCOPE: ReadingScope = {
  instance: 'a',
  id: 'blue',
  encapsulation: 'vxlan',
  wanted: WANTED,
}

/** The snapshot with one link changed. */
export function withLink(index: number, change: Partial<Link>): NetworkSnapshot {
  const links = SOUND.links.map((each) => (each.index === index ? { ...each, ...change } : each))
  return { ...SOUND, links }
}

/** The snapshot without one link. */
export function withoutLink(index: number): NetworkSnapshot {
  return { ...SOUND, links: SOUND.links.filter((each) => each.index !== index) }
}
