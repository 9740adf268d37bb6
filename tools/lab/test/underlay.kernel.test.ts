/** The underlay: hosts reach each other over the router, up to the MTU; paths cut and healed. */
import { parseIp, type IpFamily } from '@weft/core'
import { listNamespaces } from '@weft/linux'
import { dissect } from '@weft/wire'
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { ECHO_OVERHEAD_BYTES, EchoSocket } from '../src/echo.ts'
import { LabWires } from '../src/lab-wires.ts'
import { Underlay, type LabHost } from '../src/underlay.ts'
import type { UnderlayOptions } from '../src/underlay-plan.ts'

const FAMILIES: readonly IpFamily[] = [4, 6]
const PREFIX = `lab-underlay-${process.pid}-`
const SHORT_MS = 100

const open: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

function underlay(options: UnderlayOptions): Underlay {
  const opened = Underlay.open({ prefix: PREFIX, ...options })
  open.push(() => opened.close())
  return opened
}

function host({ hosts }: Underlay, number: number): LabHost {
  const found = hosts[number - 1]
  if (found === undefined) throw new Error(`no host ${number}`)
  return found
}

function echoes(from: LabHost, family: IpFamily): EchoSocket {
  const socket = new EchoSocket(from.netns.kernel.namespace.fd, family, 77)
  open.push(() => socket.close())
  return socket
}

describe('Underlay', () => {
  it('connects hosts of one subnet and of two, in both families', async () => {
    const lab = underlay({ hosts: 3 })
    for (const family of FAMILIES) {
      const from = echoes(host(lab, 1), family)
      for (const number of [2, 3]) {
        const outcome = await from.ask(host(lab, number).ips[family])
        expect(outcome, `host ${number} over IPv${family}`).toMatchObject({ ok: true })
      }
    }
  })

  it('routes between subnets by the router only', async () => {
    const lab = underlay({ hosts: 2 })
    for (const { netns, subnet } of lab.hosts) {
      const via = netns.kernel.routes.list().filter((route) => route.destination === '0.0.0.0/0')
      expect(via.map((route) => route.via)).toEqual([lab.plan.subnets[subnet]?.gateways[4]])
      expect(netns.run(() => readSetting('net/ipv4/ip_forward'))).toBe('0')
    }
    expect(lab.router.run(() => readSetting('net/ipv4/ip_forward'))).toBe('1')
  })

  it.each([1500, 9000])('carries packets of exactly its MTU, %i bytes', async (mtuBytes) => {
    const lab = underlay({ hosts: 2, mtuBytes })
    for (const family of FAMILIES) {
      const from = echoes(host(lab, 1), family)
      const to = host(lab, 2).ips[family]
      const most = mtuBytes - ECHO_OVERHEAD_BYTES[family]
      expect(await from.ask(to, { payloadBytes: most })).toMatchObject({ ok: true })
      expect(await from.ask(to, { payloadBytes: most + 1 })).toMatchObject({ reason: 'too-long' })
    }
  })

  it('is asked for the MTU of a narrower path and hears it', async () => {
    const lab = underlay({ hosts: 2 })
    lab.router.kernel.links.change('net-2', { mtuBytes: 1300 })
    for (const family of FAMILIES) {
      const from = echoes(host(lab, 1), family)
      const payloadBytes = 1400
      const first = await from.ask(host(lab, 2).ips[family], { payloadBytes })
      const again = await from.ask(host(lab, 2).ips[family], { payloadBytes })
      expect([first, again]).toMatchObject([
        { reason: 'too-long', mtuBytes: 1300 },
        { reason: 'too-long', mtuBytes: 1300 },
      ])
    }
  })

  it('says which addresses answer nothing and which cannot be reached', async () => {
    const lab = underlay({ hosts: 1 })
    const from = echoes(host(lab, 1), 4)
    const nobody = parseIp('172.31.1.99')
    const outcome = await from.ask(nobody, { withinMs: SHORT_MS })
    expect(outcome).toMatchObject({ ok: false, reason: 'timeout' })
    const elsewhere = parseIp('198.51.100.1')
    expect(await from.ask(elsewhere)).toMatchObject({ ok: false, reason: 'unreachable' })
  })

  it('leaves no namespace, also when it cannot be finished', () => {
    const lab = underlay({ hosts: 2 })
    const mine = (): string[] => listNamespaces().filter((name) => name.startsWith(PREFIX))
    expect(mine()).toEqual([`${PREFIX}host-1`, `${PREFIX}host-2`, `${PREFIX}router`])
    lab.close()
    expect(mine()).toEqual([])
    const inTheWay = underlay({ hosts: 1, prefix: `${PREFIX}x-` })
    inTheWay.router.close()
    // host-1 is still there: the second one gets as far as its router.
    const second = (): Underlay => Underlay.open({ hosts: 1, prefix: `${PREFIX}x-` })
    expect(second).toThrow(expect.objectContaining({ code: 'ERR_KERNEL' }))
    expect(mine()).toEqual([`${PREFIX}x-host-1`])
  })
})

describe('LabWires', () => {
  it('shows what crossed between two hosts, once, in order, and nothing else', async () => {
    const lab = underlay({ hosts: 3 })
    const wires = new LabWires(lab)
    open.push(() => wires.close())
    for (const each of lab.hosts) wires.watch(each)
    const from = echoes(host(lab, 1), 4)
    await from.ask(host(lab, 3).ips[4])
    await from.ask(host(lab, 2).ips[4])
    const crossed = await wires.captured(host(lab, 1), host(lab, 2))
    const kinds = crossed.map(({ bytes }) => {
      const [, ip, icmp] = dissect(bytes)
      return [ip?.kind === 'ipv4' && ip.header.source, icmp?.kind === 'icmp' && icmp.header.kind]
    })
    expect(kinds).toEqual([
      ['172.31.1.11', 'echo-request'],
      ['192.168.1.12', 'echo-reply'],
    ])
    expect(await wires.captured(host(lab, 2), host(lab, 1))).toEqual([])
    expect(await wires.captured(host(lab, 1), host(lab, 3))).toHaveLength(2)
    expect(wires.lost()).toBe(0)
  })

  it.each([2, 3])('cuts and heals the path between host 1 and host %i only', async (number) => {
    const lab = underlay({ hosts: 3 })
    const wires = new LabWires(lab)
    open.push(() => wires.close())
    const [near, far, other] = [host(lab, 1), host(lab, number), host(lab, number === 2 ? 3 : 2)]
    wires.cut(near, far)
    for (const family of FAMILIES) {
      const from = echoes(near, family)
      const back = echoes(far, family)
      const cut = { withinMs: SHORT_MS }
      expect(await from.ask(far.ips[family], cut)).toMatchObject({ reason: 'timeout' })
      expect(await back.ask(near.ips[family], cut)).toMatchObject({ reason: 'timeout' })
      expect(await from.ask(other.ips[family])).toMatchObject({ ok: true })
    }
    wires.heal(near, far)
    expect(await echoes(near, 4).ask(far.ips[4])).toMatchObject({ ok: true })
  })
})

function readSetting(path: string): string {
  return readFileSync(`/proc/sys/${path}`, 'utf8').trim()
}
