/** The frames that are built for others, as text: what they say is what the reader must see. */
import { parseIp, parseMac } from '@weft/core'
import { describe, expect, it } from 'vitest'
import {
  ALL_NODES,
  arpReplyFrame,
  arpRequestFrame,
  BROADCAST_MAC,
  describeFrame,
  dissect,
  echoFrame,
  gratuitousArpFrame,
  layerOf,
  multicastMac,
  NEIGHBOUR_HOP_LIMIT,
  neighbourAdvertisementFrame,
  neighbourSolicitationFrame,
  solicitedNode,
  TTL_DEFAULT,
  udpFrame,
  unsolicitedAdvertisementFrame,
  ZERO_MAC,
} from '../src/index.ts'
import { hex } from './hex.ts'

const a = { mac: parseMac('02:42:0a:00:01:02'), ip: parseIp('10.0.1.2') }
const b = { mac: parseMac('02:42:0a:00:01:03'), ip: parseIp('10.0.1.3') }
const a6 = { mac: a.mac, ip: parseIp('fd00:1::2') }
const b6 = { mac: b.mac, ip: parseIp('fd00:1::3') }
const v4 = { sourceMac: a.mac, destinationMac: b.mac, source: a.ip, destination: b.ip }
const v6 = { ...v4, source: a6.ip, destination: b6.ip }

describe('ARP frames', () => {
  it('are the bytes that the kernel sends', () => {
    // vectors/arp, frames 1 and 2
    expect(arpRequestFrame(a, b.ip)).toEqual(
      hex(
        'ffffffffffff02420a0001020806' +
          '000108000604000102420a0001020a0001020000000000000a000103',
      ),
    )
    expect(arpReplyFrame(b, a)).toEqual(
      hex(
        '02420a00010202420a0001030806' +
          '000108000604000202420a0001030a00010302420a0001020a000102',
      ),
    )
  })

  it('announce an address to everyone', () => {
    const layers = dissect(gratuitousArpFrame(a))
    expect(layerOf(layers, 'ethernet')?.header.destination).toBe(BROADCAST_MAC)
    expect(layerOf(layers, 'arp')?.header).toMatchObject({ targetIp: a.ip, targetMac: ZERO_MAC })
  })
})

describe('neighbour discovery frames', () => {
  it('are the bytes that the kernel sends', () => {
    // vectors/icmpv6, frame 1
    expect(neighbourSolicitationFrame(a6, parseIp('fd00:1::1'))).toEqual(
      hex(
        '3333ff00000102420a00010286dd' +
          '6000000000203afffd000001000000000000000000000002ff0200000000000000000001ff000001' +
          '8700725300000000fd000001000000000000000000000001010102420a000102',
      ),
    )
  })

  it.each([
    ['a solicitation', neighbourSolicitationFrame(a6, b6.ip)],
    ['an advertisement', neighbourAdvertisementFrame(a6, b6)],
    ['an unsolicited advertisement', unsolicitedAdvertisementFrame(a6)],
  ])('%s is valid by RFC 4861 §7.1', (_name, frame) => {
    const layers = dissect(frame)
    expect(layerOf(layers, 'icmpv6')?.checksum).toBe('good')
    expect(layerOf(layers, 'ipv6')?.header.hopLimit).toBe(NEIGHBOUR_HOP_LIMIT)
  })

  it('go to the groups that listen', () => {
    expect(solicitedNode(parseIp('fd00::1234:5678'))).toBe('ff02::1:ff34:5678')
    expect(multicastMac(ALL_NODES)).toBe('33:33:00:00:00:01')
    expect(describeFrame(unsolicitedAdvertisementFrame(a6))).toContain('> ff02::1 icmpv6 hops 255')
  })
})

describe('echo and datagram frames', () => {
  const echo = { kind: 'echo-request', identifier: 7, sequence: 9, body: hex('0102') } as const

  it.each([
    ['ICMP', echoFrame(v4, echo), 'icmp'],
    ['ICMPv6', echoFrame(v6, echo), 'icmpv6'],
  ] as const)('%s carries what it was given', (_name, frame, kind) => {
    expect(layerOf(dissect(frame), kind)?.header).toMatchObject(echo)
  })

  it.each([
    ['IPv4', v4],
    ['IPv6', v6],
  ])('UDP over %s carries what it was given', (_name, envelope) => {
    const frame = udpFrame(envelope, { sourcePort: 1, destinationPort: 2, payload: hex('abcdef') })
    const layers = dissect(frame)
    expect(layerOf(layers, 'udp')).toMatchObject({
      checksum: 'good',
      header: { sourcePort: 1, destinationPort: 2, length: 11 },
    })
    const payload = layerOf(layers, 'payload')
    expect(frame.subarray(payload?.start, payload?.end)).toEqual(hex('abcdef'))
  })

  it('obey the envelope', () => {
    const plain = layerOf(dissect(echoFrame(v4, echo)), 'ipv4')?.header
    expect(plain).toMatchObject({ ttl: TTL_DEFAULT, dontFragment: false, identification: 0 })
    const wishes = { ttl: 3, dontFragment: true, identification: 77 }
    expect(layerOf(dissect(echoFrame({ ...v4, ...wishes }, echo)), 'ipv4')?.header).toMatchObject(
      wishes,
    )
    expect(() => echoFrame({ ...v4, source: v6.source }, echo)).toThrow('bug:')
  })
})
