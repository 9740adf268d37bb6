/** Containers that have asked for an address hear of it when it comes with another MAC. */
import { createSocket } from 'node:dgram'
import { ipFamily, parseIp, parseMac, type Ip, type Mac } from '@weft/core'
import type { RemoteEndpoint } from '@weft/dataplane'
import { Kernel, neighbourState, openUdpSocket } from '@weft/linux'
import { describe, expect, test } from 'vitest'
import { FORMER_MACS_MAX, FormerMacs, NEWCOMER_FRAMES_MAX } from '../src/announcements.ts'
import {
  atEnd,
  desired,
  failuresOf,
  hosts,
  local,
  network,
  reaches,
  remote,
  scratch,
  subnet,
  type TestHost,
} from './world.ts'

const BLUE = subnet(4096, '10.0.1.0/24', 'fd00:1::/64')
const OTHER = parseMac('02:42:00:00:00:99')
const [IPV4, IPV6] = [parseIp('10.0.1.3'), parseIp('fd00:1::3')]

/** A busy machine takes its time; unannounced, what nobody uses does not change by itself. */
const PATIENCE = { timeout: 10_000 }

/** What a container has for the addresses of c2. */
function known(path: string): (Mac | null)[] {
  using kernel = Kernel.open(path)
  const neighbours = kernel.neighbours.list()
  return [IPV4, IPV6].map((ip) => neighbours.find((each) => each.ip === ip)?.mac ?? null)
}

/** A datagram, for which the container has to know where the address is. */
function send(path: string, to: Ip): void {
  const isIpv4 = ipFamily(to) === 4
  const socket = createSocket(isIpv4 ? 'udp4' : 'udp6')
  atEnd(() => socket.close())
  const any = { ip: parseIp(isIpv4 ? '0.0.0.0' : '::'), port: 0 }
  socket.bind({ fd: openUdpSocket({ namespace: path, local: any }) })
  socket.send('hello', 9, to)
}

/** c1 on the first host has asked for both addresses of c2; what to apply to that host then. */
async function acquainted(): Promise<{
  c1: string
  c2: RemoteEndpoint
  apply: (parts: Parameters<typeof network>[1]) => Promise<void>
}> {
  const [a] = hosts(1) as [TestHost]
  const path = scratch()
  const dataplane = await a.open()
  const apply = async (parts: Parameters<typeof network>[1]): Promise<void> => {
    const here = { c1: local(path, '10.0.1.2', 'fd00:1::2'), ...parts?.local }
    const state = { blue: network([BLUE], { ...parts, local: here }) }
    expect(failuresOf(await dataplane.apply(desired(a, state)))).toEqual([])
  }
  const c2 = remote('n2', IPV4, IPV6)
  await apply({ remote: { c2 } })
  for (const ip of [IPV4, IPV6]) send(path, ip)
  await expect.poll(() => known(path), PATIENCE).toEqual([c2.mac, c2.mac])
  return { c1: path, c2, apply }
}

describe('a neighbour that a container knows', () => {
  test('is known by its new MAC at once, when it changes elsewhere', async () => {
    const { apply, c1, c2 } = await acquainted()
    await apply({ remote: { c2: { ...c2, mac: OTHER } } })
    await expect.poll(() => known(c1), PATIENCE).toEqual([OTHER, OTHER])
  })

  test('also when it was away in between', async () => {
    const { apply, c1, c2 } = await acquainted()
    await apply({})
    await apply({ remote: { c2: { ...c2, mac: OTHER } } })
    await expect.poll(() => known(c1), PATIENCE).toEqual([OTHER, OTHER])
  })

  test('also when it comes here, and then it is reached', async () => {
    const { apply, c1 } = await acquainted()
    const path = scratch()
    const c2 = { ...local(path, IPV4, IPV6), mac: OTHER }
    await apply({ local: { c2 } })
    await expect.poll(() => known(c1), PATIENCE).toEqual([OTHER, OTHER])
    expect(await reaches(c1, path, IPV4)).toBe(true)
    expect(await reaches(c1, path, IPV6)).toBe(true)
  })
})

describe('a newcomer elsewhere', () => {
  const WIDE = subnet(4097, '10.1.0.0/16')
  const ips = Array.from({ length: NEWCOMER_FRAMES_MAX + 1 }, (_, i) => {
    return parseIp(`10.1.${1 + (i >> 8)}.${i & 255}`)
  })

  test('is known at once to who has asked in vain, up to NEWCOMER_FRAMES_MAX of them', async () => {
    const [a] = hosts(1) as [TestHost]
    const path = scratch()
    const dataplane = await a.open()
    const apply = async (others: readonly Ip[]): Promise<void> => {
      const each = others.map((ip) => [ip, remote('n2', ip)] as const)
      const here = { c1: local(path, '10.1.0.2') }
      const state = { blue: network([WIDE], { local: here, remote: Object.fromEntries(each) }) }
      expect(failuresOf(await dataplane.apply(desired(a, state)))).toEqual([])
    }
    const entries = (): (Mac | 'failed' | null)[] => {
      using kernel = Kernel.open(path)
      const neighbours = kernel.neighbours.list()
      return [ips[0], ips.at(-2), ips.at(-1)].map((ip) => {
        const found = neighbours.find((one) => one.ip === ip)
        return found?.state === neighbourState.failed ? 'failed' : (found?.mac ?? null)
      })
    }
    await apply([])
    for (const ip of [ips[0], ips.at(-2), ips.at(-1)]) send(path, ip ?? IPV4)
    // Who has given up asks no more by itself.
    await expect.poll(entries, PATIENCE).toEqual(['failed', 'failed', 'failed'])
    await apply(ips)
    const told = [ips[0], ips.at(-2)].map((ip) => remote('n2', ip ?? '').mac)
    await expect.poll(entries, PATIENCE).toEqual([...told, 'failed'])
  })
})

describe('former MACs', () => {
  const mac = (n: number): Mac => parseMac(`02:00:00:00:00:0${n}`)

  test('who comes back as it was has not moved, nor has who is new', () => {
    const former = new FormerMacs()
    expect(former.arrive(IPV4, mac(1))).toBe(false)
    former.leave(IPV4, mac(1))
    expect(former.arrive(IPV4, mac(1))).toBe(false)
    former.leave(IPV4, mac(1))
    expect(former.arrive(IPV4, mac(2))).toBe(true)
    expect(former.arrive(IPV4, mac(3))).toBe(false)
  })

  test('so many are remembered, and the last ones', () => {
    const former = new FormerMacs()
    const ip = (i: number): typeof IPV4 => parseIp(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)
    for (let i = 0; i <= FORMER_MACS_MAX; i++) former.leave(ip(i), mac(1))
    expect(former.arrive(ip(0), mac(2))).toBe(false)
    expect(former.arrive(ip(1), mac(2))).toBe(true)
    expect(former.arrive(ip(FORMER_MACS_MAX), mac(2))).toBe(true)
  })
})
