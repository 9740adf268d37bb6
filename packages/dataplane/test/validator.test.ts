/** Every way a desired state can be wrong, with its code, its item and what else falls with it. */
import type { Cidr, Ip, Mac, Vni } from '@weft/core'
import {
  IFNAME_BYTES_MAX,
  MTU_MIN_BYTES,
  NAME_CHARS_MAX,
  NETNS_PATH_BYTES_MAX,
  validate,
  type Capabilities,
  type DesiredState,
  type LocalEndpoint,
  type NetworkSpec,
} from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { ALL, FACTS, ip, local, mac, port, remote, state, subnet } from './states.ts'

function failures(
  desired: DesiredState,
  capabilities: Capabilities = ALL,
  facts = FACTS,
): string[] {
  return validate(desired, capabilities, facts)
    .failures.map(({ item, error }) => {
      const { details } = error
      const facts = 'owner' in details ? ` owner ${details.owner}` : ''
      const on = 'dependsOn' in details ? ` on ${details.dependsOn}` : ''
      const lacking = 'capability' in details ? ` ${details.capability}` : ''
      expect('item' in details && details.item).toBe(item)
      return `${item} ${error.code}${facts}${on}${lacking}`
    })
    .sort()
}

function oneRemote(changes: object, name = 'x'): DesiredState {
  const spec = { ...remote('10.0.1.9', 9), ...changes }
  return state({ blue: { remote: new Map([[name, spec]]) } })
}

function oneLocal(changes: object): DesiredState {
  const spec = { ...local('10.0.1.9', 9), ...changes }
  return state({ blue: { local: new Map([['x', spec]]) } })
}

const X = 'networks/blue/remote/x'

test('a good state has no failures and is accepted object for object', () => {
  const remotes = new Map([['x', remote('10.0.1.9', 9)]])
  const desired = state({
    blue: { remote: remotes, local: new Map([['y', local('10.0.1.2', 2)]]) },
  })
  const { accepted, failures: none } = validate(desired, ALL, FACTS)
  expect(none).toEqual([])
  expect(accepted.networks.get('blue')?.remote).toBe(remotes)
  expect(accepted.networks.get('blue')?.mtu).toBe(1450)
  expect(accepted.peers).toBe(desired.peers)
})

describe('names', () => {
  const long = 'n'.repeat(NAME_CHARS_MAX)
  test.each(['a', '-a', '_', 'web.1', 'A9', long])('%s is a name', (name) => {
    expect(failures(oneRemote({}, name))).toEqual([])
  })
  test.each(['', '.', '..', '.a', 'a/b', 'a b', 'a\nb', 'é', 'a\0', `${long}n`])(
    '%j is not a name',
    (name) => {
      expect(failures(oneRemote({}, name))).toEqual([
        `networks/blue/remote/${name} ERR_INVALID_ITEM`,
      ])
    },
  )
  test('a network with a bad name takes its contents with it', () => {
    const spec = { remote: new Map([['x', remote('10.0.1.9', 9)]]) }
    expect(failures(state({ 'b/d': spec }))).toEqual([
      'networks/b/d ERR_INVALID_ITEM',
      'networks/b/d/remote/x ERR_DEPENDENCY on networks/b/d',
      'networks/b/d/subnets/4097 ERR_DEPENDENCY on networks/b/d',
    ])
  })
})

describe('tunnel', () => {
  const blue = { remote: new Map([['x', remote('10.0.1.9', 9)]]) }
  const fallout = [
    'networks/blue ERR_DEPENDENCY on tunnel',
    `${X} ERR_DEPENDENCY on networks/blue`,
    'networks/blue/subnets/4097 ERR_DEPENDENCY on networks/blue',
    'peers/b ERR_DEPENDENCY on tunnel',
    'peers/c ERR_DEPENDENCY on tunnel',
  ]
  test.each([
    ['224.0.0.1', 4789],
    ['0.0.0.0', 4789],
    ['172.31.1.11', 0],
    ['172.31.1.11', 65_536],
  ])('%s port %i cannot be', (address, tunnelPort) => {
    const tunnel = { ip: address as Ip, port: tunnelPort }
    expect(failures(state({ blue }, { tunnel }))).toEqual([...fallout, 'tunnel ERR_INVALID_ITEM'])
  })
  test('an address that no interface has is missing', () => {
    const { failures: found } = validate(state({ blue }), ALL, { underlayMtuBytes: null })
    expect(found.find(({ item }) => item === 'tunnel')?.error.code).toBe('ERR_ATTACHMENT_MISSING')
    expect(found).toHaveLength(6)
  })
  test('a family that the backend lacks is unsupported', () => {
    const tunnel = { ip: ip('fd31::1'), port: 4789 }
    const four = { ...ALL, underlayFamilies: new Set([4] as const) }
    const found = failures(state({ blue }, { tunnel }), four)
    expect(found).toEqual([...fallout, 'tunnel ERR_UNSUPPORTED underlay-family:6'])
  })
  test('loopback will do', () => {
    const tunnel = { ip: ip('127.0.0.1'), port: 1 }
    const peers = new Map([['b', { tunnel: { ip: ip('127.0.0.1'), port: 2 } }]])
    expect(failures(state({ blue }, { tunnel, peers }))).toEqual([])
  })
})

describe('peers', () => {
  test.each([
    ['our own tunnel', '172.31.1.11', 4789, 'ERR_CONFLICT owner tunnel'],
    ['another family', 'fd00::1', 4789, 'ERR_INVALID_ITEM'],
    ['multicast', '239.0.0.1', 4789, 'ERR_INVALID_ITEM'],
    ['text that is no address', '10.0.0', 4789, 'ERR_INVALID_ITEM'],
    ['a fraction of a port', '172.31.1.12', 1.5, 'ERR_INVALID_ITEM'],
  ])('a peer at %s takes its endpoints with it', (_what, address, peerPort, expected) => {
    const peers = new Map([['p', { tunnel: { ip: address as Ip, port: peerPort } }]])
    const spec = { remote: new Map([['x', remote('10.0.1.9', 9, 'p')]]) }
    expect(failures(state({ blue: spec }, { peers }))).toEqual([
      `${X} ERR_DEPENDENCY on peers/p`,
      `peers/p ${expected}`,
    ])
  })
})

describe('networks', () => {
  const failed = (spec: Partial<NetworkSpec>, capabilities = ALL, mtu = 1500): string[] =>
    failures(state({ blue: spec }, {}), capabilities, { underlayMtuBytes: mtu }).filter((line) =>
      line.startsWith('networks/blue ERR'),
    )
  const dual = [subnet(1, ['10.0.1.0/24', null], ['fd00::/64', null])]
  test.each([
    [MTU_MIN_BYTES[4], []],
    [MTU_MIN_BYTES[4] - 1, ['networks/blue ERR_INVALID_ITEM']],
    [1450, []],
    [1451, ['networks/blue ERR_MTU']],
    [1400.5, ['networks/blue ERR_INVALID_ITEM']],
    [-1, ['networks/blue ERR_INVALID_ITEM']],
  ])('an MTU of %d', (mtu, expected) => {
    expect(failed({ mtu })).toEqual(expected)
  })
  test('with IPv6 inside the smallest MTU is larger', () => {
    expect(failed({ mtu: MTU_MIN_BYTES[6], subnets: dual })).toEqual([])
    expect(failed({ mtu: MTU_MIN_BYTES[6] - 1, subnets: dual })).toEqual([
      'networks/blue ERR_INVALID_ITEM',
    ])
  })
  test('an underlay too small for any MTU is an MTU error, though none was asked for', () => {
    expect(failed({ mtu: null }, ALL, 576 + 49)).toEqual(['networks/blue ERR_MTU'])
    expect(failed({ mtu: null }, ALL, 576 + 50)).toEqual([])
  })
  test('the backend may have the smaller limit', () => {
    const small = { ...ALL, mtuMaxBytes: 1400 }
    expect(failed({ mtu: 1401 }, small)).toEqual(['networks/blue ERR_MTU'])
    expect(validate(state({ blue: {} }), small, FACTS).accepted.networks.get('blue')?.mtu).toBe(
      1400,
    )
  })
  test('an encapsulation that is lacking is never replaced by another', () => {
    expect(failed({ encapsulation: 'vxlan-esp' })).toEqual([
      'networks/blue ERR_UNSUPPORTED encapsulation:vxlan-esp',
    ])
  })
  test('no subnet, no network', () => {
    expect(failed({ subnets: [] })).toEqual(['networks/blue ERR_INVALID_ITEM'])
    expect(failed({ subnets: [subnet(0, ['10.0.1.0/24', null])] })).toEqual([
      'networks/blue ERR_DEPENDENCY on networks/blue/subnets/0',
    ])
  })
})

describe('subnets', () => {
  const good = subnet(10, ['10.0.1.0/24', null])
  const beside = (other: NetworkSpec['subnets'][number]): string[] =>
    failures(state({ blue: { subnets: [good, other] } }))
  const raw = (vni: number, ...cidrs: string[]) => ({
    vni: vni as Vni,
    prefixes: cidrs.map((cidr) => ({ cidr: cidr as Cidr, gateway: null })),
  })
  test.each([0, -1, 2 ** 24, 1.5, NaN])('a VNI of %d', (vni) => {
    expect(beside(raw(vni, '10.7.0.0/24'))).toEqual([
      `networks/blue/subnets/${vni} ERR_INVALID_ITEM`,
    ])
  })
  test.each([
    [[]],
    [['10.7.0.0/24', '10.8.0.0/24']],
    [['fd01::/64', 'fd02::/64']],
    [['10.7.0.1/24']],
    [['10.7.0.0']],
    [['10.7.0.0/33']],
    [['224.0.0.0/24']],
    [['ff00::/64']],
    [['127.0.0.0/8']],
  ])('prefixes %j', (cidrs) => {
    expect(beside(raw(20, ...cidrs))).toEqual(['networks/blue/subnets/20 ERR_INVALID_ITEM'])
  })
  test.each(['10.8.0.1', '10.7.0.0', '10.7.0.255', 'fd00::1', '10.7.0.01', '224.0.0.1'])(
    'a gateway %s in 10.7.0.0/24',
    (gateway) => {
      const prefixes = [{ cidr: '10.7.0.0/24' as Cidr, gateway: gateway as Ip }]
      expect(beside({ vni: 20 as Vni, prefixes })).toEqual([
        'networks/blue/subnets/20 ERR_INVALID_ITEM',
      ])
    },
  )
  test('of two that overlap the one with the larger VNI loses, wherever it stands', () => {
    const wide = subnet(9, ['10.0.0.0/16', null])
    const narrow = subnet(11, ['10.0.1.128/25', null])
    expect(beside(wide)).toEqual([
      'networks/blue/subnets/10 ERR_CONFLICT owner networks/blue/subnets/9',
    ])
    expect(beside(narrow)).toEqual([
      'networks/blue/subnets/11 ERR_CONFLICT owner networks/blue/subnets/10',
    ])
  })
  test('two with one VNI are both refused, under the one name they have', () => {
    const found = failures(
      state({
        blue: {
          subnets: [good, subnet(20, ['10.7.0.0/24', null]), subnet(20, ['10.8.0.0/24', null])],
        },
      }),
    )
    expect(found).toEqual(['networks/blue/subnets/20 ERR_INVALID_ITEM'])
  })
  test('the same subnet in two networks is fine, the same VNI is not', () => {
    expect(
      failures(state({ blue: {}, green: { subnets: [subnet(5, ['10.0.1.0/24', null])] } })),
    ).toEqual([])
    expect(failures(state({ green: {}, blue: {} }))).toEqual([
      'networks/green ERR_DEPENDENCY on networks/green/subnets/4097',
      'networks/green/subnets/4097 ERR_CONFLICT owner networks/blue/subnets/4097',
    ])
  })
  test('a family that the backend lacks takes the endpoints of that subnet along', () => {
    const four = { ...ALL, overlayFamilies: new Set([4] as const) }
    const subnets = [good, subnet(20, ['10.7.0.0/24', null], ['fd00::/64', null])]
    const spec = { subnets, remote: new Map([['x', remote('10.7.0.9', 9)]]) }
    expect(failures(state({ blue: spec }), four)).toEqual([
      `${X} ERR_DEPENDENCY on networks/blue/subnets/20`,
      'networks/blue/subnets/20 ERR_UNSUPPORTED overlay-family:6',
    ])
  })
})

describe('endpoints', () => {
  test.each([
    '00:00:00:00:00:00',
    '01:00:5e:00:00:01',
    'ff:ff:ff:ff:ff:ff',
    '03:00:00:00:00:01',
    '02:42:0A:00:00:01',
    '02-42-0a-00-00-01',
    '02:42:0a:00:01',
    '',
  ])('a MAC %j', (text) => {
    expect(failures(oneRemote({ mac: text as Mac }))).toEqual([`${X} ERR_INVALID_ITEM`])
  })
  test.each([
    [[]],
    [['10.9.0.1']],
    [['fd00::1']],
    [['224.0.0.1']],
    [['0.0.0.0']],
    [['10.0.1.0']],
    [['10.0.1.255']],
    [['10.0.1.09']],
    [['10.0.1.9', '10.0.1.9']],
    [['10.0.1.9', '10.9.0.1']],
  ])('addresses %j', (addresses) => {
    expect(failures(oneRemote({ addresses: addresses as Ip[] }))).toEqual([`${X} ERR_INVALID_ITEM`])
  })
  test('addresses spread over two subnets', () => {
    const subnets = [subnet(1, ['10.0.1.0/24', null]), subnet(2, ['10.0.2.0/24', null])]
    const spec = { ...remote('10.0.1.9', 9), addresses: [ip('10.0.1.9'), ip('10.0.2.9')] }
    const found = failures(state({ blue: { subnets, remote: new Map([['x', spec]]) } }))
    expect(found).toEqual([`${X} ERR_INVALID_ITEM`])
  })
  test('the gateway has its address already', () => {
    expect(failures(oneRemote({ addresses: [ip('10.0.1.1')] }))).toEqual([
      `${X} ERR_CONFLICT owner networks/blue/subnets/4097`,
    ])
  })
  test('an unknown node', () => {
    expect(failures(oneRemote({ node: 'ghost' }))).toEqual([`${X} ERR_INVALID_ITEM`])
  })
  test('an attachment of a kind that the backend lacks', () => {
    const ports = { ...ALL, attachments: new Set(['netns'] as const) }
    expect(failures(oneLocal({}), ports)).toEqual([
      'networks/blue/local/x ERR_UNSUPPORTED attachment:port',
    ])
  })
  const netns = (path: string, ifname: string): LocalEndpoint['attachment'] => ({
    kind: 'netns',
    path,
    ifname,
  })
  test.each(['eth0', '-', 'é'.repeat(7), 'e'.repeat(IFNAME_BYTES_MAX)])(
    'interface name %s',
    (name) => {
      expect(failures(oneLocal({ attachment: netns('/run/netns/a', name) }))).toEqual([])
    },
  )
  test.each([
    '',
    '.',
    '..',
    'a/b',
    'a b',
    'a:0',
    'a\tb',
    'a\0',
    'e%d',
    'é'.repeat(8),
    'e'.repeat(IFNAME_BYTES_MAX + 1),
  ])('interface name %j', (name) => {
    expect(failures(oneLocal({ attachment: netns('/run/netns/a', name) }))).toEqual([
      'networks/blue/local/x ERR_INVALID_ITEM',
    ])
  })
  test.each(['', 'run/netns/a', '/run/\0', `/${'p'.repeat(NETNS_PATH_BYTES_MAX)}`])(
    'namespace path %j',
    (path) => {
      expect(failures(oneLocal({ attachment: netns(path, 'eth0') }))).toEqual([
        'networks/blue/local/x ERR_INVALID_ITEM',
      ])
    },
  )
  test.each(['', '4', '4:', ':7', '4:7:1', '-4:7', '4:7 ', `4:${'1'.repeat(21)}`])(
    'namespace identity %j',
    (identity) => {
      const attachment = { ...netns('/run/netns/a', 'eth0'), identity }
      expect(failures(oneLocal({ attachment }))).toEqual([
        'networks/blue/local/x ERR_INVALID_ITEM',
      ])
    },
  )
  test('a well-formed identity goes', () => {
    const identity = `${'1'.repeat(20)}:${'1'.repeat(20)}`
    const attachment = { ...netns('/run/netns/a', 'eth0'), identity }
    expect(failures(oneLocal({ attachment }))).toEqual([])
  })
})

describe('what two want', () => {
  const both = (
    a: LocalEndpoint | null,
    rest: readonly (readonly [string, ReturnType<typeof remote>])[],
  ) =>
    failures(
      state({ blue: { local: new Map(a === null ? [] : [['m', a]]), remote: new Map(rest) } }),
    )
  test('local has it before remote, whatever the names', () => {
    expect(both(local('10.0.1.2', 2), [['a', remote('10.0.1.2', 3)]])).toEqual([
      'networks/blue/remote/a ERR_CONFLICT owner networks/blue/local/m',
    ])
    expect(both(local('10.0.1.2', 2), [['z', remote('10.0.1.3', 2)]])).toEqual([
      'networks/blue/remote/z ERR_CONFLICT owner networks/blue/local/m',
    ])
  })
  test('of two remote ones the smaller name has it, in whatever order they come', () => {
    const [p, q] = [
      ['p', remote('10.0.1.2', 2)],
      ['q', remote('10.0.1.2', 3)],
    ] as const
    const expected = ['networks/blue/remote/q ERR_CONFLICT owner networks/blue/remote/p']
    expect(both(null, [p, q])).toEqual(expected)
    expect(both(null, [q, p])).toEqual(expected)
  })
  test('one that is wrong itself takes nothing from others', () => {
    expect(
      both(null, [
        ['a', remote('10.0.1.2', 2, 'ghost')],
        ['b', remote('10.0.1.2', 2)],
      ]),
    ).toEqual(['networks/blue/remote/a ERR_INVALID_ITEM'])
  })
  test('of two local ones the smaller name has it', () => {
    const spec = {
      local: new Map([
        ['q', local('10.0.1.2', 2)],
        ['p', local('10.0.1.2', 3)],
      ]),
    }
    expect(failures(state({ blue: spec }))).toEqual([
      'networks/blue/local/q ERR_CONFLICT owner networks/blue/local/p',
    ])
  })
  test('one place holds one endpoint, across networks', () => {
    const shared = port()
    const at = { kind: 'netns', path: '/run/netns/a', ifname: 'eth0' } as const
    const green = [subnet(5, ['10.0.1.0/24', null])]
    const blue = new Map([
      ['a', local('10.0.1.2', 2, shared)],
      ['n', { ...local('10.0.1.4', 4), attachment: at }],
    ])
    const other = new Map([
      ['b', local('10.0.1.3', 3, shared)],
      ['n', { ...local('10.0.1.5', 5), attachment: { ...at } }],
    ])
    expect(
      failures(state({ green: { subnets: green, local: other }, blue: { local: blue } })),
    ).toEqual([
      'networks/green/local/b ERR_CONFLICT owner networks/blue/local/a',
      'networks/green/local/n ERR_CONFLICT owner networks/blue/local/n',
    ])
  })
  test('the same face in two networks is fine', () => {
    const spec = (vni: number) => ({
      subnets: [subnet(vni, ['10.0.1.0/24', null])],
      remote: new Map([['x', { ...remote('10.0.1.2', 2), mac: mac(2) }]]),
    })
    expect(failures(state({ blue: spec(1), green: spec(2) }))).toEqual([])
  })
})
