/** Who comes to an address is announced to the endpoints of its subnet, which may know another. */
import { parseIp, parseMac, type Ip, type Mac } from '@weft/core'
import { dissect } from '@weft/wire'
import { expect, test } from 'vitest'
import { ANNOUNCED_FRAMES_MAX } from '../src/engine/announcements.ts'
import type { EngineSubnet } from '../src/engine/index.ts'
import { blue, C1, C2, EngineKit, NEAR, port, stateOf, VNI } from './engine-kit.ts'

const OTHER = parseMac('02:42:0a:00:01:63')
const NEIGHBOURS = blue().neighbours

function kitOf(subnet: EngineSubnet): EngineKit {
  return new EngineKit(stateOf({ [VNI]: subnet }))
}

/** What ports are told when subnets are loaded: port, address and MAC. */
function told(kit: EngineKit, subnets: Readonly<Record<number, EngineSubnet>>): string[] {
  kit.delivered.length = 0
  kit.engine.load(stateOf(subnets))
  return kit.delivered.map(({ bytes, port: number }) => `${number} ${announcementIn(bytes)}`)
}

/** As a host reads it that has an entry for the address. */
function announcementIn(frame: Uint8Array): string {
  const layers = dissect(frame)
  const arp = layers.find((layer) => layer.kind === 'arp')
  if (arp !== undefined) {
    const { senderIp, senderMac, targetIp } = arp.header
    expect(targetIp).toBe(senderIp)
    return `${senderIp} ${senderMac}`
  }
  const message = layers.find((layer) => layer.kind === 'icmpv6')
  expect(message).toMatchObject({
    checksum: 'good',
    header: { kind: 'neighbour-advertisement', solicited: false, override: true },
  })
  const header = message?.kind === 'icmpv6' ? message.header : undefined
  if (header?.kind !== 'neighbour-advertisement') throw new Error('no announcement')
  const link = header.options.find((option) => option.kind === 'target-link-layer')
  return `${header.target} ${link?.kind === 'target-link-layer' ? link.mac : 'nowhere'}`
}

function moved(mac: Mac): EngineSubnet {
  const neighbours = new Map<Ip, Mac>([
    [C2.ip4, mac],
    [C2.ip6, mac],
  ])
  return blue({ forwarding: new Map([[mac, 0]]), neighbours })
}

test('a remote endpoint whose MAC changes, to every port, in both families', () => {
  const kit = kitOf(blue())
  expect(told(kit, { [VNI]: moved(OTHER) })).toEqual([
    `0 ${C2.ip4} ${OTHER}`,
    `1 ${C2.ip4} ${OTHER}`,
    `0 ${C2.ip6} ${OTHER}`,
    `1 ${C2.ip6} ${OTHER}`,
  ])
})

test('one that left and comes back with another, and one that was never there', () => {
  const kit = kitOf(blue())
  expect(told(kit, { [VNI]: blue({ forwarding: new Map(), neighbours: new Map() }) })).toEqual([])
  expect(told(kit, { [VNI]: moved(OTHER) })).toContain(`0 ${C2.ip4} ${OTHER}`)
  const late = parseIp('10.0.1.9')
  const neighbours = new Map([...NEIGHBOURS, [late, OTHER] as const])
  kit.engine.load(stateOf({ [VNI]: blue() }))
  expect(told(kit, { [VNI]: blue({ neighbours }) })).toEqual([
    `0 ${late} ${OTHER}`,
    `1 ${late} ${OTHER}`,
  ])
})

test('one that is here, to all ports but its own', () => {
  const kit = kitOf(blue())
  const ports = new Map([
    [C1.mac, port(0, [C1.ip4])],
    [OTHER, port(2, [NEAR.ip4])],
  ])
  expect(told(kit, { [VNI]: blue({ ports }) })).toEqual([`0 ${NEAR.ip4} ${OTHER}`])
})

test('nothing of what is as it was, nor in other subnets', () => {
  const kit = kitOf(blue())
  const same = { neighbours: new Map(NEIGHBOURS), ports: new Map(blue().ports) }
  expect(told(kit, { [VNI]: blue(same) })).toEqual([])
  const beside = blue({ ports: new Map([[parseMac('02:42:0a:00:02:02'), port(7, [])]]) })
  const loaded = told(kit, { [VNI]: blue(same), 4098: { ...beside, neighbours: new Map() } })
  expect(loaded).toEqual([])
  const both = { [VNI]: moved(OTHER), 4098: { ...beside, neighbours: new Map() } }
  expect(told(kit, both).filter((one) => one.startsWith('7'))).toEqual([])
})

test(`ANNOUNCED_FRAMES_MAX: so many are told in one load, and no more`, () => {
  const kit = kitOf(blue({ neighbours: new Map() }))
  const many = Array.from({ length: ANNOUNCED_FRAMES_MAX }, (_, i) => {
    return [parseIp(`10.0.${1 + (i >> 8)}.${i & 255}`), OTHER] as const
  })
  expect(told(kit, { [VNI]: blue({ neighbours: new Map(many) }) })).toHaveLength(
    ANNOUNCED_FRAMES_MAX,
  )
  const half = new Map(many.slice(0, ANNOUNCED_FRAMES_MAX / 2))
  kit.engine.load(stateOf({ [VNI]: blue({ neighbours: new Map() }) }))
  expect(told(kit, { [VNI]: blue({ neighbours: half }) })).toHaveLength(ANNOUNCED_FRAMES_MAX)
})
