/** Networks: what is asked for, what is given, what is refused (docker-wire §6.5, §6.7). */
import { create, toBinary } from '@bufbuild/protobuf'
import { hasCode } from '@weft/core'
import { BITMAP_SIZE_MAX } from '@weft/ipam'
import { NetworkSchema, NetworkSpecSchema, type Network } from '@weft/swarm'
import { beforeEach, describe, expect, test } from 'vitest'
import { NETWORKS_MAX } from '../src/network-control.ts'
import {
  NETWORK_NAME_LENGTH_MAX,
  NETWORK_SPEC_BYTES_MAX,
  NETWORK_SUBNETS_MAX,
  UNDERLAY_MTU_MAX,
  VNI_LIST_OPTION,
} from '../src/network-spec.ts'
import { vnisOf } from '../src/network-object.ts'
import { RESERVATIONS_MAX } from '../src/subnet-wish.ts'
import { ManagerWorld, networkSpec } from './manager-world.ts'

const MTU = 'com.docker.network.driver.mtu'

let world: ManagerWorld

beforeEach(async () => {
  world = await ManagerWorld.open()
})

const make = (...spec: Parameters<typeof networkSpec>): Promise<Network> =>
  world.manager.control.createNetwork(networkSpec(...spec))

const subnetsOf = (network: Network): unknown =>
  network.ipam?.configs.map(({ subnet, gateway }) => [subnet, gateway])

describe('what is given', () => {
  test('subnets of the pool, VNIs from 4096, the first address as the gateway', async () => {
    const [blue, green] = [await make('blue'), await make('green')]
    expect(subnetsOf(blue)).toEqual([['10.0.0.0/24', '10.0.0.1']])
    expect(subnetsOf(green)).toEqual([['10.0.1.0/24', '10.0.1.1']])
    expect([blue, green].map(({ driverState }) => driverState)).toMatchObject([
      { name: 'overlay', options: { [VNI_LIST_OPTION]: '4096' } },
      { name: 'overlay', options: { [VNI_LIST_OPTION]: '4097' } },
    ])
    expect(blue.ipam?.driver?.name).toBe('default')
    expect(blue.id).toMatch(/^[0-9a-z]{25}$/)
  })

  test('what the user chose: subnets, gateways, ranges, auxiliary addresses, VNIs', async () => {
    const blue = await make('blue', {
      options: { encrypted: '', [MTU]: '1400', [VNI_LIST_OPTION]: '300,5000' },
      configs: [
        {
          subnet: '10.9.0.7/16',
          range: '10.9.5.0/24',
          gateway: '10.9.255.254',
          reserved: { router: '10.9.5.0' },
        },
        { subnet: '10.10.0.0/24' },
        { subnet: '10.11.0.0/24', family: 4 },
      ],
    })
    expect(blue.driverState?.options).toEqual({
      encrypted: '',
      [MTU]: '1400',
      [VNI_LIST_OPTION]: '300,5000,4096',
    })
    expect(blue.ipam?.configs[0]).toMatchObject({
      family: 4,
      subnet: '10.9.0.0/16',
      range: '10.9.5.0/24',
      gateway: '10.9.255.254',
      reserved: { router: '10.9.5.0' },
    })
    const node = await world.ready()
    await node.attach('blue')
    expect(world.manager.control.tasks()[0]?.networks[0]?.addresses).toEqual(['10.9.5.1/16'])
  })

  test('IPv6 beside IPv4: an address of each', async () => {
    const blue = await make('blue', {
      configs: [{ subnet: 'fd00:1::/64' }],
      fields: { ipv6Enabled: true },
    })
    expect(subnetsOf(blue)).toEqual([
      ['10.0.0.0/24', '10.0.0.1'],
      ['fd00:1::/64', 'fd00:1::1'],
    ])
    expect(vnisOf(blue)).toHaveLength(1)
    const node = await world.ready()
    await node.attach('blue', { addresses: ['fd00:1::77'] })
    const [task] = world.manager.control.tasks()
    expect(task?.networks[0]?.addresses).toEqual(['10.0.0.2/24', 'fd00:1::77/64'])
  })

  test('a gateway by its auxiliary name (docker-wire §6.7)', async () => {
    const reserved = { 'com.docker.network.gateway': '10.9.0.9' }
    const blue = await make('blue', { configs: [{ subnet: '10.9.0.0/24', reserved }] })
    expect(subnetsOf(blue)).toEqual([['10.9.0.0/24', '10.9.0.9']])
  })

  test('other pools, and subnets of another size', async () => {
    world = await ManagerWorld.open({
      initial: { defaultAddressPools: ['10.64.0.0/30', '10.65.0.0/29'], subnetSize: 30 },
    })
    const subnets = []
    for (const name of ['a', 'b', 'c']) subnets.push(subnetsOf(await make(name)))
    expect(subnets).toEqual([
      [['10.64.0.0/30', '10.64.0.1']],
      [['10.65.0.0/30', '10.65.0.1']],
      [['10.65.0.4/30', '10.65.0.5']],
    ])
    const fourth = make('d')
    await expect(fourth).rejects.toMatchObject({ code: 'ERR_EXHAUSTED' })
    await expect(fourth).rejects.toThrow('could not find an available, non-overlapping IPv4')
    expect(world.manager.control.networks()).toHaveLength(3)
  })

  test('what was given back, after a restart and before', async () => {
    const [blue, green] = [await make('blue'), await make('green')]
    await world.manager.control.removeNetwork(blue.id)
    await world.restart()
    await expect(make('green')).rejects.toMatchObject({ code: 'ERR_ALREADY_EXISTS' })
    const red = await make('red')
    expect(subnetsOf(red)).toEqual([['10.0.0.0/24', '10.0.0.1']])
    expect(vnisOf(red)).not.toEqual(vnisOf(green))
  })
})

describe('what is refused', () => {
  const cases: [string, Parameters<typeof networkSpec>, string][] = [
    ['no name', [''], 'meta: name must be provided'],
    ['a name with a dot', ['a.b'], 'name must be valid as a DNS name component'],
    ['a name that ends in -', ['a-'], 'name must be valid as a DNS name component'],
    ['a predefined name', ['host'], 'operation is not permitted on predefined host network'],
    ['an unknown option', ['a', { options: { what: '1' } }], 'unknown driver option: what'],
    ['an MTU that is none', ['a', { options: { [MTU]: 'abc' } }], 'invalid value "abc"'],
    ['an MTU too small', ['a', { options: { [MTU]: '117' } }], 'expected 118 to 65535'],
    [
      'an MTU too small for IPv6',
      [
        'a',
        {
          options: { [MTU]: '1329' },
          configs: [{ subnet: 'fd00::/64' }],
          fields: { ipv6Enabled: true },
        },
      ],
      'expected 1330 to 65535',
    ],
    [
      'an MTU too small for ESP',
      ['a', { options: { [MTU]: '146', encrypted: '' } }],
      'expected 147 to 65535',
    ],
    ['maybe encrypted', ['a', { options: { encrypted: 'false' } }], 'leave the option out'],
    ['a VNI that is none', ['a', { options: { [VNI_LIST_OPTION]: 'x' } }], 'invalid vxlan id'],
    ['VNI 0', ['a', { options: { [VNI_LIST_OPTION]: '0' } }], 'invalid vxlan id value "0"'],
    [
      'a VNI beyond 24 bits',
      ['a', { options: { [VNI_LIST_OPTION]: String(1 << 24) } }],
      'invalid vxlan id',
    ],
    ['a VNI twice', ['a', { options: { [VNI_LIST_OPTION]: '7,7' } }], 'names one twice'],
    ['too many VNIs', ['a', { options: { [VNI_LIST_OPTION]: '7,8' } }], 'more entries than'],
    [
      'no subnet at all',
      ['a', { configs: [{ subnet: 'x' }] }],
      'ipam configuration: invalid subnet x',
    ],
    [
      'a range outside',
      ['a', { configs: [{ subnet: '10.9.0.0/24', range: '10.8.0.0/25' }] }],
      'subnet 10.9.0.0/24 does not contain range 10.8.0.0/25',
    ],
    [
      'a range that is none',
      ['a', { configs: [{ subnet: '10.9.0.0/24', range: 'x' }] }],
      'invalid range x',
    ],
    [
      'a range wider than the subnet',
      ['a', { configs: [{ subnet: '10.9.0.0/24', range: '10.9.0.0/16' }] }],
      'no configured subnet contains',
    ],
    [
      'a gateway outside',
      ['a', { configs: [{ subnet: '10.9.0.0/24', gateway: '10.8.0.1' }] }],
      'subnet 10.9.0.0/24 does not contain gateway 10.8.0.1',
    ],
    [
      'a gateway without a subnet',
      ['a', { configs: [{ gateway: '10.8.0.1' }] }],
      'ipam configuration: invalid subnet',
    ],
    [
      'an auxiliary address outside',
      ['a', { configs: [{ subnet: '10.9.0.0/24', reserved: { r: '10.8.0.1' } }] }],
      'does not contain auxiliary address 10.8.0.1',
    ],
    [
      'a subnet of multicast',
      ['a', { configs: [{ subnet: '224.0.0.0/24' }] }],
      'invalid subnet 224.0.0.0/24: holds multicast',
    ],
    ['a subnet too small', ['a', { configs: [{ subnet: '10.9.0.0/31' }] }], 'too small'],
    [
      'a subnet of another family',
      ['a', { configs: [{ subnet: '10.9.0.0/24', family: 6 }] }],
      'is not of IPv6',
    ],
    ['IPv6 that is off', ['a', { configs: [{ subnet: 'fd00::/64' }] }], 'IPv6 enabled'],
    ['IPv6 from nowhere', ['a', { fields: { ipv6Enabled: true } }], 'give a subnet'],
    [
      'more of IPv6 than of IPv4',
      [
        'a',
        {
          configs: [{ subnet: 'fd00::/64' }, { subnet: 'fd01::/64' }],
          fields: { ipv6Enabled: true },
        },
      ],
      'at most as many IPv6',
    ],
    [
      'an ingress network for people',
      ['a', { fields: { ingress: true } }],
      'ingress network cannot be manually attachable',
    ],
    [
      'another driver',
      ['a', { fields: { driverConfig: { name: 'bridge', options: {} } as never } }],
      'driver bridge not supported',
    ],
  ]
  test.each(cases)('%s', async (_, spec, message) => {
    const refused = make(...spec)
    await expect(refused).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    await expect(refused).rejects.toThrow(message)
    expect(world.manager.control.networks()).toEqual([])
    // Nothing of it is held.
    expect(subnetsOf(await make('next'))).toEqual([['10.0.0.0/24', '10.0.0.1']])
  })

  test('a name that is taken', async () => {
    await make('blue')
    const refused = make('blue')
    await expect(refused).rejects.toMatchObject({ code: 'ERR_ALREADY_EXISTS' })
    await expect(refused).rejects.toThrow('network with name blue already exists')
  })

  test('a subnet that is taken, naming who has it', async () => {
    await make('blue')
    const refused = make('green', { configs: [{ subnet: '10.0.0.0/16' }] })
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_ALREADY_EXISTS',
      details: { owner: 'blue' },
    })
    await expect(refused).rejects.toThrow('Pool overlaps with other one on this address space')
    const own = make('red', { configs: [{ subnet: '10.5.0.0/16' }, { subnet: '10.5.1.0/24' }] })
    await expect(own).rejects.toMatchObject({ code: 'ERR_ALREADY_EXISTS' })
  })

  test('a VNI that is taken', async () => {
    await make('blue')
    const refused = make('green', { options: { [VNI_LIST_OPTION]: '4096' } })
    await expect(refused).rejects.toThrow('vxlan id 4096 is in use by network blue')
    const { id } = await make('green', { options: { [VNI_LIST_OPTION]: '4097' } })
    await world.manager.control.removeNetwork(id)
    await make('red', { options: { [VNI_LIST_OPTION]: '4097' } })
  })

  test('configuration from another network', async () => {
    const configFrom = { case: 'network', value: 'x' } as const
    const refused = make('blue', { fields: { configFrom } })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_UNIMPLEMENTED' })
  })

  test('a second ingress network', async () => {
    const fields = { ingress: true, attachable: false }
    const { id } = await make('ingress', { fields })
    const refused = make('another', { fields })
    await expect(refused).rejects.toThrow(`ingress network (${id}) is already present`)
  })

  test('removing a network in use, or one that is not there', async () => {
    const { id } = await make('blue')
    const node = await world.ready()
    const task = await node.attach('blue')
    const refused = world.manager.control.removeNetwork(id)
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_PRECONDITION',
      message: `network ${id} is in use by task ${task}`,
    })
    await node.detach(task)
    await world.manager.control.removeNetwork(id)
    const again = world.manager.control.removeNetwork(id)
    await expect(again).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  })
})

describe('limits', () => {
  const labelled = (bytes: number): Parameters<typeof networkSpec> => {
    const annotations = { name: 'a', labels: { x: 'x'.repeat(bytes) }, indices: [] } as never
    return ['a', { fields: { annotations } }]
  }
  const aux = (count: number): Parameters<typeof networkSpec>[1] => {
    const address = (i: number): string => `10.9.${1 + (i >> 8)}.${i & 255}`
    const names = Array.from({ length: count }, (_, i) => [`r${i}`, address(i)])
    const reserved = Object.fromEntries(names) as { [name: string]: string }
    return { configs: [{ subnet: '10.9.0.0/16', reserved }] }
  }
  const subnets = (count: number): Parameters<typeof networkSpec>[1] => ({
    configs: Array.from({ length: count }, (_, i) => ({ subnet: `10.9.${i}.0/24` })),
  })

  test('a name of NETWORK_NAME_LENGTH_MAX characters', async () => {
    await make('x'.repeat(NETWORK_NAME_LENGTH_MAX))
    const refused = make('x'.repeat(NETWORK_NAME_LENGTH_MAX + 1))
    await expect(refused).rejects.toThrow('name must be 63 characters or fewer')
  })

  test('a spec of NETWORK_SPEC_BYTES_MAX', async () => {
    await expect(make(...labelled(NETWORK_SPEC_BYTES_MAX))).rejects.toThrow('exceed')
    await make(...labelled(NETWORK_SPEC_BYTES_MAX - 100))
  })

  test('and whatever is in it, the network is one that nodes take', async () => {
    const subnets = Array.from({ length: NETWORK_SUBNETS_MAX }, (_, i) => `10.9.${i}.0/24`)
    const configs = subnets.map((subnet) => {
      const names = Array.from({ length: 8 }, (_, i) => `name-${i}`)
      const host = (i: number): string => subnet.replace('0/24', String(100 + i))
      const reserved = Object.fromEntries(names.map((name, i) => [name, host(i)]))
      return { subnet, reserved }
    })
    const network = await make('a', { configs })
    const [spec, whole] = [
      toBinary(NetworkSpecSchema, network.spec ?? create(NetworkSpecSchema)).length,
      toBinary(NetworkSchema, network).length,
    ]
    expect(spec).toBeGreaterThan(NETWORK_SPEC_BYTES_MAX * 0.9)
    expect(spec).toBeLessThanOrEqual(NETWORK_SPEC_BYTES_MAX)
    expect(whole).toBeLessThanOrEqual(32 << 10)
  })

  test('an MTU of UNDERLAY_MTU_MAX, and 0 for the usual one', async () => {
    await make('a', { options: { [MTU]: String(UNDERLAY_MTU_MAX) } })
    await make('b', { options: { [MTU]: '0' } })
    const refused = make('c', { options: { [MTU]: String(UNDERLAY_MTU_MAX + 1) } })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })

  test('NETWORK_SUBNETS_MAX subnets, RESERVATIONS_MAX auxiliary addresses', async () => {
    const tooMany = make('a', subnets(NETWORK_SUBNETS_MAX + 1))
    await expect(tooMany).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    const { id } = await make('a', subnets(NETWORK_SUBNETS_MAX))
    await world.manager.control.removeNetwork(id)
    const tooManyNames = make('b', aux(RESERVATIONS_MAX + 1))
    await expect(tooManyNames).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    await make('b', aux(RESERVATIONS_MAX))
  })

  test('NETWORKS_MAX networks', async () => {
    world = await ManagerWorld.open({ initial: { subnetSize: 28 } })
    const names = Array.from({ length: NETWORKS_MAX }, (_, i) => `n${i}`)
    await Promise.all(names.map((name) => make(name)))
    const refused = make('last')
    await expect(refused).rejects.toMatchObject({ code: 'ERR_EXHAUSTED' })
    expect(world.manager.control.networks()).toHaveLength(NETWORKS_MAX)
  })
})

test('usage counts what can be had, and warns once at three quarters', async () => {
  const { control } = world.manager
  const { id } = await make('blue', { configs: [{ subnet: '10.9.0.0/28' }] })
  const node = await world.ready()
  expect(control.usage(id)).toEqual({ networkId: id, allocated: 0, capacity: 13, alarm: false })
  for (let i = 0; i < 9; i++) await node.attach('blue')
  expect(control.usage(id)).toMatchObject({ allocated: 9, alarm: false })
  expect(world.lines).toEqual([])
  const tenth = await node.attach('blue')
  await node.attach('blue')
  expect(control.usage(id)).toMatchObject({ allocated: 11, alarm: true })
  expect(world.lines.map(({ message }) => message)).toEqual(['a network is nearly full'])
  await node.detach(tenth)
  await node.attach('blue')
  expect(world.lines).toHaveLength(1)
  expect(() => control.usage('nowhere')).toThrow('network nowhere not found')
})

test('of two families the fuller one counts', async () => {
  const { id } = await make('blue', {
    configs: [{ subnet: 'fd00:1::/64' }],
    fields: { ipv6Enabled: true },
  })
  expect(world.manager.control.usage(id).capacity).toBeLessThanOrEqual(BITMAP_SIZE_MAX)
  const node = await world.ready()
  await node.attach('blue')
  expect(world.manager.control.usage(id)).toMatchObject({ allocated: 1, capacity: 253 })
})

test('a failed creation is an error with the code it failed by', async () => {
  const isInvalid = (error: unknown): boolean => hasCode(error, 'ERR_INVALID_ARGUMENT')
  await expect(make('bad.name')).rejects.toSatisfy(isInvalid)
})
