/** Desired states for tests: one by hand, and any number by chance. */
import { macFromBytes, parseCidr, parseIp, vni, type Ip, type Mac } from '@weft/core'
import type {
  Capabilities,
  DesiredState,
  FramePort,
  LocalEndpoint,
  NetworkSpec,
  RemoteEndpoint,
  SubnetSpec,
} from '../src/index.ts'
import fc from 'fast-check'

/** All that a backend can do. */
export const ALL: Capabilities = {
  attachments: new Set(['netns', 'port']),
  encapsulations: new Set(['vxlan']),
  underlayFamilies: new Set([4, 6]),
  overlayFamilies: new Set([4, 6]),
  mtuMaxBytes: 9000,
  persistent: true,
}

/** An Ethernet underlay. */
export const FACTS = { underlayMtuBytes: 1500 }

export function mac(...tail: readonly number[]): Mac {
  return macFromBytes(Uint8Array.of(...[2, 0, 0, 0, 0, 0].slice(0, 6 - tail.length), ...tail))
}

export const ip = (text: string): Ip => parseIp(text)

export function subnet(
  id: number,
  ...prefixes: readonly (readonly [string, string | null])[]
): SubnetSpec {
  return {
    vni: vni(id),
    prefixes: prefixes.map(([cidr, gateway]) => ({
      cidr: parseCidr(cidr),
      gateway: gateway === null ? null : parseIp(gateway),
    })),
  }
}

export function port(): FramePort {
  return { present: true, deliver: () => undefined, connect: () => undefined }
}

export function local(address: string, last: number, attachment = port()): LocalEndpoint {
  return {
    mac: mac(last),
    addresses: [ip(address)],
    attachment: { kind: 'port', port: attachment },
  }
}

export function remote(address: string, last: number, node = 'b'): RemoteEndpoint {
  return { mac: mac(last), addresses: [ip(address)], node }
}

/** Networks, each given as changes to an empty one with subnet 10.0.1.0/24. */
export function state(
  networks: { readonly [id: string]: Partial<NetworkSpec> },
  changes: Partial<DesiredState> = {},
): DesiredState {
  const base = {
    encapsulation: 'vxlan',
    mtu: null,
    subnets: [subnet(4097, ['10.0.1.0/24', '10.0.1.1'])],
    local: new Map(),
    remote: new Map(),
  } as const
  return {
    generation: 1,
    tunnel: { ip: ip('172.31.1.11'), port: 4789 },
    peers: new Map([
      ['b', { tunnel: { ip: ip('172.31.1.12'), port: 4789 } }],
      ['c', { tunnel: { ip: ip('172.31.1.13'), port: 4789 } }],
    ]),
    networks: new Map(Object.entries(networks).map(([id, n]) => [id, { ...base, ...n }])),
    ...changes,
  }
}

const HOSTS = 8
const PORTS = Array.from({ length: 2 * HOSTS }, port)

const endpointPlan = fc.record({
  where: fc.constantFrom('here', 'b', 'c', 'nowhere'),
  host: fc.nat(HOSTS - 1),
  second: fc.boolean(),
})

const networkPlan = fc.record({
  subnets: fc.constantFrom('one', 'two', 'moved', 'bare'),
  mtu: fc.constantFrom(null, 1400),
  endpoints: fc.array(endpointPlan, { maxLength: HOSTS }),
})

const SUBNETS = {
  one: (n: number) => [subnet(100 + n, [`10.${n}.1.0/24`, `10.${n}.1.1`])],
  two: (n: number) => [
    subnet(100 + n, [`10.${n}.1.0/24`, `10.${n}.1.1`]),
    subnet(200 + n, [`10.${n}.2.0/24`, null], [`fd00:${n}::/64`, `fd00:${n}::1`]),
  ],
  moved: (n: number) => [subnet(300 + n, [`10.${n}.1.0/24`, `10.${n}.1.1`])],
  bare: (n: number) => [subnet(100 + n, [`10.${n}.1.0/24`, null])],
}

/** Small states out of few pieces, so that two of them have much in common. Some are faulty. */
export const arbitraryState: fc.Arbitrary<DesiredState> = fc
  .record({
    blue: fc.option(networkPlan),
    green: fc.option(networkPlan),
    port: fc.constantFrom(4789, 4790),
    peerHost: fc.constantFrom(12, 22),
  })
  .map(({ blue, green, port: tunnelPort, peerHost }) => {
    const networks: { [id: string]: Partial<NetworkSpec> } = {}
    for (const [n, [id, plan]] of Object.entries({ blue, green }).entries()) {
      if (plan === null) continue
      networks[id] = network(n + 1, plan)
    }
    const peer = (host: number) => ({ tunnel: { ip: ip(`172.31.1.${host}`), port: 4789 } })
    const peers = new Map([
      ['b', peer(peerHost)],
      ['c', peer(13)],
    ])
    return state(networks, { tunnel: { ip: ip('172.31.1.11'), port: tunnelPort }, peers })
  })

type NetworkPlan = typeof networkPlan extends fc.Arbitrary<infer Plan> ? Plan : never

function network(n: number, plan: NetworkPlan): Partial<NetworkSpec> {
  const here = new Map<string, LocalEndpoint>()
  const there = new Map<string, RemoteEndpoint>()
  for (const [i, { where, host, second }] of plan.endpoints.entries()) {
    const addresses = [ip(`10.${n}.${second ? 2 : 1}.${host + 2}`)]
    const face = { mac: mac(n, host), addresses }
    const plug = PORTS[HOSTS * (n - 1) + i] ?? port()
    if (where === 'here') here.set(`e${i}`, { ...face, attachment: { kind: 'port', port: plug } })
    else if (where !== 'nowhere') there.set(`e${i}`, { ...face, node: where })
  }
  return { mtu: plan.mtu, subnets: SUBNETS[plan.subnets](n), local: here, remote: there }
}

/** The same value in other objects. */
export function fresh(desired: DesiredState): DesiredState {
  const copy = <Key, Value extends object>(map: ReadonlyMap<Key, Value>): Map<Key, Value> =>
    new Map([...map].map(([key, value]) => [key, { ...value }]))
  const networks = [...desired.networks].map(([id, n]) => {
    const subnets = n.subnets.map((s) => ({ ...s, prefixes: s.prefixes.map((p) => ({ ...p })) }))
    const spec = { ...n, subnets, local: copy(n.local), remote: copy(n.remote) }
    return [id, spec] as const
  })
  return {
    ...desired,
    tunnel: { ...desired.tunnel },
    peers: copy(desired.peers),
    networks: new Map(networks),
  }
}
