/** The lab itself: it names what is left behind, removes it, and refuses what makes no sense. */
import { parseMac } from '@weft/core'
import type { Lab, LabNode } from '@weft/dataplane/compliance'
import { createNamespace, Kernel, listNamespaces, namespacePath } from '@weft/linux'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { netnsLabs } from '../src/netns-lab.ts'

const labs = netnsLabs()
afterAll(() => labs[Symbol.asyncDispose]())

let lab: Lab
let node: LabNode

/** Namespaces of labs of this process, and of the dataplanes in them. */
function namespaces(): string[] {
  const mark = `lab${process.pid}.`
  return listNamespaces().filter((name) => name.startsWith(mark) || name.startsWith(`weft-${mark}`))
}

/** The host's namespace, found by its name. */
function hostName(): string {
  const found = namespaces().find((name) => name.endsWith('-host-1'))
  if (found === undefined) throw new Error('no host')
  return found
}

beforeEach(async () => {
  lab = await labs.open({ underlay: 4, underlayMtuBytes: 1500 })
  node = await lab.node('a')
})

afterEach(async () => {
  await lab.close()
  expect(namespaces()).toEqual([])
})

describe('openNetnsLab', () => {
  it('finds nothing left behind where nothing is', async () => {
    expect(await lab.close()).toEqual({ leaked: [] })
  })

  it('names a device that was left on a host', async () => {
    using kernel = Kernel.open(namespacePath({ name: hostName() }))
    kernel.links.create({ kind: 'bridge', name: 'stray' })
    expect(await lab.close()).toEqual({ leaked: ['a: device stray on the host'] })
  })

  it('names a namespace that was left, and removes it', async () => {
    const stray = `weft-${hostName()}-stray`
    createNamespace({ name: stray })
    expect(await lab.close()).toEqual({ leaked: [`a: namespace ${stray}`] })
  })

  it('names a device that was left in a container', async () => {
    const mac = parseMac('02:00:00:00:00:01')
    const { attachment } = await node.endpoint('c', { mac, addresses: [] })
    if (attachment.kind !== 'netns') throw new Error('another attachment')
    using kernel = Kernel.open(attachment.path)
    kernel.links.create({ kind: 'bridge', name: 'eth0' })
    const { leaked } = await lab.close()
    expect(leaked).toEqual([expect.stringMatching(/^a: device eth0 in lab.*-c1$/)])
  })

  it('does not take what a case planted for a leak, and sees when it is touched', async () => {
    const foreign = { kind: 'vni', vni: 4097 } as const
    expect(await node.foreignIntact(foreign)).toBe(false)
    await node.plantForeign(foreign)
    expect(await node.foreignIntact(foreign)).toBe(true)
    using kernel = Kernel.open(namespacePath({ name: hostName() }))
    kernel.links.change('theirs-4097', { mtuBytes: 1400 })
    expect(await node.foreignIntact(foreign)).toBe(false)
    expect(await lab.close()).toEqual({ leaked: [] })
  })

  it('cleans up after a node that was killed and has no successor', async () => {
    await node.crash()
    await expect(node.dataplane.observe()).rejects.toMatchObject({ code: 'ERR_PROCESS_GONE' })
    expect(await lab.close()).toEqual({ leaked: [] })
  })

  it('refuses to damage what is not there, and nodes of other labs', async () => {
    const network = 'blue'
    const mac = parseMac('02:00:00:00:00:01')
    createNamespace({ name: `weft-${hostName()}-blue` })
    const damage = node.sabotage({ kind: 'delete-forwarding', network, mac })
    await expect(damage).rejects.toMatchObject({ code: 'ERR_LAB_REQUEST' })
    const other = await labs.open({ underlay: 4, underlayMtuBytes: 1500 })
    const stranger = await other.node('b')
    const refused = expect.objectContaining({ code: 'ERR_LAB_REQUEST' })
    expect(() => lab.link(node, stranger)).toThrow(refused)
    await other.close()
  })
})
