/** Containers and traffic over plain cables: echoes, transfers, floods, raw frames, captures. */
import { interfaceAddress, parseCidr, parseIp, parseMac, type Ip } from '@weft/core'
import { arpRequestFrame, dissect, readPcapng } from '@weft/wire'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { captureFile } from '../src/capture-file.ts'
import { Container } from '../src/container.ts'
import { eventually } from '../src/eventually.ts'
import { FLOOD_HEADER_BYTES } from '../src/flood-ends.ts'
import { FRAME_SNAP_BYTES, FrameTap } from '../src/frame-tap.ts'
import { Traffic } from '../src/traffic.ts'
import { DIGEST_LATER_BYTES_MAX, PATTERN_BYTES } from '../src/transfer-ends.ts'

const CIDR = parseCidr('10.9.0.0/24')
const NEAR = parseIp('10.9.0.1')
const FAR = parseIp('10.9.0.2')
const NEAR_MAC = parseMac('02:00:00:00:09:01')
const FAR_MAC = parseMac('02:00:00:00:09:02')
const MTU_BYTES = 1450

let near: Container
let far: Container

/** Two containers and a cable between them. */
function plugIn(): void {
  const links = near.netns.kernel.links
  const namespaceFd = far.netns.kernel.namespace.fd
  links.create({
    kind: 'veth',
    name: 'eth0',
    mac: NEAR_MAC,
    mtuBytes: MTU_BYTES,
    peer: { name: 'eth0', mac: FAR_MAC, mtuBytes: MTU_BYTES, namespaceFd },
  })
  for (const [container, ip] of [[near, NEAR], [far, FAR]] as const) {
    const { addresses, links: own } = container.netns.kernel
    own.change('eth0', { up: true })
    const linkIndex = own.require('eth0').index
    addresses.apply('create', { linkIndex, address: interfaceAddress(ip, CIDR) })
  }
}

beforeAll(() => {
  near = Container.open(`lab-near-${process.pid}`)
  far = Container.open(`lab-far-${process.pid}`)
})

afterAll(() => Promise.all([near.close(), far.close()]))

describe('Container', () => {
  it('has no interface before it is plugged in, and says what it has afterwards', () => {
    expect(near.facts()).toBeNull()
    expect(near.attachment).toMatchObject({ kind: 'netns', ifname: 'eth0', path: near.netns.path })
    plugIn()
    const facts = near.facts()
    expect(facts?.link).toMatchObject({ mac: NEAR_MAC, mtuBytes: MTU_BYTES })
    expect(facts?.addresses.map(({ address }) => address)).toContain('10.9.0.1/24')
    expect(near.routes().map(({ destination }) => destination)).toContain('10.9.0.0/24')
  })

  it('is echoed, and told the MTU of its own interface', async () => {
    expect(await near.echo(FAR)).toMatchObject({ ok: true })
    const most = MTU_BYTES - 28
    expect(await near.echo(FAR, { payloadBytes: most })).toMatchObject({ ok: true })
    const refused = await near.echo(FAR, { payloadBytes: most + 1 })
    expect(refused).toMatchObject({ ok: false, reason: 'too-long', mtuBytes: MTU_BYTES })
  })

  it('forgets its neighbours, and asks again', async () => {
    await near.echo(FAR)
    const known = (): (Ip | null)[] => near.netns.kernel.neighbours.list().map(({ ip }) => ip)
    expect(known()).toContain(FAR)
    near.flushNeighbours()
    const resolved = near.netns.kernel.neighbours.list().filter(({ mac }) => mac === FAR_MAC)
    expect(resolved).toEqual([])
    expect(await near.echo(FAR)).toMatchObject({ ok: true })
  })

  it('sends and hears raw frames', async () => {
    const tap = far.listen()
    const sender = near.listen()
    const asker = { mac: NEAR_MAC, ip: NEAR }
    const frame = arpRequestFrame(asker, parseIp('10.9.0.77'))
    const index = near.facts()?.link.index ?? 0
    expect(sender.send(frame, index)).toBeNull()
    const heard = await eventually(
      async () => {
        const found = (await tap.take()).find(({ bytes }) => Buffer.compare(bytes, frame) === 0)
        if (found === undefined) throw new Error('the frame has not arrived')
        return found
      },
      { withinMs: 2_000 },
    )
    expect(heard).toMatchObject({ outgoing: false, originalLength: frame.length })
    await Promise.all([tap.close(), sender.close()])
  })
})

describe('FrameTap', () => {
  it('keeps what it is asked to keep, cut where it is asked to cut', async () => {
    const namespace = near.netns.kernel.namespace.fd
    const keep = ({ outgoing }: { readonly outgoing: boolean }): boolean => outgoing
    const tap = FrameTap.open({ namespace, snapBytes: 60, keep })
    await near.echo(FAR, { payloadBytes: 500 })
    const frames = (await tap.take()).filter(({ originalLength }) => originalLength > 500)
    expect(frames.map(({ bytes, outgoing }) => [bytes.length, outgoing])).toEqual([[60, true]])
    expect(await tap.take()).toEqual([])
    expect(tap.counters()).toMatchObject({ dropped: 0 })
    await tap.close()
  })
})

describe('captureFile', () => {
  let file: Uint8Array
  beforeAll(async () => {
    const tap = FrameTap.open({ namespace: near.netns.kernel.namespace.fd })
    for (let i = 0; i < 3; i++) await near.echo(FAR)
    file = captureFile([
      { name: 'near eth0', frames: await tap.take(), counters: tap.counters() },
      { name: 'far eth0', frames: [], counters: { captured: 0, dropped: 2 } },
    ])
    await tap.close()
  })

  it('holds every frame with times in order, the places, and what was lost', () => {
    const [section] = readPcapng(file).sections
    expect(section?.comment).toContain('2 frames were lost')
    expect(section?.interfaces.map(({ name }) => name)).toEqual(['near eth0', 'far eth0'])
    expect(section?.interfaces[0]?.snapBytes).toBe(FRAME_SNAP_BYTES)
    const times = section?.packets.map(({ timestampNs }) => timestampNs ?? 0n) ?? []
    expect(times).toEqual([...times].sort((a, b) => Number(a - b)))
    const echoes = section?.packets.filter(({ bytes }) => dissect(bytes)[2]?.kind === 'icmp')
    expect(echoes?.map(({ direction }) => direction)).toEqual(
      [1, 2, 3].flatMap(() => ['outbound', 'inbound']),
    )
  })

  it('is read by tshark', ({ skip }) => {
    if (!hasTshark()) skip('no tshark on the PATH')
    const folder = mkdtempSync(join(tmpdir(), 'weft-lab-'))
    const path = join(folder, 'capture.pcapng')
    writeFileSync(path, file)
    const fields = ['-T', 'fields', '-e', 'icmp.type', '-Y', 'icmp']
    const types = execFileSync('tshark', ['-r', path, ...fields], { stdio: 'pipe' })
    rmSync(folder, { recursive: true })
    expect(types.toString().trim().split('\n')).toEqual(['8', '0', '8', '0', '8', '0'])
  })
})

function hasTshark(): boolean {
  return spawnSync('tshark', ['--version'], { stdio: 'ignore' }).error === undefined
}

describe('Traffic', () => {
  let traffic: Traffic
  beforeAll(() => {
    traffic = new Traffic()
  })
  afterAll(() => traffic.close())
  const path = () => ({ from: near.netns, to: far.netns, address: FAR })

  it.each([0, 1, PATTERN_BYTES, 8 << 20])('transfers %i bytes with one digest', async (bytes) => {
    const report = await traffic.transfer({ ...path(), bytes })
    expect(report).toMatchObject({ bytes, digest: expect.stringMatching(/^[0-9a-f]{64}$/) })
  })

  it('digests what is too long to keep as it comes, to the same result', async () => {
    const bytes = DIGEST_LATER_BYTES_MAX + 1
    const long = await traffic.transfer({ ...path(), bytes })
    expect(long).toMatchObject({ bytes })
  })

  it('counts only when no digest is wanted', async () => {
    const counted = await traffic.transfer({ ...path(), bytes: 8 << 20, digest: false })
    expect(counted).toMatchObject({ bytes: 8 << 20, digest: null })
  })

  it('says why a transfer failed', async () => {
    const nobody = { ...path(), address: parseIp('10.9.0.77'), bytes: 1 }
    await expect(traffic.transfer(nobody)).rejects.toMatchObject({
      code: 'ERR_TRANSFER',
      details: { problem: expect.stringContaining('EADDRNOTAVAIL') },
    })
    far.netns.kernel.links.change('eth0', { up: false })
    const stuck = traffic.transfer({ ...path(), bytes: 1, withinMs: 300 })
    await expect(stuck).rejects.toMatchObject({ code: 'ERR_TRANSFER' })
    far.netns.kernel.links.change('eth0', { up: true })
    expect(await traffic.transfer({ ...path(), bytes: 1 })).toMatchObject({ bytes: 1 })
  })

  it('floods at the rate asked for and counts every datagram', async () => {
    const payloadBytes = FLOOD_HEADER_BYTES
    const flood = await traffic.flood({ ...path(), perSecond: 2_000, payloadBytes })
    await eventually(() => expect(flood.counts().answered).toBeGreaterThan(200), {
      withinMs: 5_000,
    })
    const report = await flood.stop()
    expect(report).toMatchObject({ answered: report.sent, lost: 0, duplicated: 0 })
  })

  it('notices datagrams that are lost while the wire is down', async () => {
    const flood = await traffic.flood({ ...path(), perSecond: 1_000 })
    await eventually(() => expect(flood.counts().answered).toBeGreaterThan(20), { withinMs: 5_000 })
    far.netns.kernel.links.change('eth0', { up: false })
    const before = flood.counts().sent
    await eventually(() => expect(flood.counts().sent).toBeGreaterThan(before + 50), {
      withinMs: 5_000,
    })
    far.netns.kernel.links.change('eth0', { up: true })
    const report = await flood.stop()
    expect(report.lost).toBeGreaterThan(20)
    expect(report.answered).toBe(report.sent - report.lost)
  })
})
