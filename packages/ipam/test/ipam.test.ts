import { describe, expect, test } from 'vitest'
import { hasCode, WeftError } from '@weft/core'
import {
  checkName,
  createIpam,
  gatewayInterface,
  NAME_LENGTH_MAX,
  SUBNET_PREFIX_MAX,
  swarmPools,
  USAGE_ALARM_PERCENT,
  type Ipam,
  type IpamErrors,
} from '../src/index.ts'

/** The error of a call that must fail, as code and facts. */
function failure(call: () => unknown): { code: string; details: unknown } {
  try {
    call()
  } catch (error) {
    if (error instanceof WeftError) return { code: error.code, details: error.details }
    throw error
  }
  throw new Error('nothing failed')
}

function fails<Code extends keyof IpamErrors>(
  call: () => unknown,
  code: Code,
  details: IpamErrors[Code],
): void {
  expect(failure(call)).toEqual({ code, details })
}

const take = (ipam: Ipam, network: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => ipam.lease(network, { holder: `c${i}` }).address)

describe('an address space like Docker Swarm’s', () => {
  test('cuts /24 networks from 10.0.0.0/8, lowest first, and uses given-back ones again', () => {
    const ipam = createIpam()
    expect(swarmPools).toEqual([{ cidr: '10.0.0.0/8', subnetLength: 24 }])
    const first = { cidr: '10.0.0.0/24', gateway: '10.0.0.1' }
    expect(ipam.createNetwork('ingress')).toMatchObject([first])
    expect(ipam.createNetwork('blue')).toMatchObject([{ cidr: '10.0.1.0/24' }])
    expect(ipam.createNetwork('green')).toMatchObject([{ cidr: '10.0.2.0/24' }])
    ipam.removeNetwork('blue')
    expect(ipam.createNetwork('red')).toMatchObject([{ cidr: '10.0.1.0/24' }])
    expect(ipam.createNetwork('last')).toMatchObject([{ cidr: '10.0.3.0/24' }])
  })

  test('skips what was given explicitly and what is reserved', () => {
    const ipam = createIpam({ reserved: [{ cidr: '10.0.0.0/23', name: 'office' }] })
    ipam.createNetwork('mine', [{ cidr: '10.0.2.128/25' }])
    expect(ipam.createNetwork('blue')).toMatchObject([{ cidr: '10.0.3.0/24' }])
    fails(() => ipam.createNetwork('x', [{ cidr: '10.0.1.0/24' }]), 'ERR_OVERLAP', {
      subnet: '10.0.1.0/24',
      other: '10.0.0.0/23',
      owner: 'office',
    })
    fails(() => ipam.createNetwork('x', [{ cidr: '10.0.2.0/24' }]), 'ERR_OVERLAP', {
      subnet: '10.0.2.0/24',
      other: '10.0.2.128/25',
      owner: 'mine',
    })
    fails(() => ipam.reserve('10.0.0.0/8', 'late'), 'ERR_OVERLAP', {
      subnet: '10.0.0.0/8',
      other: '10.0.0.0/23',
      owner: 'office',
    })
  })

  test('takes other sizes, other pools, both families, and pools added later', () => {
    const ipam = createIpam({ pools: [{ cidr: '10.0.0.0/23', subnetLength: 24 }] })
    expect(ipam.createNetwork('small', [{ family: 4, prefixLength: 26 }])).toMatchObject([
      { cidr: '10.0.0.0/26' },
    ])
    expect(ipam.createNetwork('block')).toMatchObject([{ cidr: '10.0.1.0/24' }])
    // No whole block is left, but gaps are.
    expect(ipam.createNetwork('gap', [{ family: 4, prefixLength: 25 }])).toMatchObject([
      { cidr: '10.0.0.128/25' },
    ])
    fails(() => ipam.createNetwork('more'), 'ERR_POOL_EXHAUSTED', {
      family: 4,
      prefixLength: 24,
      pools: ['10.0.0.0/23'],
    })
    ipam.addPool({ cidr: '172.16.0.0/12', subnetLength: 20 })
    ipam.addPool({ cidr: 'fd00:10::/48', subnetLength: 64 })
    expect(ipam.createNetwork('more', [{ family: 4 }, { family: 6 }])).toMatchObject([
      { cidr: '172.16.0.0/20', gateway: '172.16.0.1' },
      { cidr: 'fd00:10::/64', gateway: 'fd00:10::1' },
    ])
    expect(ipam.lease('more', { holder: 'a' }).address).toBe('172.16.0.2')
    expect(ipam.lease('more', { holder: 'a', family: 6 }).address).toBe('fd00:10::2')
    fails(() => createIpam().createNetwork('x', [{ family: 6 }]), 'ERR_POOL_EXHAUSTED', {
      family: 6,
      prefixLength: null,
      pools: [],
    })
  })

  test('refuses pools that share addresses and sizes that cannot be', () => {
    const ipam = createIpam()
    fails(() => ipam.addPool({ cidr: '10.9.0.0/16', subnetLength: 24 }), 'ERR_OVERLAP', {
      subnet: '10.9.0.0/16',
      other: '10.0.0.0/8',
      owner: 'another pool',
    })
    for (const subnetLength of [7, 31, 24.5, -1]) {
      const call = (): void => ipam.addPool({ cidr: '172.16.0.0/12', subnetLength })
      expect(failure(call).code).toBe('ERR_INVALID_VALUE')
    }
    const bad = (): unknown => ipam.createNetwork('x', [{ family: 6, prefixLength: 127 }])
    expect(failure(bad)).toMatchObject({ details: { text: '127' } })
  })
})

describe('a network', () => {
  test('never leases its own address, its broadcast, its gateway', () => {
    const ipam = createIpam()
    ipam.createNetwork('n', [{ cidr: '10.1.0.0/29' }])
    expect(take(ipam, 'n', 5)).toEqual(['10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5', '10.1.0.6'])
    fails(() => ipam.lease('n', { holder: 'x' }), 'ERR_SUBNET_EXHAUSTED', {
      network: 'n',
      subnets: ['10.1.0.0/29'],
      used: 5,
      size: 5,
    })
    const names = { 0: 'network address', 1: 'gateway', 7: 'broadcast address' }
    for (const [last, name] of Object.entries(names)) {
      const address = `10.1.0.${last}`
      const facts = { network: 'n', address, name }
      fails(() => ipam.lease('n', { holder: 'x', address }), 'ERR_ADDRESS_RESERVED', facts)
    }
  })

  test('grows while in use', () => {
    const ipam = createIpam()
    ipam.createNetwork('n', [{ cidr: '10.1.0.0/30' }])
    take(ipam, 'n', 1)
    expect(failure(() => ipam.lease('n', { holder: 'x' })).code).toBe('ERR_SUBNET_EXHAUSTED')
    expect(ipam.growNetwork('n', { cidr: '10.1.1.0/24' })).toMatchObject({ gateway: '10.1.1.1' })
    expect(ipam.lease('n', { holder: 'x' })).toEqual({
      network: 'n',
      holder: 'x',
      address: '10.1.1.2',
      subnet: '10.1.1.0/24',
      gateway: '10.1.1.1',
    })
    expect(ipam.growNetwork('n', { family: 4 })).toMatchObject({ cidr: '10.0.0.0/24' })
    fails(() => ipam.growNetwork('n', { cidr: '10.1.0.0/16' }), 'ERR_OVERLAP', {
      subnet: '10.1.0.0/16',
      other: '10.1.0.0/30',
      owner: 'n',
    })
  })

  test('takes a gateway, a range and reservations as Docker does', () => {
    const ipam = createIpam()
    const reserved = [
      { name: 'router', addresses: '172.28.5.7' },
      { name: 'printers', addresses: '172.28.5.8/29' },
    ]
    const [range, gateway] = ['172.28.5.0/28', '172.28.5.1']
    const [spec] = ipam.createNetwork('n', [{ cidr: '172.28.0.0/16', range, gateway, reserved }])
    expect(spec && gatewayInterface(spec)).toBe('172.28.5.1/16')
    const inRange = [0, 2, 3, 4, 5, 6].map((last) => `172.28.5.${last}`)
    expect(take(ipam, 'n', 6)).toEqual(inRange)
    expect(failure(() => ipam.lease('n', { holder: 'x' })).code).toBe('ERR_SUBNET_EXHAUSTED')
    expect(ipam.lease('n', { holder: 'far', address: '172.28.200.9' }).address).toBe('172.28.200.9')
    fails(() => ipam.lease('n', { holder: 'x', address: '172.28.5.9' }), 'ERR_ADDRESS_RESERVED', {
      network: 'n',
      address: '172.28.5.9',
      name: 'printers',
    })
  })

  test('keeps a reserved address for the holder of that name', () => {
    const ipam = createIpam()
    const reserved = [{ name: 'web vip', addresses: '10.1.0.2' }]
    ipam.createNetwork('n', [{ cidr: '10.1.0.0/29', reserved }])
    expect(ipam.lease('n', { holder: 'other' }).address).toBe('10.1.0.3')
    expect(ipam.lease('n', { holder: 'web vip' }).address).toBe('10.1.0.2')
    ipam.release('n', { address: '10.1.0.2', holder: 'web vip' })
    expect(ipam.lease('n', { holder: 'another' }).address).toBe('10.1.0.4')
    expect(ipam.lease('n', { holder: 'web vip', address: '10.1.0.2' }).address).toBe('10.1.0.2')
    ipam.release('n', { address: '10.1.0.2', holder: 'web vip' })
    // Given back, it is still nobody else's, also when nothing else is left.
    expect(take(ipam, 'n', 2)).toEqual(['10.1.0.5', '10.1.0.6'])
    expect(failure(() => ipam.lease('n', { holder: 'x' })).code).toBe('ERR_SUBNET_EXHAUSTED')
  })

  test('can do without a gateway', () => {
    const ipam = createIpam()
    const [spec] = ipam.createNetwork('n', [{ cidr: '10.1.0.0/30', gateway: null }])
    expect(spec && gatewayInterface(spec)).toBe(null)
    expect(take(ipam, 'n', 2)).toEqual(['10.1.0.1', '10.1.0.2'])
  })

  test('leases to names, and again to the same name', () => {
    const ipam = createIpam()
    ipam.createNetwork('n')
    const lease = ipam.lease('n', { holder: 'web.1' })
    expect(ipam.lease('n', { holder: 'web.1' })).toEqual(lease)
    expect(ipam.lease('n', { holder: 'web.1', address: lease.address })).toEqual(lease)
    expect(ipam.network('n').holderOf(lease.address)).toBe('web.1')
    expect(ipam.network('n').addressOf('web.1', 4)).toBe(lease.address)
    fails(() => ipam.lease('n', { holder: 'web.1', address: '10.0.0.9' }), 'ERR_HOLDER_TAKEN', {
      network: 'n',
      holder: 'web.1',
      address: lease.address,
      requested: '10.0.0.9',
    })
    const taken = { network: 'n', address: lease.address, holder: 'web.1' }
    const request = { holder: 'web.2', address: lease.address }
    fails(() => ipam.lease('n', request), 'ERR_ADDRESS_TAKEN', taken)
    fails(() => ipam.release('n', request), 'ERR_ADDRESS_TAKEN', taken)
    expect(ipam.network('n').holderOf(lease.address)).toBe('web.1')
  })

  test('refuses to release twice, what was never leased, and what is not its own', () => {
    const ipam = createIpam()
    ipam.createNetwork('n')
    const { address } = ipam.lease('n', { holder: 'a' })
    ipam.release('n', { address, holder: 'a' })
    const facts = { network: 'n', address }
    fails(() => ipam.release('n', { address, holder: 'a' }), 'ERR_NOT_LEASED', facts)
    const foreign = { network: 'n', address: '192.0.2.1', subnets: ['10.0.0.0/24'] }
    const request = { address: '192.0.2.1', holder: 'a' }
    fails(() => ipam.release('n', request), 'ERR_ADDRESS_FOREIGN', foreign)
    fails(() => ipam.lease('n', request), 'ERR_ADDRESS_FOREIGN', foreign)
    expect(failure(() => ipam.lease('n', { holder: 'a', address: 'fd00::1' })).code).toBe(
      'ERR_ADDRESS_FOREIGN',
    )
    expect(ipam.lease('n', { holder: 'a' }).address).not.toBe(address)
  })

  test('is made once, removed when empty, and gives no lease while it closes', () => {
    const ipam = createIpam()
    ipam.createNetwork('n')
    fails(() => ipam.createNetwork('n'), 'ERR_NETWORK_TAKEN', { network: 'n' })
    fails(() => ipam.lease('m', { holder: 'a' }), 'ERR_NETWORK_UNKNOWN', { network: 'm' })
    const { address } = ipam.lease('n', { holder: 'a' })
    const inUse = { network: 'n', leases: 1, holder: 'a' }
    fails(() => ipam.removeNetwork('n'), 'ERR_NETWORK_IN_USE', inUse)
    ipam.network('n').close()
    fails(() => ipam.lease('n', { holder: 'b' }), 'ERR_NETWORK_CLOSING', { network: 'n' })
    expect(ipam.lease('n', { holder: 'a' }).address).toBe(address)
    ipam.release('n', { address, holder: 'a' })
    ipam.removeNetwork('n')
    fails(() => ipam.removeNetwork('n'), 'ERR_NETWORK_UNKNOWN', { network: 'n' })
  })

  test('that fails half way leaves nothing behind', () => {
    const ipam = createIpam()
    const before = ipam.snapshot()
    const subnets = [{ family: 4 as const }, { cidr: '10.7.0.0/24' }, { cidr: '10.7.0.128/25' }]
    expect(failure(() => ipam.createNetwork('n', subnets)).code).toBe('ERR_OVERLAP')
    expect(ipam.snapshot()).toEqual(before)
    expect(ipam.usage().pools[0]?.used).toBe(0)
    expect(ipam.createNetwork('n')).toMatchObject([{ cidr: '10.0.0.0/24' }])
  })
})

describe('a subnet', () => {
  test.each([
    ['0.0.0.0/0', 'addresses of this network'],
    ['127.1.0.0/16', 'loopback'],
    ['224.0.1.0/24', 'multicast'],
    ['10.0.0.0/31', 'too small'],
    ['10.0.0.4/32', 'too small'],
    ['ff02::/64', 'multicast'],
    ['fe80::/64', 'link-local'],
    ['fd00::/127', 'too small'],
  ])('cannot be %s: %s', (cidr, reason) => {
    const ipam = createIpam({ pools: [] })
    const found = failure(() => ipam.createNetwork('n', [{ cidr }]))
    expect(found).toMatchObject({ code: 'ERR_SUBNET_UNUSABLE', details: { subnet: cidr } })
    expect(JSON.stringify(found)).toContain(reason)
    expect(SUBNET_PREFIX_MAX).toEqual({ 4: 30, 6: 126 })
  })

  test('refuses gateways, ranges and reservations outside it', () => {
    const ipam = createIpam()
    const cidr = '10.1.0.0/24'
    const bad = [
      { cidr, gateway: '10.1.1.1' },
      { cidr, gateway: 'fd00::1' },
      { cidr, range: '10.1.0.0/23' },
      { cidr, range: '10.2.0.0/25' },
      { cidr, reserved: [{ name: 'x', addresses: '10.2.0.1' }] },
    ]
    for (const request of bad) {
      const found = failure(() => ipam.createNetwork('n', [request]))
      expect(found).toMatchObject({ code: 'ERR_ADDRESS_FOREIGN', details: { subnets: [cidr] } })
    }
    for (const gateway of ['10.1.0.0', '10.1.0.255']) {
      const found = failure(() => ipam.createNetwork('n', [{ cidr, gateway }]))
      expect(found).toMatchObject({ code: 'ERR_ADDRESS_RESERVED', details: { address: gateway } })
    }
    const texts = [{ cidr: '10.1.0.1/24' }, { cidr: 'x' }, { cidr, gateway: '10.1.0' }]
    for (const request of texts) {
      expect(failure(() => ipam.createNetwork('n', [request])).code).toBe('ERR_INVALID_VALUE')
    }
  })

  test('of IPv6 costs nothing by its size, and leases anywhere in it explicitly', () => {
    const ipam = createIpam({ pools: [] })
    const reserved = [{ name: 'half', addresses: 'fd80::/9' }]
    ipam.createNetwork('n', [{ cidr: 'fd00::/8', reserved }])
    expect(take(ipam, 'n', 2)).toEqual(['fd00::2', 'fd00::3'])
    const address = 'fd7f:ffff::1'
    expect(ipam.lease('n', { holder: 'far', address }).address).toBe(address)
    ipam.release('n', { address, holder: 'far' })
    expect(failure(() => ipam.release('n', { address, holder: 'far' })).code).toBe('ERR_NOT_LEASED')
    const anycast = failure(() => ipam.lease('n', { holder: 'x', address: 'fd00::' }))
    expect(anycast.details).toMatchObject({ name: 'subnet-router anycast address' })
    const kept = failure(() => ipam.lease('n', { holder: 'x', address: 'fdff::1' }))
    expect(kept.details).toMatchObject({ name: 'half' })
    // The last address of an IPv6 subnet is one like the others.
    ipam.createNetwork('small', [{ cidr: 'fc00::/126' }])
    expect(take(ipam, 'small', 2)).toEqual(['fc00::2', 'fc00::3'])
  })
})

test('usage says how full things are, and raises the alarm from 75 percent on', () => {
  const ipam = createIpam({ pools: [{ cidr: '10.0.0.0/22', subnetLength: 24 }] })
  ipam.createNetwork('n', [{ cidr: '10.1.0.0/28' }])
  take(ipam, 'n', 9)
  expect(ipam.usage().networks).toEqual([
    {
      network: 'n',
      subnets: [{ cidr: '10.1.0.0/28', used: 9, size: 13, percent: 69, alarm: false }],
      used: 9,
      size: 13,
      percent: 69,
      alarm: false,
    },
  ])
  ipam.lease('n', { holder: 'tenth' })
  expect(ipam.usage().networks[0]).toMatchObject({ percent: 76, alarm: true })
  for (const name of ['a', 'b', 'c']) ipam.createNetwork(name)
  expect(ipam.usage().pools).toEqual([
    { cidr: '10.0.0.0/22', subnetLength: 24, used: 768, size: 1024, percent: 75, alarm: true },
  ])
  expect(USAGE_ALARM_PERCENT).toBe(75)
  const reserved = [{ name: 'x', addresses: '10.2.0.2' }]
  ipam.createNetwork('none', [{ cidr: '10.2.0.0/30', reserved }])
  expect(ipam.usage().networks.at(-1)).toMatchObject({ size: 0, percent: 100, alarm: true })
})

test('names are 1 to NAME_LENGTH_MAX characters', () => {
  const ipam = createIpam()
  ipam.createNetwork('n')
  for (const holder of ['', 'x'.repeat(NAME_LENGTH_MAX + 1)]) {
    expect(() => ipam.lease('n', { holder })).toThrow('not a usable name')
    expect(() => ipam.createNetwork(holder)).toThrow('not a usable name')
    expect(() => ipam.reserve('10.200.0.0/16', holder)).toThrow('not a usable name')
  }
  expect(checkName('holder', 'x'.repeat(NAME_LENGTH_MAX))).toHaveLength(NAME_LENGTH_MAX)
  expect(hasCode(new Error(), 'ERR_INVALID_VALUE')).toBe(false)
})
