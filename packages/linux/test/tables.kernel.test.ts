/** Addresses, routes, neighbours and forwarding entries against `ip -j` and `bridge -j`. */
import { parseCidr, parseInterfaceAddress, parseIp, parseMac, vni } from '@weft/core'
import { neighbourState, type AddressSpec, type ForwardingSpec } from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { runJson, scratch } from './scratch.ts'

const zeroMac = parseMac('00:00:00:00:00:00')
const mac = parseMac('02:42:0a:00:00:07')

function withBridge(): ReturnType<typeof scratch> & { br0: number } {
  const made = scratch()
  return { ...made, br0: made.kernel.links.create({ kind: 'bridge', name: 'br0', up: true }) }
}

function withVxlan(local?: string): ReturnType<typeof withBridge> & { vx0: number } {
  const made = withBridge()
  const vxlan = {
    vni: vni(4096),
    port: 4789,
    learning: false,
    ...(local === undefined ? {} : { local: parseIp(local) }),
  }
  const { links } = made.kernel
  const spec = { kind: 'vxlan', name: 'vx0', vxlan, masterIndex: made.br0, up: true } as const
  return { ...made, vx0: links.create(spec) }
}

describe('addresses', () => {
  test('of both families are added, seen by ip, listed and removed', () => {
    const { br0, kernel, name } = withBridge()
    const specOf = (text: string): AddressSpec => {
      const address = parseInterfaceAddress(text)
      return { linkIndex: br0, address, noDuplicateDetection: true }
    }
    const first = specOf('10.0.0.1/24')
    const specs = [first, specOf('fd00::1/64')]
    for (const spec of specs) kernel.addresses.apply('create', spec)
    const shown = runJson(`ip -n ${name} -j addr show br0`) as { addr_info: unknown[] }[]
    expect(shown[0]?.addr_info).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ local: '10.0.0.1', prefixlen: 24, scope: 'global' }),
        expect.objectContaining({ local: 'fd00::1', prefixlen: 64, nodad: true }),
      ]),
    )
    const listed = (): string[] => kernel.addresses.list(br0).map(({ address }) => address)
    expect(listed()).toEqual(expect.arrayContaining(['10.0.0.1/24', 'fd00::1/64']))
    expect(kernel.addresses.list(1)).toEqual([])
    for (const spec of specs) kernel.addresses.apply('delete', spec)
    expect(listed()).not.toEqual(expect.arrayContaining(['10.0.0.1/24']))
    expect(() => kernel.addresses.apply('delete', first)).toThrow(
      expect.objectContaining({
        details: expect.objectContaining({ operation: 'delete address', errno: 'EADDRNOTAVAIL' }),
      }),
    )
  })
})

describe('routes', () => {
  test('are as ip shows them, and go again', () => {
    const { br0, kernel, name } = withBridge()
    const address = parseInterfaceAddress('10.0.0.1/24')
    kernel.addresses.apply('create', { linkIndex: br0, address })
    const { routes } = kernel
    const specs = [
      { destination: parseCidr('0.0.0.0/0'), via: parseIp('10.0.0.254') },
      { destination: parseCidr('10.9.0.0/16'), via: parseIp('10.0.0.9'), mtuBytes: 1400 },
      { destination: parseCidr('10.8.0.0/16'), linkIndex: br0, source: parseIp('10.0.0.1') },
      { destination: parseCidr('10.7.0.0/16'), type: 'unreachable' },
      { destination: parseCidr('10.6.0.0/16'), type: 'blackhole', priority: 9 },
      {
        destination: parseCidr('10.5.0.0/16'),
        via: parseIp('172.16.0.1'),
        linkIndex: br0,
        onLink: true,
      },
      { destination: parseCidr('10.4.0.0/16'), via: parseIp('fe80::1'), linkIndex: br0 },
    ] as const
    for (const spec of specs) routes.apply('create', spec)
    const shown = runJson(`ip -n ${name} -j route`)
    expect(shown).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ dst: 'default', gateway: '10.0.0.254', dev: 'br0' }),
        expect.objectContaining({ dst: '10.9.0.0/16', metrics: [{ mtu: 1400 }] }),
        expect.objectContaining({ dst: '10.8.0.0/16', scope: 'link', prefsrc: '10.0.0.1' }),
        expect.objectContaining({ dst: '10.7.0.0/16', type: 'unreachable' }),
        expect.objectContaining({ dst: '10.6.0.0/16', type: 'blackhole', metric: 9 }),
        expect.objectContaining({ dst: '10.5.0.0/16', gateway: '172.16.0.1' }),
        expect.objectContaining({ dst: '10.4.0.0/16', via: { family: 'inet6', host: 'fe80::1' } }),
      ]),
    )
    const listed = routes.list()
    for (const spec of specs) {
      // The flag for on-link stands elsewhere.
      const shown = Object.entries(spec).filter(([key]) => key !== 'onLink')
      expect(listed).toContainEqual(expect.objectContaining(Object.fromEntries(shown)))
    }
    for (const spec of specs) routes.apply('delete', spec)
    expect(routes.list().filter(({ protocol }) => protocol === 4)).toEqual([])
  })

  test('of IPv6 and of another table', () => {
    const { br0, kernel, name } = withBridge()
    const destination = parseCidr('fd09::/64')
    kernel.routes.apply('replace', { destination, linkIndex: br0, table: 4711 })
    expect(runJson(`ip -n ${name} -6 -j route show table 4711`)).toEqual([
      expect.objectContaining({ dst: 'fd09::/64', dev: 'br0' }),
    ])
    expect(kernel.routes.list(4711)).toMatchObject([{ destination, table: 4711 }])
    expect(kernel.routes.list().map((route) => route.destination)).not.toContain(destination)
  })
})

describe('neighbours', () => {
  test('of both families, permanent, replaced and removed', () => {
    const { br0, kernel, name } = withBridge()
    const { neighbours } = kernel
    const first = { linkIndex: br0, ip: parseIp('10.0.0.7'), mac }
    const entries = [first, { ...first, ip: parseIp('fd00::7') }]
    for (const entry of entries) neighbours.apply('create', entry)
    for (const [i, flag] of ['-4', '-6'].entries()) {
      expect(runJson(`ip -n ${name} ${flag} -j neigh show nud permanent`)).toEqual([
        { dst: entries[i]?.ip, dev: 'br0', lladdr: mac, state: ['PERMANENT'] },
      ])
    }
    const permanent = (): unknown[] =>
      neighbours.list(br0).filter(({ state }) => state === neighbourState.permanent)
    expect(permanent()).toMatchObject(entries)
    expect(() => neighbours.apply('create', first)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ errno: 'EEXIST' }) }),
    )
    const other = parseMac('02:42:0a:00:00:08')
    neighbours.apply('replace', { ...first, mac: other })
    expect(permanent()).toContainEqual(expect.objectContaining({ mac: other }))
    for (const entry of entries) neighbours.apply('delete', entry)
    expect(permanent()).toEqual([])
  })
})

describe('forwarding entries', () => {
  const entry = { mac, table: 'self', destination: parseIp('192.168.1.2') } as const

  test('of a VXLAN device are as bridge shows them', () => {
    const { kernel, name, vx0 } = withVxlan()
    kernel.forwarding.apply('create', { linkIndex: vx0, ...entry, port: 4790, vni: 5 })
    const shown = (runJson(`bridge -n ${name} -j fdb show dev vx0`) as { mac: string }[]).filter(
      (item) => item.mac === mac,
    )
    expect(shown).toMatchObject([
      { dst: '192.168.1.2', port: 4790, vni: 5, flags: ['self'], state: 'permanent' },
    ])
    expect(kernel.forwarding.list(vx0)).toContainEqual(
      expect.objectContaining({ ...entry, port: 4790, vni: 5, state: neighbourState.permanent }),
    )
  })

  test('go into both tables with one request', () => {
    const { br0, kernel, vx0 } = withVxlan()
    const state = neighbourState.noArp | neighbourState.reachable
    kernel.forwarding.apply('create', { linkIndex: vx0, ...entry, table: 'both', state })
    const made = kernel.forwarding.list(vx0).filter((item) => item.mac === mac)
    expect(made.map(({ masterIndex, table }) => [table, masterIndex])).toEqual(
      expect.arrayContaining([
        ['self', null],
        ['master', br0],
      ]),
    )
  })

  test('of the all-zero MAC take several destinations, over IPv6 too', () => {
    const { kernel, vx0 } = withVxlan('fd00::1')
    const [one, two] = ['fd00::2', 'fd00::3'].map((text) => parseIp(text))
    const flood = (destination: ForwardingSpec['destination']): ForwardingSpec => {
      return { linkIndex: vx0, mac: zeroMac, table: 'self', ...(destination && { destination }) }
    }
    kernel.forwarding.apply('append', flood(one))
    kernel.forwarding.apply('append', flood(two))
    const destinations = (): unknown[] =>
      kernel.forwarding
        .list(vx0)
        .filter((item) => item.mac === zeroMac)
        .map(({ destination }) => destination)
    expect(destinations().sort()).toEqual([one, two])
    kernel.forwarding.apply('delete', flood(one))
    expect(destinations()).toEqual([two])
  })

  test('are replaced and removed; one that is not there is refused', () => {
    const { kernel, vx0 } = withVxlan()
    const { forwarding } = kernel
    const moved = parseIp('192.168.1.3')
    forwarding.apply('replace', { linkIndex: vx0, ...entry })
    forwarding.apply('replace', { linkIndex: vx0, ...entry, destination: moved })
    const ours = (): unknown[] =>
      forwarding.list(vx0).filter((item) => item.mac === mac && item.table === 'self')
    expect(ours()).toMatchObject([{ destination: moved }])
    forwarding.apply('delete', { linkIndex: vx0, ...entry, destination: moved })
    expect(ours()).toEqual([])
    expect(() => forwarding.apply('delete', { linkIndex: vx0, ...entry })).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ errno: 'ENOENT' }) }),
    )
  })
})
