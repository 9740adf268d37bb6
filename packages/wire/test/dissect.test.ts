import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseIp, parseMac, setU8, vni } from '@weft/core'
import { describe, expect, it } from 'vitest'
import {
  describeFrame,
  dissect,
  encapsulateVxlan,
  LAYERS_MAX,
  layerOf,
  PacketBuffer,
  readPcapng,
  udpFrame,
  vxlanHeader,
  WIRE_FAULTS,
} from '../src/index.ts'
import { hex } from './hex.ts'

const VECTORS = join(import.meta.dirname, '../vectors')
const ENVELOPE = {
  sourceMac: parseMac('02:00:00:00:00:01'),
  destinationMac: parseMac('02:00:00:00:00:02'),
  source: parseIp('10.0.1.2'),
  destination: parseIp('10.0.1.3'),
}

function recorded(name: string, frame: number): Uint8Array {
  const file = new Uint8Array(readFileSync(join(VECTORS, `${name}.pcapng`)))
  const packet = readPcapng(file).sections[0]?.packets[frame - 1]
  if (packet === undefined) throw new Error(`${name} has no frame ${frame}`)
  return packet.bytes
}

function datagram(payload: string): Uint8Array {
  return udpFrame(ENVELOPE, { sourcePort: 1, destinationPort: 2, payload: hex(payload) })
}

describe('describeFrame', () => {
  it('prints a packet of an overlay from the outside in', () => {
    expect(describeFrame(recorded('vxlan-group-policy', 3))).toMatchInlineSnapshot(`
      "ethernet 02:42:0a:00:01:02 > 02:42:0a:00:01:03 ipv4
        ipv4 10.0.1.2 > 10.0.1.3 udp ttl 64 length 134
          udp 56624 > 4789 payload 106 B
            vxlan vni 77 group 4660
              ethernet 02:42:0a:00:02:02 > 02:42:0a:00:02:03 ipv4
                ipv4 10.0.2.2 > 10.0.2.3 icmp ttl 64 df length 84
                  icmp echo-request id 18073 sequence 1 body 56 B"
    `)
  })

  it('prints what an error is about', () => {
    expect(describeFrame(recorded('icmp', 10))).toMatchInlineSnapshot(`
      "ethernet 02:42:0a:00:01:01 > 02:42:0a:00:01:02 ipv4
        ipv4 10.0.1.1 > 10.0.1.2 icmp ttl 64 length 576
          icmp fragmentation needed, mtu 1400
            about ipv4 10.0.1.2 > 10.0.2.2 icmp ttl 64 df length 1428"
    `)
    expect(describeFrame(recorded('icmpv6', 8))).toMatchInlineSnapshot(`
      "ethernet 02:42:0a:00:01:01 > 02:42:0a:00:01:02 ipv6
        ipv6 fd00:1::1 > fd00:1::2 icmpv6 hops 64 payload 1240
          icmpv6 packet too big, mtu 1400
            about ipv6 fd00:1::2 > fd00:2::2 icmpv6 hops 64 payload 1408"
    `)
  })

  it('prints tags, fragments, and checksums that do not hold', () => {
    expect(describeFrame(recorded('vlan', 2))).toContain('vlan 100 priority 1 vlan 4095')
    expect(describeFrame(recorded('fragments', 4))).toContain('fragment at 1480, more')
    expect(describeFrame(recorded('fragments', 12))).toContain('fragment at 1448, more')
    expect(describeFrame(recorded('partial-checksum', 4))).toContain('checksum partial')
    const frame = datagram('010203')
    setU8(frame, frame.length - 1, 0xff)
    expect(describeFrame(frame)).toContain('checksum bad')
  })

  it('says why it stops', () => {
    expect(describeFrame(hex('0102'))).toBe('ethernet refused: short, 2 B')
    const frame = datagram('')
    setU8(frame, 14, 0x55)
    expect(describeFrame(frame)).toContain('ipv4 refused: bad-version, 28 B')
  })
})

describe('dissect', () => {
  it('leaves Ethernet padding out of every layer', () => {
    const frame = datagram('0102')
    const padded = new Uint8Array(60)
    padded.set(frame)
    const layers = dissect(padded)
    expect(layers).toEqual(dissect(frame))
    expect(layerOf(layers, 'payload')).toMatchObject({ start: 42, end: 44, of: 'udp' })
  })

  it('works in a window, and gives places in the whole', () => {
    const frame = datagram('0102')
    const larger = new Uint8Array(100).fill(0xee)
    larger.set(frame, 7)
    const layers = dissect(larger, { start: 7, end: 7 + frame.length })
    expect(layers.map(({ start }) => start - 7)).toEqual(dissect(frame).map(({ start }) => start))
  })

  it('does not read what later fragments look like', () => {
    const kinds = dissect(recorded('fragments', 13)).map(({ kind }) => kind)
    expect(kinds).toEqual(['ethernet', 'ipv6', 'payload'])
    expect(layerOf(dissect(recorded('fragments', 13)), 'payload')?.of).toBe('fragment')
  })

  it('stops at nesting without end', () => {
    const packet = PacketBuffer.of(datagram('01'))
    let whole = packet.view()
    for (let i = 0; i < 12; i++) {
      const around = PacketBuffer.of(whole)
      encapsulateVxlan(around, { ...ENVELOPE, vxlan: vxlanHeader(vni(i)), ttl: 64 })
      whole = around.view()
    }
    const layers = dissect(whole)
    expect(layers).toHaveLength(LAYERS_MAX + 1)
    expect(layers.at(-1)).toMatchObject({ kind: 'fault', fault: 'too-deep' })
  })

  it('names payloads it does not read', () => {
    const unknown = hex('02000000000202000000000188cc0102')
    expect(dissect(unknown).at(-1)).toMatchObject({ kind: 'payload', of: 'type 0x88cc' })
  })

  it('knows every fault by name', () => {
    expect(new Set(WIRE_FAULTS).size).toBe(WIRE_FAULTS.length)
  })
})
