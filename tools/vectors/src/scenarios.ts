/** The recordings: every format the wire package reads, sent by the kernel itself. */
import { ESP_DECRYPTION } from './esp-keys.ts'
import { namespaceName, type Scenario } from './scenario.ts'

const A = namespaceName('a')
const B = namespaceName('b')
const R = namespaceName('r')
const S = namespaceName('s')
const IN_A = `ip netns exec ${A}`
const IN_B = `ip netns exec ${B}`
const IN_R = `ip netns exec ${R}`
const EXCHANGE = 'node --conditions=@weft/source tools/vectors/src/exchange.ts'
const ESP_SEND = 'node --conditions=@weft/source tools/vectors/src/esp-send.ts'

/** The checksum a veth leaves to its peer is not on the wire of any real card: have it computed. */
function fullChecksums(namespace: string): string {
  return `ip netns exec ${namespace} ethtool -K eth0 tx off >/dev/null`
}

/** IPv6 works only once the kernel has seen to the link coming up, which it does at leisure. */
const SETTLE = 'sleep 1'

/** Link-local addresses are usable at once, so that the first ping needs no second try. */
function noDuplicateDetection(...namespaces: readonly string[]): string[] {
  const setting = 'net.ipv6.conf.default.accept_dad=0'
  return namespaces.map((name) => `ip netns exec ${name} sysctl -qw ${setting}`)
}

interface End {
  readonly in: string
  readonly name?: string
  readonly mac?: string
  readonly mtu?: number
}

/** A veth pair; its ends are called eth0 unless they have a name. */
function cable(near: End, far: End): string {
  const end = ({ in: namespace, name = 'eth0', mac, mtu }: End): string => {
    const properties = `${mac === undefined ? '' : ` address ${mac}`}${mtu ? ` mtu ${mtu}` : ''}`
    return `${name} netns ${namespace}${properties}`
  }
  return `ip link add ${end(near)} type veth peer name ${end(far)}`
}

const PAIR: readonly string[] = [
  ...noDuplicateDetection(A, B),
  cable({ in: A, mac: '02:42:0a:00:01:02' }, { in: B, mac: '02:42:0a:00:01:03' }),
  `ip -n ${A} addr add 10.0.1.2/24 dev eth0`,
  `ip -n ${B} addr add 10.0.1.3/24 dev eth0`,
  `ip -n ${A} addr add fd00:1::2/64 dev eth0 nodad`,
  `ip -n ${B} addr add fd00:1::3/64 dev eth0 nodad`,
  `ip -n ${A} link set lo up`,
  `ip -n ${B} link set lo up`,
  fullChecksums(A),
  fullChecksums(B),
  `ip -n ${A} link set eth0 up`,
  `ip -n ${B} link set eth0 up`,
  SETTLE,
]

/** Two links joined by a router; the second carries 1400 bytes only. */
const ROUTED: readonly string[] = [
  ...noDuplicateDetection(A, B, R),
  cable({ in: A, mac: '02:42:0a:00:01:02' }, { in: R, mac: '02:42:0a:00:01:01' }),
  cable(
    { in: B, mac: '02:42:0a:00:02:02', mtu: 1400 },
    { in: R, name: 'eth1', mac: '02:42:0a:00:02:01', mtu: 1400 },
  ),
  `ip -n ${A} addr add 10.0.1.2/24 dev eth0`,
  `ip -n ${R} addr add 10.0.1.1/24 dev eth0`,
  `ip -n ${R} addr add 10.0.2.1/24 dev eth1`,
  `ip -n ${B} addr add 10.0.2.2/24 dev eth0`,
  `ip -n ${A} addr add fd00:1::2/64 dev eth0 nodad`,
  `ip -n ${R} addr add fd00:1::1/64 dev eth0 nodad`,
  `ip -n ${R} addr add fd00:2::1/64 dev eth1 nodad`,
  `ip -n ${B} addr add fd00:2::2/64 dev eth0 nodad`,
  fullChecksums(A),
  fullChecksums(B),
  `${IN_R} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`,
  ...[A, B, R].map((name) => `ip -n ${name} link set eth0 up`),
  `ip -n ${R} link set eth1 up`,
  `ip -n ${A} route add default via 10.0.1.1`,
  `ip -n ${B} route add default via 10.0.2.1`,
  `ip -n ${A} -6 route add default via fd00:1::1`,
  `ip -n ${B} -6 route add default via fd00:2::1`,
  SETTLE,
]

/** Three stations on one bridge, of which r routes: so that it can redirect. */
const SEGMENT: readonly string[] = [
  ...noDuplicateDetection(A, B, R),
  `ip -n ${S} link add br0 type bridge`,
  `ip -n ${S} link set br0 up`,
  ...[A, B, R].flatMap((name, i) => [
    cable({ in: name, mac: `02:42:0a:00:01:0${i + 2}` }, { in: S, name: `port${i}` }),
    `ip -n ${S} link set port${i} master br0 up`,
    `ip -n ${name} addr add 10.0.1.${i + 2}/24 dev eth0`,
    `ip -n ${name} addr add fd00:1::${i + 2}/64 dev eth0 nodad`,
    fullChecksums(name),
    `ip -n ${name} link set eth0 up`,
  ]),
  `ip -n ${B} addr add fd00:9::1/128 dev eth0 nodad`,
  `${IN_R} sysctl -qw net.ipv6.conf.all.forwarding=1`,
  // Redirects name link-local targets only (RFC 4861 §8.2).
  `ip -n ${R} -6 route add fd00:9::/64 via fe80::42:aff:fe00:103 dev eth0`,
  `ip -n ${A} -6 route add fd00:9::/64 via fd00:1::4`,
  SETTLE,
]

/** An overlay of one network over a pair of hosts. */
function overlay(options: { vni: number; from: string; to: string; extra?: string }): string[] {
  const { vni, from, to, extra = '' } = options
  return [
    ...PAIR,
    ...[
      { name: A, local: from, remote: to, end: 2 },
      { name: B, local: to, remote: from, end: 3 },
    ].flatMap(({ name, local, remote, end }) => [
      [
        `ip -n ${name} link add vx0 address 02:42:0a:00:02:0${end}`,
        `type vxlan id ${vni} local ${local} remote ${remote} dstport 4789 ${extra}`,
      ].join(' '),
      `ip -n ${name} addr add 10.0.2.${end}/24 dev vx0`,
      `ip -n ${name} addr add fd00:2::${end}/64 dev vx0 nodad`,
      `ip -n ${name} link set vx0 up`,
    ]),
    SETTLE,
  ]
}

const RADVD_FILES = '/tmp/wirevec-radvd'
const RADVD_CONFIGURATION = [
  'interface eth0 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;',
  'AdvLinkMTU 1450; AdvManagedFlag on;',
  'prefix fd00:1::/64 { AdvValidLifetime 600; AdvPreferredLifetime 300; }; };',
].join(' ')

const ON_A = { namespace: A, link: 'eth0' } as const

/** In the order of the formats, outermost first. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'arp',
    about: 'ARP request and reply around a first ping, and the announcement of a new address.',
    namespaces: [A, B],
    world: PAIR,
    capture: ON_A,
    traffic: [
      `${IN_A} ping -qc1 -W1 10.0.1.3`,
      `${IN_A} sysctl -qw net.ipv4.conf.eth0.arp_notify=1`,
      `ip -n ${A} link set eth0 down && ip -n ${A} link set eth0 up`,
    ],
  },
  {
    name: 'vlan',
    about: 'ARP with one tag and with two, injected: the recording kernel has no VLAN links.',
    namespaces: [A, B],
    world: PAIR,
    capture: { namespace: B, link: 'eth0' },
    needs: ['python3'],
    traffic: [
      inject('ffffffffffff02420a0001028100a00508060001080006040001' + arpTail()),
      inject('ffffffffffff02420a00010288a8306481000fff08060001080006040001' + arpTail()),
    ],
  },
  {
    name: 'icmp',
    about: 'Echo with and without record-route options, and the three errors an overlay meets.',
    namespaces: [A, B, R],
    world: ROUTED,
    capture: ON_A,
    traffic: [
      `${IN_A} ping -qc1 -W1 10.0.2.2`,
      `${IN_A} ping -qc1 -W1 -R 10.0.2.2`,
      `${IN_A} ping -qc1 -W1 -t1 10.0.2.2 || true`,
      `${IN_A} ping -qc1 -W1 -Mdo -s 1400 10.0.2.2 || true`,
      `${IN_A} ${EXCHANGE} udp-send 10.0.2.2 9 nobody-listens`,
      `${IN_A} ping -qc1 -W1 10.0.3.1 || true`,
    ],
  },
  {
    name: 'icmpv6',
    about: 'Neighbour discovery, echo and errors; multicast reports with hop-by-hop options.',
    namespaces: [A, B, R],
    world: ROUTED,
    capture: ON_A,
    traffic: [
      `${IN_A} ping -6 -qc1 -W1 fd00:2::2`,
      `${IN_A} ping -6 -qc1 -W1 -t1 fd00:2::2 || true`,
      `${IN_A} ping -6 -qc1 -W1 -Mdo -s 1400 fd00:2::2 || true`,
      `${IN_A} ${EXCHANGE} udp-send fd00:2::2 9 nobody-listens`,
      `${IN_A} ping -6 -qc1 -W1 fd00:3::1 || true`,
    ],
  },
  {
    name: 'redirect',
    about: 'An ICMPv6 redirect: a router that learns of a better first hop on the same link.',
    namespaces: [A, B, R, S],
    world: SEGMENT,
    capture: ON_A,
    traffic: [`${IN_A} ping -6 -qc2 -i0.2 -W1 fd00:9::1 || true`],
  },
  {
    name: 'router-advertisement',
    about: 'A router solicitation of the kernel and advertisements of radvd with prefix and MTU.',
    namespaces: [A, B],
    world: [...PAIR, `${IN_B} sysctl -qw net.ipv6.conf.all.forwarding=1`],
    capture: ON_A,
    needs: ['radvd'],
    traffic: [
      `printf '%s' '${RADVD_CONFIGURATION}' > ${RADVD_FILES}.conf`,
      advertise(2),
      `ip -n ${A} link set eth0 down && ip -n ${A} link set eth0 up`,
      advertise(3),
      `rm -f ${RADVD_FILES}.conf ${RADVD_FILES}.pid`,
    ],
  },
  {
    name: 'udp',
    about: 'Datagrams of even, odd and no length over both IP versions.',
    namespaces: [A, B],
    world: PAIR,
    capture: ON_A,
    traffic: ['10.0.1.3', 'fd00:1::3'].flatMap((address) => [
      `${IN_A} ${EXCHANGE} udp-send ${address} 5000 even`,
      `${IN_A} ${EXCHANGE} udp-send ${address} 5000 three`,
      `${IN_A} ${EXCHANGE} udp-send ${address} 5000 ''`,
    ]),
  },
  {
    name: 'partial-checksum',
    about: 'Datagrams as a veth really carries them: checksums left to a card there is not.',
    namespaces: [A, B],
    world: [...PAIR, `${IN_A} ethtool -K eth0 tx on >/dev/null`],
    capture: ON_A,
    traffic: [
      `${IN_A} ${EXCHANGE} udp-send 10.0.1.3 5000 left-to-the-card`,
      `${IN_A} ${EXCHANGE} udp-send fd00:1::3 5000 left-to-the-card`,
    ],
  },
  {
    name: 'tcp',
    about: 'Connections over both IP versions: handshake with the usual options; one refused.',
    namespaces: [A, B],
    world: PAIR,
    capture: ON_A,
    background: [`${IN_B} ${EXCHANGE} tcp-serve 5000`],
    traffic: [
      `${IN_A} ${EXCHANGE} tcp-ask 10.0.1.3 5000`,
      `${IN_A} ${EXCHANGE} tcp-ask fd00:1::3 5000`,
      `${IN_A} ${EXCHANGE} tcp-ask 10.0.1.3 5001 || true`,
    ],
  },
  {
    name: 'fragments',
    about: 'Pings of 3000 bytes, cut into fragments over both IP versions.',
    namespaces: [A, B],
    world: PAIR,
    capture: ON_A,
    traffic: [
      `${IN_A} ping -qc1 -W1 -s 3000 10.0.1.3`,
      `${IN_A} ping -6 -qc1 -W1 -s 3000 fd00:1::3`,
    ],
  },
  {
    name: 'vxlan-ipv4',
    about: 'An overlay ping over IPv4 tunnels, without outer UDP checksums.',
    namespaces: [A, B],
    world: overlay({ vni: 4096, from: '10.0.1.2', to: '10.0.1.3', extra: 'noudpcsum' }),
    capture: ON_A,
    traffic: [`${IN_A} ping -qc1 -W1 10.0.2.3`, `${IN_A} ping -6 -qc1 -W1 fd00:2::3`],
  },
  {
    name: 'vxlan-ipv6',
    about: 'An overlay ping over IPv6 tunnels, with outer UDP checksums.',
    namespaces: [A, B],
    world: overlay({ vni: 16_777_215, from: 'fd00:1::2', to: 'fd00:1::3' }),
    capture: ON_A,
    traffic: [`${IN_A} ping -qc1 -W1 10.0.2.3`, `${IN_A} ping -6 -qc1 -W1 fd00:2::3`],
  },
  {
    name: 'vxlan-group-policy',
    about: 'An overlay ping whose packet mark travels as a group policy ID.',
    namespaces: [A, B],
    world: overlay({ vni: 77, from: '10.0.1.2', to: '10.0.1.3', extra: 'gbp' }),
    capture: ON_A,
    traffic: [`${IN_A} ping -m 4660 -qc1 -W1 10.0.2.3`],
  },
  {
    name: 'esp',
    about:
      'VXLAN in ESP, sealed by @weft/encryption and sent through raw sockets, over both IP ' +
      'versions and in UDP; a keepalive, and what IKE would send. The kernel here has no ESP.',
    namespaces: [A, B],
    world: PAIR,
    capture: ON_A,
    traffic: [
      `${IN_A} ${ESP_SEND} 10.0.1.2 10.0.1.3 ip`,
      `${IN_A} ${ESP_SEND} fd00:1::2 fd00:1::3 ip`,
      `${IN_A} ${ESP_SEND} 10.0.1.2 10.0.1.3 udp`,
      `${IN_A} ${ESP_SEND} fd00:1::2 fd00:1::3 udp`,
    ],
    decryption: ESP_DECRYPTION,
  },
]

/** Runs radvd for some seconds; that it is stopped is no failure. */
function advertise(seconds: number): string {
  const radvd = `radvd -n -m stderr -C ${RADVD_FILES}.conf -p ${RADVD_FILES}.pid`
  return `${IN_B} timeout ${seconds} ${radvd} 2>/dev/null || true`
}

/** The rest of an ARP request of 10.0.1.2 for 10.0.1.3, written out by hand. */
function arpTail(): string {
  return '02420a0001020a0001020000000000000a000103'
}

function inject(hex: string): string {
  const program = [
    'import socket',
    's = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)',
    's.bind(("eth0", 0))',
    `s.send(bytes.fromhex("${hex}"))`,
  ].join('; ')
  return `${IN_A} python3 -c '${program}'`
}
