import { parseIp, parseMac } from '@weft/core'
import { describe, expect, it } from 'vitest'
import {
  describeFrame,
  ESP_IN_UDP_PORT,
  ESP_KEEPALIVE_BYTES,
  esp,
  espInUdp,
  NON_ESP_MARKER_BYTES,
  udpFrame,
  writeEspKeepalive,
  writeNonEspMarker,
} from '../src/index.ts'
import { espHeaders } from './arbitrary-headers.ts'
import { describeCodecLaws } from './codec-laws.ts'
import { hex } from './hex.ts'

describeCodecLaws({
  codec: esp,
  headers: espHeaders,
  samples: [
    // RFC 7634, appendix A
    { hex: '0102030400000005', header: { spi: 0x0102_0304, sequence: 5 } },
    // draft-mcgrew-gcm-test-01, case 5: its SPI and the low half of its sequence number
    { hex: '42f67e3f10101010', header: { spi: 0x42f6_7e3f, sequence: 0x1010_1010 } },
  ],
  refusals: [{ hex: '01020304000000', fault: 'short' }],
})

it('esp accessors read single fields at an offset', () => {
  const bytes = hex('ffff 01020304 fffffffe ff')
  expect(esp.spi(bytes, 2)).toBe(0x0102_0304)
  expect(esp.sequence(bytes, 2)).toBe(0xffff_fffe)
  expect(esp.payloadStart(bytes, 2)).toBe(10)
})

describe('ESP in UDP', () => {
  const told = (text: string): string => espInUdp(hex(text), 0, hex(text).length)

  it('tells ESP, control and keepalives apart', () => {
    expect(told('0102030400000005')).toBe('esp')
    expect(told('00000001 00000005')).toBe('esp')
    expect(told('00000000')).toBe('control')
    expect(told('00000000 0102030405')).toBe('control')
    expect(told('ff')).toBe('keepalive')
  })

  it('refuses what is none of them', () => {
    expect(told('')).toBe('short')
    expect(told('fe')).toBe('short')
    expect(told('ffff')).toBe('short')
    expect(told('000000')).toBe('short')
    expect(told('01020304000000')).toBe('short')
    expect(espInUdp(hex('ff'), 0, 2)).toBe('short')
    expect(espInUdp(hex('ffff'), -1, 0)).toBe('short')
  })

  it('writes what it tells', () => {
    const marker = new Uint8Array(NON_ESP_MARKER_BYTES + 2).fill(0xa5)
    writeNonEspMarker(marker, 0)
    expect([...marker]).toEqual([0, 0, 0, 0, 0xa5, 0xa5])
    expect(espInUdp(marker, 0, marker.length)).toBe('control')
    const keepalive = new Uint8Array(ESP_KEEPALIVE_BYTES + 1)
    writeEspKeepalive(keepalive, 0)
    expect([...keepalive]).toEqual([0xff, 0])
    expect(espInUdp(keepalive, 0, ESP_KEEPALIVE_BYTES)).toBe('keepalive')
  })

  it('is dissected on its port, whichever side has it', () => {
    const macs = {
      sourceMac: parseMac('02:00:00:00:00:01'),
      destinationMac: parseMac('02:00:00:00:00:02'),
    }
    const ips = { source: parseIp('10.0.1.2'), destination: parseIp('10.0.1.3') }
    const lineOf = (sourcePort: number, destinationPort: number, payload: string): string => {
      const frame = udpFrame(
        { ...macs, ...ips },
        { sourcePort, destinationPort, payload: hex(payload) },
      )
      return describeFrame(frame).split('\n').slice(3).join().trim()
    }
    const sealed = '0102030400000005aabbcc'
    expect(lineOf(ESP_IN_UDP_PORT, 7, sealed)).toContain('esp spi 0x01020304 sequence 5')
    expect(lineOf(7, ESP_IN_UDP_PORT, sealed)).toContain('payload of esp, 3 B')
    expect(lineOf(7, ESP_IN_UDP_PORT, 'ff')).toBe('payload of keepalive, 1 B')
    expect(lineOf(7, ESP_IN_UDP_PORT, '00000000aa')).toBe('payload of udp, 5 B')
    expect(lineOf(7, ESP_IN_UDP_PORT, 'aa')).toBe('payload of udp, 1 B')
    expect(lineOf(7, 8, sealed)).toBe('payload of udp, 11 B')
  })
})
