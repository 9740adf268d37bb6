/** Frames that are not for us, or that nothing here is for: counted, never answered. */
import { parseIp, writeIp } from '@weft/core'
import {
  ALL_NODES,
  echoFrame,
  ethernet,
  icmp,
  IP_PROTOCOL,
  ipv4,
  ipv6,
  neighbourSolicitationFrame,
  PacketBuffer,
  sealIpFrame,
  solicitedNode,
  multicastMac,
  udpFrame,
  type Ipv4Header,
  type Ipv6Extension,
  type VlanTag,
} from '@weft/wire'
import { describe, expect, test } from 'vitest'
import { NetStack, type ReceiveDrop } from '../src/index.ts'
import { Bench, OUR_IP, OURS, THEIRS, toUs } from './stack-kit.ts'
import { VirtualClock, SeededRandom } from '@weft/core/testing'

const PAYLOAD = Uint8Array.of(1, 2, 3)
const DATAGRAM = { sourcePort: 9, destinationPort: 53, payload: PAYLOAD }

/** A datagram to us whose IPv4 header was changed. */
function changedIpv4(change: Partial<Ipv4Header>): Uint8Array {
  const frame = udpFrame(toUs(4), DATAGRAM)
  ipv4.write(frame, 14, { ...ipv4.decode(frame, 14), ...change })
  return frame
}

/** A packet to us with extension headers. */
function extended(extensions: readonly Ipv6Extension[]): Uint8Array {
  const header = {
    ...ipv6.decode(udpFrame(toUs(6), DATAGRAM), 14),
    extensions,
    payloadLength: 8 * extensions.length + 16,
  }
  const frame = new Uint8Array(14 + ipv6.lengthOf(header) + 16)
  ethernet.write(frame, 0, {
    destination: OURS.mac,
    source: THEIRS.mac,
    tags: [],
    etherType: 0x86dd,
  })
  ipv6.write(frame, 14, header)
  return frame
}

function fragmentHeader(offset: number, more: boolean): Ipv6Extension {
  return { kind: 'fragment', offset, more, identification: 7, reserved: 0 }
}

function icmpFrame(type: number): Uint8Array {
  const message = { kind: 'other', type, code: 0, rest: 0, body: PAYLOAD } as const
  const packet = new PacketBuffer(icmp.lengthOf(message))
  icmp.write(packet.bytes, packet.extend(icmp.lengthOf(message)), message)
  return sealIpFrame(packet, toUs(4), IP_PROTOCOL.icmp)
}

function raw(etherType: number, tags: readonly VlanTag[] = []): Uint8Array {
  const header = { destination: OURS.mac, source: THEIRS.mac, tags, etherType }
  const frame = new Uint8Array(60)
  ethernet.write(frame, 0, header)
  return frame
}

const tag = { etherType: 0x8100, priority: 0, dropEligible: false, vlanId: 7 }
const toAnotherMac = { ...toUs(4), destinationMac: THEIRS.mac }
const forAnother = { ...toUs(4), destination: parseIp('10.0.1.9') }
const echo = { identifier: 1, sequence: 1, body: PAYLOAD }

const ECHO_REQUEST = { kind: 'echo-request', ...echo } as const

/** The same with another last byte. */
function bent(frame: Uint8Array): Uint8Array {
  return Uint8Array.from([...frame.subarray(0, -1), (frame.at(-1) ?? 0) ^ 1])
}

const cases: readonly [string, ReceiveDrop, () => Uint8Array][] = [
  ['an empty frame', 'short', () => new Uint8Array()],
  ['a header cut short', 'short', () => new Uint8Array(13)],
  ['another’s MAC', 'not-ours', () => udpFrame(toAnotherMac, DATAGRAM)],
  ['another’s address', 'not-ours', () => udpFrame(forAnother, DATAGRAM)],
  ['a VLAN', 'unhandled', () => raw(0x0800, [tag])],
  ['another EtherType', 'unhandled', () => raw(0x88b5)],
  ['a length in place of an EtherType', 'unhandled', () => raw(46)],
  ['ARP of other kinds', 'bad-type', () => raw(0x0806)],
  ['IPv4 that is none', 'bad-version', () => raw(0x0800)],
  ['IPv6 that is none', 'bad-version', () => raw(0x86dd)],
  ['a wrong IPv4 checksum', 'bad-checksum', () => udpFrame(toUs(4), DATAGRAM).fill(0, 24, 26)],
  ['a wrong ICMP checksum', 'bad-checksum', () => bent(echoFrame(toUs(4), ECHO_REQUEST))],
  ['a wrong ICMPv6 checksum', 'bad-checksum', () => bent(echoFrame(toUs(6), ECHO_REQUEST))],
  ['a first fragment', 'fragment', () => changedIpv4({ moreFragments: true })],
  ['a later fragment', 'fragment', () => changedIpv4({ fragmentOffset: 8 })],
  ['a fragment over IPv6', 'fragment', () => extended([fragmentHeader(0, true)])],
  ['a later one over IPv6', 'fragment', () => extended([fragmentHeader(8, false)])],
  ['an atomic fragment', 'extension', () => extended([fragmentHeader(0, false)])],
  [
    'options of IPv6',
    'extension',
    () => extended([{ kind: 'other', type: 60, body: Uint8Array.of(1, 4, 0, 0, 0, 0) }]),
  ],
  ['an unknown ICMP type', 'unhandled', () => icmpFrame(13)],
  ['an unwanted answer', 'unexpected', () => echoFrame(toUs(4), { kind: 'echo-reply', ...echo })],
  [
    'an echo request to a group',
    'not-ours',
    () =>
      echoFrame(
        { ...toUs(6), destinationMac: multicastMac(ALL_NODES), destination: ALL_NODES },
        { kind: 'echo-request', ...echo },
      ),
  ],
]

test.each(cases)('%s', async (_, reason, frame) => {
  const bench = new Bench()
  bench.stack.bindUdp({ port: 53 })
  await bench.give(frame())
  const { accepted, dropped, received, transmitted } = bench.stack.counters()
  expect(dropped).toEqual(new Map([[reason, 1]]))
  expect([received, accepted, transmitted]).toEqual([1, 0, 0])
  expect(bench.sent).toEqual([])
})

test('nothing is known before the attachment said who we are', async () => {
  const clock = new VirtualClock()
  const stack = new NetStack({ clock, random: new SeededRandom(1) })
  stack.deliver(udpFrame(toUs(4), DATAGRAM))
  await clock.advance(0)
  expect(stack.counters().dropped).toEqual(new Map([['unconfigured', 1]]))
  expect(stack.addresses).toEqual([])
})

describe('duplicate address detection of others', () => {
  const target = OUR_IP[6]
  const group = solicitedNode(target)

  /** A solicitation from nobody, with or without a link-layer address. */
  function probe(isStated: boolean): Uint8Array {
    const source = parseIp('::')
    if (isStated) return neighbourSolicitationFrame({ mac: THEIRS.mac, ip: source }, target)
    const packet = new PacketBuffer(24)
    const at = packet.extend(24)
    packet.bytes[at] = 135
    writeIp(packet.bytes, at + 8, target)
    const macs = { sourceMac: THEIRS.mac, destinationMac: multicastMac(group) }
    return sealIpFrame(
      packet,
      { ...macs, source, destination: group, ttl: 255 },
      IP_PROTOCOL.icmpv6,
    )
  }

  test('is answered to all', async () => {
    const bench = new Bench()
    await bench.give(probe(false))
    expect(bench.take()).toMatchObject([
      [
        'ethernet 02:42:0a:00:01:02 > 33:33:00:00:00:01 ipv6',
        'ipv6 fd00:1::2 > ff02::1 icmpv6 hops 255 payload 32',
        'icmpv6 fd00:1::2 is at 02:42:0a:00:01:02',
      ],
    ])
  })

  test('must not say where it comes from', async () => {
    const bench = new Bench()
    await bench.give(probe(true))
    expect(bench.dropped('bad-neighbour')).toBe(1)
  })
})

test('what was delivered before the stack was closed is not dealt with after it', async () => {
  const { clock, sent, stack } = new Bench()
  stack.deliver(echoFrame(toUs(4), ECHO_REQUEST))
  stack[Symbol.dispose]()
  expect(clock.pending).toBe(0)
  await clock.advance(0)
  expect(sent).toEqual([])
})

test('what is delivered is answered in a later turn', async () => {
  const bench = new Bench()
  bench.stack.deliver(echoFrame(toUs(4), { kind: 'echo-request', ...echo }))
  expect(bench.sent).toEqual([])
  await bench.clock.advance(0)
  expect(bench.sent).toHaveLength(1)
})
