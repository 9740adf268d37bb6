/** A dataplane in a process of its own: the contract across the boundary, death and succession. */
import { parseCidr, parseIp, parseMac, vni } from '@weft/core'
import type { Attachment, DesiredState } from '@weft/dataplane'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Container } from '../src/container.ts'
import { DataplaneProcess, OwnerPool } from '../src/dataplane-process.ts'
import { eventually } from '../src/eventually.ts'
import { hostDataplane } from '../src/host-dataplane.ts'
import { Underlay, type LabHost } from '../src/underlay.ts'

const PREFIX = `lab-owner-${process.pid}-`
const WITHIN_MS = 5_000

let underlay: Underlay
let container: Container
let owned: DataplaneProcess

function hostOf({ hosts }: Underlay): LabHost {
  const [host] = hosts
  if (host === undefined) throw new Error('no host')
  return host
}

function desired(generation: number, attachment: Attachment): DesiredState {
  const mac = parseMac('02:42:0a:00:01:02')
  const local = new Map([['c1', { mac, addresses: [parseIp('10.0.1.2')], attachment }]])
  const prefixes = [{ cidr: parseCidr('10.0.1.0/24'), gateway: null }]
  const subnets = [{ vni: vni(4097), prefixes }]
  const blue = { encapsulation: 'vxlan', mtu: null, subnets, local, remote: new Map() } as const
  const tunnel = { ip: hostOf(underlay).ips[4], port: 4789 }
  return { generation, tunnel, peers: new Map(), networks: new Map([['blue', blue]]) }
}

beforeEach(async () => {
  underlay = Underlay.open({ hosts: 1, prefix: PREFIX })
  container = Container.open(`${PREFIX}c1`)
  const { netns, namespace } = hostOf(underlay)
  const place = { instance: namespace, underlayNamespace: netns.path }
  owned = await DataplaneProcess.open({ dataplane: hostDataplane('kernel', place) })
})

afterEach(async () => {
  if (!owned.running) await owned.restart()
  await owned.close('teardown')
  await container.close()
  underlay.close()
})

describe('DataplaneProcess', () => {
  it('answers as the contract has it: reports, maps, sets, errors with their details', async () => {
    const { dataplane } = owned
    expect(dataplane.backend).toBe('kernel')
    expect(dataplane.capabilities.attachments).toEqual(new Set(['netns']))
    const report = await dataplane.apply(desired(2, container.attachment))
    expect(report).toMatchObject({ generation: 2, outcome: 'applied', failures: [] })
    const { items } = await dataplane.observe()
    expect(items.get('networks/blue/local/c1')).toBe('02:42:0a:00:01:02 10.0.1.2')
    expect((await dataplane.counters()).networks).toBeInstanceOf(Map)
    await expect(dataplane.apply(desired(1, container.attachment))).rejects.toMatchObject({
      name: 'WeftError',
      code: 'ERR_STALE_GENERATION',
      details: { offered: 1, applied: 2 },
    })
  })

  it('lets the backend refuse an in-process card, whose functions stay at home', async () => {
    const port = { present: true, deliver: () => undefined, connect: () => undefined }
    const { failures } = await owned.dataplane.apply(desired(1, { kind: 'port', port }))
    expect(failures).toMatchObject([
      { item: 'networks/blue/local/c1', error: { code: 'ERR_UNSUPPORTED' } },
    ])
  })

  it('hands on what the dataplane announces', async () => {
    const drifted: string[] = []
    owned.dataplane.events.on('drift', ({ items }) => void drifted.push(...items))
    await owned.dataplane.apply(desired(1, container.attachment))
    container.netns.kernel.links.delete('eth0')
    await eventually(() => expect(drifted).toContain('networks/blue/local/c1'), {
      withinMs: WITHIN_MS,
    })
    await eventually(() => expect(container.facts()).not.toBeNull(), { withinMs: WITHIN_MS })
  })

  it('dies by SIGKILL and leaves what it made, and a successor changes nothing', async () => {
    await owned.dataplane.apply(desired(1, container.attachment))
    const { pid } = owned
    const before = container.facts()?.link.index
    const hanging = owned.dataplane.observe()
    await owned.kill()
    expect(existsSync(`/proc/${pid}`)).toBe(false)
    await hanging.catch(() => undefined)
    const gone = owned.dataplane.observe()
    await expect(gone).rejects.toMatchObject({
      code: 'ERR_PROCESS_GONE',
      details: { operation: 'observe', ending: 'killed by SIGKILL' },
    })
    expect(container.facts()?.link.index).toBe(before)
    await owned.restart()
    expect(owned.pid).not.toBe(pid)
    const report = await owned.dataplane.apply(desired(1, container.attachment))
    expect(report).toMatchObject({ changed: 0, collected: [], failures: [] })
    expect(container.facts()?.link.index).toBe(before)
  })

  it('ends when its parent is gone', async () => {
    const script = `
      const { OwnerPool } = await import('@weft/lab')
      process.stdout.write(String(new OwnerPool({ spares: 1 }).take().pid))
      setInterval(() => undefined, 1000)`
    const node = ['--conditions=@weft/source', '--input-type=module', '-e', script]
    const parent = spawn(process.execPath, node, { cwd: import.meta.dirname, stdio: 'pipe' })
    const [text] = (await once(parent.stdout, 'data')) as [Buffer]
    const child = Number(text.toString())
    expect(existsSync(`/proc/${child}`)).toBe(true)
    parent.kill('SIGKILL')
    await eventually(() => expect(existsSync(`/proc/${child}`)).toBe(false), {
      withinMs: WITHIN_MS,
    })
  })
})

describe('OwnerPool', () => {
  it('uses a process again, replaces one that was killed, and ends them all', async () => {
    const pool = new OwnerPool({ spares: 1 })
    const first = pool.take()
    await pool.giveBack(first)
    const second = pool.take()
    expect(second.pid).toBe(first.pid)
    await second.kill('SIGKILL')
    const third = pool.take()
    expect(third.running).toBe(true)
    await pool.giveBack(third)
    await pool[Symbol.asyncDispose]()
    expect([first, third].map(({ running }) => running)).toEqual([false, false])
    await expect(third.call('observe', null)).rejects.toMatchObject({ code: 'ERR_PROCESS_GONE' })
  })
})
