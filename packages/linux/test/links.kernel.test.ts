/** Links against the real kernel: what we make and what `ip` makes are the same. */
import { parseIp, parseMac, vni } from '@weft/core'
import { isKernelError, type LinkSpec } from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { run, runJson, scratch } from './scratch.ts'

const mac = parseMac('02:42:00:00:00:01')

/** What differs between two devices made alike: chance, time and the order of making. */
const ACCIDENTS =
  /^(ifindex|link_index|.*_timer|bridge_id|root_id|designated_.*|address|inet6_addr_gen_mode)$/

function shown(namespace: string, link: string): unknown {
  const shown = runJson(`ip -n ${namespace} -d -j link show ${link}`)
  return JSON.parse(JSON.stringify(shown), (key, value: unknown) =>
    ACCIDENTS.test(key) ? undefined : value,
  )
}

interface Twin {
  readonly title: string
  readonly spec: LinkSpec
  readonly commands: readonly string[]
}

const twins: Twin[] = [
  {
    title: 'a VXLAN device as Docker makes it',
    spec: {
      kind: 'vxlan',
      name: 'vxlan0',
      mtuBytes: 1450,
      up: true,
      vxlan: {
        vni: vni(4096),
        port: 4789,
        learning: true,
        proxy: true,
        l2miss: true,
        l3miss: true,
      },
    },
    commands: [
      'link add vxlan0 mtu 1450 up type vxlan id 4096 dstport 4789 proxy l2miss l3miss learning',
    ],
  },
  {
    title: 'a VXLAN device with every property',
    spec: {
      kind: 'vxlan',
      name: 'vx',
      mac,
      alias: 'weft:x',
      vxlan: {
        vni: vni(0xff_ff_ff),
        port: 5000,
        local: parseIp('fd00::1'),
        group: parseIp('fd00::2'),
        portRange: { low: 40000, high: 50000 },
        learning: false,
        ageingS: 17,
        entriesMax: 100,
        ttl: 9,
        tos: 4,
        flowLabel: 0x12345,
        udpChecksum: true,
        udpZeroChecksum6Transmit: true,
        udpZeroChecksum6Receive: true,
        gbp: true,
      },
    },
    commands: [
      `link add vx address ${mac} type vxlan id 16777215 dstport 5000 local fd00::1 ` +
        'remote fd00::2 srcport 40000 50000 nolearning ageing 17 maxaddress 100 ttl 9 tos 4 ' +
        'flowlabel 0x12345 udpcsum udp6zerocsumtx udp6zerocsumrx gbp',
      'link set vx alias weft:x',
    ],
  },
  {
    title: 'a bridge',
    spec: {
      kind: 'bridge',
      name: 'br0',
      alias: 'weft:br',
      up: true,
      bridge: { multicastSnooping: false, ageingCs: 0, forwardDelayCs: 200, priority: 4096 },
    },
    commands: [
      'link add br0 up type bridge mcast_snooping 0 ageing_time 0 forward_delay 200 priority 4096',
      'link set br0 alias weft:br',
    ],
  },
  {
    title: 'a veth pair',
    spec: { kind: 'veth', name: 'va', mtuBytes: 1400, peer: { name: 'vb', mtuBytes: 1300 } },
    commands: ['link add va mtu 1400 type veth peer name vb mtu 1300'],
  },
]

describe('a device made here is like one made by ip', () => {
  test.each(twins)('$title', ({ commands, spec }) => {
    const [ours, theirs] = [scratch(), scratch()]
    ours.kernel.links.create(spec)
    for (const command of commands) run(`ip -n ${theirs.name} ${command}`)
    expect(shown(ours.name, spec.name)).toEqual(shown(theirs.name, spec.name))
    if (spec.kind === 'veth') expect(shown(ours.name, 'vb')).toEqual(shown(theirs.name, 'vb'))
  })

  test('a port of a bridge', () => {
    const [ours, theirs] = [scratch(), scratch()]
    const { links } = ours.kernel
    const masterIndex = links.create({ kind: 'bridge', name: 'br0', up: true })
    links.create({
      kind: 'vxlan',
      name: 'vx',
      vxlan: { vni: vni(7), port: 4789 },
      masterIndex,
      up: true,
      bridgePort: {
        learning: false,
        unicastFlood: false,
        multicastFlood: false,
        broadcastFlood: false,
        neighbourSuppress: true,
        isolated: true,
        hairpin: true,
      },
    })
    run(`ip -n ${theirs.name} link add br0 up type bridge`)
    run(`ip -n ${theirs.name} link add vx type vxlan id 7 dstport 4789`)
    run(`ip -n ${theirs.name} link set vx master br0`)
    run(
      `ip -n ${theirs.name} link set vx up type bridge_slave learning off flood off ` +
        'mcast_flood off bcast_flood off neigh_suppress on isolated on hairpin on',
    )
    expect(shown(ours.name, 'vx')).toEqual(shown(theirs.name, 'vx'))
  })
})

describe('reading links', () => {
  test('gives back what was asked for', () => {
    const { kernel } = scratch()
    for (const { spec } of twins) {
      const index = kernel.links.create(spec)
      const link = kernel.links.get(index)
      expect(link).toMatchObject({ name: spec.name, kind: spec.kind, alias: spec.alias ?? null })
      if (spec.kind === 'vxlan') expect(link?.vxlan).toMatchObject(spec.vxlan)
      if (spec.kind === 'bridge') expect(link?.bridge).toMatchObject(spec.bridge ?? {})
    }
  })

  test('lists what ip lists, filtered by kind and master', () => {
    const { kernel, name } = scratch()
    const { links } = kernel
    const br0 = links.create({ kind: 'bridge', name: 'br0' })
    links.create({ kind: 'veth', name: 'va', masterIndex: br0, peer: { name: 'vb' } })
    const names = (runJson(`ip -n ${name} -j link`) as { ifname: string }[]).map((l) => l.ifname)
    expect(links.list().map((link) => link.name).sort()).toEqual([...names].sort())
    expect(links.list({ kind: 'veth' }).map((link) => link.name).sort()).toEqual(['va', 'vb'])
    expect(links.list({ masterIndex: br0 }).map((link) => link.name)).toEqual(['va'])
    expect(links.list({ kind: 'vxlan' })).toEqual([])
    expect(links.list()[0]?.counters).toMatchObject({ receivedPackets: 0, transmittedBytes: 0 })
  })

  test('that are not there gives null, and deleting them false', () => {
    const { kernel } = scratch()
    expect(kernel.links.get('nope')).toBeNull()
    expect(kernel.links.get(4711)).toBeNull()
    expect(kernel.links.delete('nope')).toBe(false)
  })
})

describe('refusals', () => {
  test('carry the operation, the object and the words of the kernel', () => {
    const { kernel } = scratch()
    const vxlan = { vni: vni(9), port: 4789 }
    kernel.links.create({ kind: 'vxlan', name: 'one', vxlan })
    expect(() => kernel.links.create({ kind: 'vxlan', name: 'two', vxlan })).toThrow(
      expect.objectContaining({
        code: 'ERR_KERNEL',
        details: {
          operation: 'create vxlan link',
          object: 'two',
          errno: 'EEXIST',
          diagnostic: 'A VXLAN device with the specified VNI already exists',
        },
      }),
    )
    expect(() => kernel.links.change('one', { mtuBytes: 1 })).toThrow(
      expect.objectContaining({
        details: expect.objectContaining({ diagnostic: 'mtu less than device minimum' }),
      }),
    )
    expect(() => kernel.links.create({ kind: 'bridge', name: 'a-name-far-too-long' })).toThrow(
      expect.objectContaining({ code: 'ERR_KERNEL' }),
    )
  })

  test('of the second step leave no half-made device', () => {
    const { kernel } = scratch()
    // Port properties without a master are refused after the device has been made.
    const spec = { kind: 'bridge', name: 'br0', bridgePort: { learning: false } } as const
    expect(() => kernel.links.create(spec)).toThrow(expect.objectContaining({ code: 'ERR_KERNEL' }))
    expect(kernel.links.get('br0')).toBeNull()
  })

  test('of a taken name leave the device that has it as it was', () => {
    const { kernel } = scratch()
    kernel.links.create({ kind: 'bridge', name: 'br0', alias: 'first' })
    let caught: unknown
    try {
      kernel.links.create({ kind: 'bridge', name: 'br0', alias: 'second', up: true })
    } catch (error) {
      caught = error
    }
    expect(isKernelError(caught, 'EEXIST')).toBe(true)
    expect(kernel.links.get('br0')).toMatchObject({ alias: 'first', up: false })
  })
})

describe('two namespaces', () => {
  test('a VXLAN device made in another keeps its socket in the first', () => {
    const [host, network] = [scratch(), scratch()]
    const vxlan = { vni: vni(4097), port: 4790 }
    host.kernel.links.createIn(network.kernel.namespace.fd, { kind: 'vxlan', name: 'vx', vxlan })
    expect(host.kernel.links.get('vx')).toBeNull()
    network.kernel.links.change('vx', { up: true })
    expect(network.kernel.links.get('vx')?.up).toBe(true)
    const sockets = (name: string): string => run(`ip netns exec ${name} cat /proc/net/udp`)
    expect(sockets(host.name)).toContain(`:${(4790).toString(16).toUpperCase()} `)
    expect(sockets(network.name)).not.toContain(`:${(4790).toString(16).toUpperCase()} `)
  })

  test('the same by the id of the namespace that keeps the socket', () => {
    const [host, network] = [scratch(), scratch()]
    const linkNetnsId = network.kernel.namespaceIds.assign(host.kernel.namespace.fd)
    expect(network.kernel.namespaceIds.of(host.kernel.namespace.fd)).toBe(linkNetnsId)
    expect(network.kernel.namespaceIds.list()).toContain(linkNetnsId)
    const vxlan = { vni: vni(4098), port: 4791 }
    network.kernel.links.create({ kind: 'vxlan', name: 'vx', vxlan, linkNetnsId, up: true })
    expect(network.kernel.links.get('vx')?.linkNetnsId).toBe(linkNetnsId)
    expect(run(`ip netns exec ${host.name} cat /proc/net/udp`)).toContain(':12B7 ')
  })

  test('a veth peer is born in another, and a link can be moved and renamed', () => {
    const [a, b] = [scratch(), scratch()]
    const peer = { name: 'eth0', mac, namespaceFd: b.kernel.namespace.fd }
    const index = a.kernel.links.create({ kind: 'veth', name: 'va', peer })
    expect(b.kernel.links.get('eth0')?.mac).toBe(mac)
    a.kernel.links.change(index, { name: 'renamed' })
    expect(a.kernel.links.get('renamed')?.index).toBe(index)
    a.kernel.links.change(index, { namespaceFd: b.kernel.namespace.fd })
    expect(a.kernel.links.get('renamed')).toBeNull()
    expect(b.kernel.links.get('renamed')).not.toBeNull()
  })

  test('a namespace without an id for another says so', () => {
    const [a, b] = [scratch(), scratch()]
    expect(a.kernel.namespaceIds.of(b.kernel.namespace.fd)).toBeNull()
  })
})
