import { describe, expect, it } from 'vitest'
import { PACKET_HEADROOM_BYTES, PacketBuffer } from '../src/index.ts'
import { hex } from './hex.ts'

describe('PacketBuffer', () => {
  it('grows at both ends without moving the payload', () => {
    const packet = new PacketBuffer(8)
    packet.append(hex('0405'))
    const start = packet.prepend(2)
    packet.bytes.set(hex('0203'), start)
    packet.append(hex('06'))
    expect(packet.view()).toEqual(hex('0203040506'))
    expect([packet.start, packet.end, packet.length]).toEqual([
      PACKET_HEADROOM_BYTES - 2,
      PACKET_HEADROOM_BYTES + 3,
      5,
    ])
  })

  it('copies what it is made of', () => {
    const payload = hex('0102')
    const packet = PacketBuffer.of(payload)
    payload.fill(9)
    expect(packet.view()).toEqual(hex('0102'))
  })

  it('strips what was read, and starts afresh', () => {
    const packet = PacketBuffer.of(hex('010203'))
    packet.strip(2)
    expect(packet.view()).toEqual(hex('03'))
    packet.reset()
    expect(packet.length).toBe(0)
    expect(packet.start).toBe(PACKET_HEADROOM_BYTES)
  })

  it('has exactly its headroom and its payload', () => {
    const packet = new PacketBuffer(4)
    expect(packet.prepend(PACKET_HEADROOM_BYTES)).toBe(0)
    expect(() => packet.prepend(1)).toThrow('bug:')
    packet.append(hex('01020304'))
    expect(() => packet.append(hex('05'))).toThrow('bug:')
    expect(() => packet.strip(packet.length + 1)).toThrow('bug:')
  })
})
