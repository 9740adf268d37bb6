import { parseIp, parseMac, vni } from '@weft/core'
import { describe, expect, it } from 'vitest'
import {
  dissect,
  encapsulateVxlan,
  ENTROPY_PORT_COUNT,
  ENTROPY_PORT_MIN,
  ethernet,
  layerOf,
  PacketBuffer,
  udpFrame,
  VXLAN_OVERHEAD_IPV4_BYTES,
  VXLAN_OVERHEAD_IPV6_BYTES,
  VXLAN_PORT,
  vxlanHeader,
  type Envelope,
  type VxlanEncapsulation,
} from '../src/index.ts'
import { hex } from './hex.ts'

const MACS = {
  sourceMac: parseMac('02:00:00:00:00:01'),
  destinationMac: parseMac('02:00:00:00:00:02'),
}
const INNER: Envelope = { ...MACS, source: parseIp('10.0.1.2'), destination: parseIp('10.0.1.3') }
const OUTER: VxlanEncapsulation = {
  ...MACS,
  vxlan: vxlanHeader(vni(4096)),
  source: parseIp('172.31.1.11'),
  destination: parseIp('192.168.1.12'),
  ttl: 61,
}
const OUTER6 = { ...OUTER, source: parseIp('fd07::1'), destination: parseIp('fd07::2') }

function inner(sourcePort = 1000): Uint8Array {
  const payload = hex('0102030405')
  return udpFrame(INNER, { sourcePort, destinationPort: 2000, payload })
}

function encapsulated(outer: VxlanEncapsulation, frame = inner()): Uint8Array {
  const packet = PacketBuffer.of(frame)
  encapsulateVxlan(packet, outer)
  return packet.view()
}

describe.each([
  ['IPv4', OUTER, VXLAN_OVERHEAD_IPV4_BYTES, 'absent'],
  ['IPv6', OUTER6, VXLAN_OVERHEAD_IPV6_BYTES, 'good'],
] as const)('encapsulation over %s', (_name, outer, overhead, checksum) => {
  const frame = encapsulated(outer)
  const layers = dissect(frame)

  it('nests the frame, untouched, behind the tunnel headers', () => {
    expect(layers.map(({ kind }) => kind)).toEqual([
      'ethernet',
      outer === OUTER ? 'ipv4' : 'ipv6',
      'udp',
      'vxlan',
      'ethernet',
      'ipv4',
      'udp',
      'payload',
    ])
    const at = layerOf(layers, 'ethernet', 1)?.start ?? 0
    expect(frame.subarray(at)).toEqual(inner())
  })

  it('takes what the MTU must give, and says where it goes', () => {
    // What the underlay carries is a packet; what the overlay loses is its own Ethernet header too.
    const outside = frame.length - ethernet.headerLength
    const inside = inner().length - ethernet.headerLength
    expect(outside - inside).toBe(overhead)
    expect(layerOf(layers, 'udp')).toMatchObject({
      checksum,
      header: { destinationPort: VXLAN_PORT },
    })
    expect(layerOf(layers, 'vxlan')?.header).toEqual(OUTER.vxlan)
    const { source, destination } = outer
    expect(layers[1]).toMatchObject({ header: { source, destination } })
  })

  it('computes or leaves out the checksum when asked', () => {
    const states = [true, false].map((asked) =>
      layerOf(dissect(encapsulated({ ...outer, checksum: asked })), 'udp')?.checksum,
    )
    expect(states).toEqual(['good', 'absent'])
  })
})

describe('the tunnel source port', () => {
  const portOf = (frame: Uint8Array) => layerOf(dissect(frame), 'udp')?.header.sourcePort ?? 0

  it('is the same for all frames of a flow, and spreads flows over the range', () => {
    expect(portOf(encapsulated(OUTER))).toBe(portOf(encapsulated(OUTER)))
    const ports = new Set<number>()
    for (let flow = 0; flow < 1000; flow++) {
      const port = portOf(encapsulated(OUTER, inner(1024 + flow)))
      expect(port).toBeGreaterThanOrEqual(ENTROPY_PORT_MIN)
      expect(port).toBeLessThan(ENTROPY_PORT_MIN + ENTROPY_PORT_COUNT)
      ports.add(port)
    }
    // 1,000 draws from 16,384: about 970 differ.
    expect(ports.size).toBeGreaterThan(930)
  })

  it('can be given, as can the destination port and the traffic class', () => {
    const frame = encapsulated({ ...OUTER, sourcePort: 5, port: 8472, trafficClass: 0xbb })
    const layers = dissect(frame, { vxlanPort: 8472 })
    expect(layerOf(layers, 'udp')?.header).toMatchObject({ sourcePort: 5, destinationPort: 8472 })
    expect(layerOf(layers, 'ipv4')?.header).toMatchObject({ dscp: 46, ecn: 3, ttl: 61 })
    expect(layerOf(layers, 'vxlan')).toBeDefined()
    expect(layerOf(dissect(frame), 'vxlan')).toBe(undefined)
  })
})

it('refuses tunnel addresses of two families', () => {
  expect(() => encapsulated({ ...OUTER, source: OUTER6.source })).toThrow('bug:')
})
