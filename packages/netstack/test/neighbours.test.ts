/** Who is where: answers to others, questions of ours, and what is believed. */
import { parseInterfaceAddress, parseIp, parseMac, type Ip } from '@weft/core'
import {
  arpFrame,
  ARP_OPERATION,
  arpReplyFrame,
  arpRequestFrame,
  gratuitousArpFrame,
  neighbourAdvertisementFrame,
  neighbourSolicitationFrame,
  unsolicitedAdvertisementFrame,
  ZERO_MAC,
} from '@weft/wire'
import { describe, expect, test } from 'vitest'
import {
  NEIGHBOUR_QUEUE_LENGTH_MAX,
  NEIGHBOUR_REACHABLE_MS,
  NEIGHBOUR_RETRY_MS,
  NEIGHBOUR_TRIES_MAX,
  NEIGHBOURS_MAX,
  type UdpSocket,
} from '../src/index.ts'
import { Bench, FAMILIES, OUR_IP, OURS, THEIRS } from './stack-kit.ts'

const OTHER_MAC = parseMac('02:42:0a:00:01:63')
const NOTHING = new Uint8Array()

/** A stack and a socket of it. */
function open(): { readonly bench: Bench; readonly socket: UdpSocket } {
  const bench = new Bench()
  return { bench, socket: bench.stack.bindUdp() }
}

/** The destination MAC of each datagram sent. */
function datagrams(bench: Bench): string[] {
  const sent = bench.take().filter((lines) => lines.some((line) => line.startsWith('udp')))
  return sent.map(([ethernet]) => ethernet?.split(' ')[3] ?? '')
}

/** What is asked of others. */
function questions(bench: Bench): string[] {
  const lines = bench.take().map((layers) => layers.at(-1) ?? '')
  return lines.filter((line) => /who has|solicitation/.test(line))
}

describe('answers', () => {
  test('an ARP request for our address, and no other', async () => {
    const { bench } = open()
    const asker = { mac: THEIRS.mac, ip: THEIRS.ip[4] }
    await bench.give(arpRequestFrame(asker, OUR_IP[4]))
    expect(bench.take()).toEqual([
      [
        'ethernet 02:42:0a:00:01:02 > 02:42:0a:00:01:03 arp',
        'arp reply 10.0.1.2 is at 02:42:0a:00:01:02',
      ],
    ])
    const stranger = { mac: OTHER_MAC, ip: parseIp('10.0.1.8') }
    await bench.give(arpRequestFrame(stranger, parseIp('10.0.1.9')))
    expect(bench.take()).toEqual([])
    expect(bench.dropped('not-ours')).toBe(1)
  })

  test('an address probe is answered and teaches nothing (RFC 5227)', async () => {
    const { bench, socket } = open()
    const probe = { mac: THEIRS.mac, ip: parseIp('0.0.0.0') }
    await bench.give(arpRequestFrame(probe, OUR_IP[4]))
    expect(bench.take()[0]?.at(-1)).toBe('arp reply 10.0.1.2 is at 02:42:0a:00:01:02')
    socket.send({ ip: THEIRS.ip[4], port: 9 }, NOTHING)
    expect(datagrams(bench)).toEqual([])
  })

  test('a solicitation for our address', async () => {
    const { bench } = open()
    const asker = { mac: THEIRS.mac, ip: THEIRS.ip[6] }
    await bench.give(neighbourSolicitationFrame(asker, OUR_IP[6]))
    const [lines] = bench.take()
    expect(lines?.slice(0, 2)).toEqual([
      'ethernet 02:42:0a:00:01:02 > 02:42:0a:00:01:03 ipv6',
      'ipv6 fd00:1::2 > fd00:1::3 icmpv6 hops 255 payload 32',
    ])
    expect(lines?.at(-1)).toBe('icmpv6 fd00:1::2 is at 02:42:0a:00:01:02')
    await bench.give(neighbourSolicitationFrame(asker, parseIp('fd00:1::9')))
    expect(bench.take()).toEqual([])
  })

  test('who asks for us is known, and still asked before long', async () => {
    for (const family of FAMILIES) {
      const { bench, socket } = open()
      const asker = { mac: THEIRS.mac, ip: THEIRS.ip[family] }
      const ask = family === 4 ? arpRequestFrame : neighbourSolicitationFrame
      await bench.give(ask(asker, OUR_IP[family]))
      bench.take()
      socket.send({ ip: THEIRS.ip[family], port: 9 }, NOTHING)
      expect(bench.sent).toHaveLength(2)
      expect(datagrams(bench)).toEqual([THEIRS.mac])
    }
  })
})

describe('questions', () => {
  test.each(FAMILIES)('a datagram waits for the answer (IPv%i)', async (family) => {
    const { bench, socket } = open()
    socket.send({ ip: THEIRS.ip[family], port: 9 }, Uint8Array.of(1, 2))
    expect(questions(bench)).toHaveLength(1)
    await bench.introduce(family)
    expect(datagrams(bench)).toEqual([THEIRS.mac])
    socket.send({ ip: THEIRS.ip[family], port: 9 }, NOTHING)
    expect(bench.sent).toHaveLength(1)
  })

  test.each(FAMILIES)('are put three times; then it failed (IPv%i)', async (family) => {
    const { bench, socket } = open()
    const failures: unknown[] = []
    socket.events.on('unreachable', (what) => failures.push(what))
    socket.send({ ip: THEIRS.ip[family], port: 9 }, NOTHING)
    let asked = questions(bench).length
    for (let i = 1; i < NEIGHBOUR_TRIES_MAX; i++) {
      await bench.clock.advance(NEIGHBOUR_RETRY_MS - 1)
      expect(bench.sent).toEqual([])
      await bench.clock.advance(1)
      asked += questions(bench).length
    }
    expect(asked).toBe(NEIGHBOUR_TRIES_MAX)
    expect(failures).toEqual([])
    await bench.clock.advance(NEIGHBOUR_RETRY_MS)
    expect(failures).toEqual([
      {
        destination: THEIRS.ip[family],
        port: 9,
        reason: 'no-neighbour',
        reportedBy: null,
        mtuBytes: null,
      },
    ])
    expect(bench.unsent('no-neighbour')).toBe(1)
    expect(bench.clock.pending).toBe(0)
  })

  test('what waits for one neighbour is bounded: the oldest goes', async () => {
    const { bench, socket } = open()
    for (let i = 0; i <= NEIGHBOUR_QUEUE_LENGTH_MAX; i++) {
      socket.send({ ip: THEIRS.ip[4], port: 1 + i }, NOTHING)
    }
    expect(bench.unsent('neighbour-queue-full')).toBe(1)
    bench.take()
    await bench.introduce(4)
    const ports = bench.take().map((lines) => / > (\d+) /.exec(lines[2] ?? '')?.[1])
    expect(ports).toHaveLength(NEIGHBOUR_QUEUE_LENGTH_MAX)
    expect([ports[0], ports.at(-1)]).toEqual(['2', String(NEIGHBOUR_QUEUE_LENGTH_MAX + 1)])
  })

  test('the gateway is asked for what is elsewhere', async () => {
    const { bench, socket } = open()
    socket.send({ ip: parseIp('192.0.2.7'), port: 9 }, NOTHING)
    expect(questions(bench)).toEqual(['arp request who has 10.0.1.1 tell 10.0.1.2'])
    await bench.introduce(4, OTHER_MAC, parseIp('10.0.1.1'))
    expect(datagrams(bench)).toEqual([OTHER_MAC])
  })
})

test.each(FAMILIES)('who asks for us meanwhile is known (IPv%i)', async (family) => {
  const { bench, socket } = open()
  socket.send({ ip: THEIRS.ip[family], port: 9 }, NOTHING)
  bench.take()
  const ask = family === 4 ? arpRequestFrame : neighbourSolicitationFrame
  await bench.give(ask({ mac: THEIRS.mac, ip: THEIRS.ip[family] }, OUR_IP[family]))
  expect(datagrams(bench)).toEqual([THEIRS.mac])
  expect(bench.clock.pending).toBe(0)
})

describe('ageing', () => {
  test.each(FAMILIES)('an old answer is used, and asked for again (IPv%i)', async (family) => {
    const { bench, socket } = open()
    const send = (): void => socket.send({ ip: THEIRS.ip[family], port: 9 }, NOTHING)
    send()
    await bench.introduce(family)
    bench.take()
    await bench.clock.advance(NEIGHBOUR_REACHABLE_MS - 1)
    send()
    expect(bench.sent).toHaveLength(1)
    await bench.clock.advance(1)
    bench.take()
    send()
    expect(bench.sent).toHaveLength(2)
    expect(datagrams(bench)).toEqual([THEIRS.mac])
    await bench.introduce(family)
    send()
    expect(bench.sent).toHaveLength(1)
    expect(bench.clock.pending).toBe(0)
  })

  test('who does not answer again is forgotten', async () => {
    const { bench, socket } = open()
    const send = (): void => socket.send({ ip: THEIRS.ip[4], port: 9 }, NOTHING)
    send()
    await bench.introduce(4)
    await bench.clock.advance(NEIGHBOUR_REACHABLE_MS)
    send()
    await bench.clock.advance(NEIGHBOUR_TRIES_MAX * NEIGHBOUR_RETRY_MS)
    bench.take()
    send()
    expect(datagrams(bench)).toEqual([])
  })
})

describe('belief', () => {
  test('what others shout makes no entry', async () => {
    const { bench, socket } = open()
    const shouting = { mac: OTHER_MAC, ip: THEIRS.ip[4] }
    await bench.give(
      gratuitousArpFrame(shouting),
      arpReplyFrame(shouting, { mac: OURS.mac, ip: OUR_IP[4] }),
      unsolicitedAdvertisementFrame({ mac: OTHER_MAC, ip: THEIRS.ip[6] }),
    )
    for (const family of FAMILIES) socket.send({ ip: THEIRS.ip[family], port: 9 }, NOTHING)
    expect(datagrams(bench)).toEqual([])
    expect(bench.dropped('not-ours') + bench.dropped('unexpected')).toBe(3)
  })

  test.each(FAMILIES)('a neighbour may move: the entry follows (IPv%i)', async (family) => {
    const { bench, socket } = open()
    const to = { ip: THEIRS.ip[family], port: 9 }
    socket.send(to, NOTHING)
    await bench.introduce(family)
    bench.take()
    const moved = { mac: OTHER_MAC, ip: THEIRS.ip[family] }
    const announce = family === 4 ? gratuitousArpFrame : unsolicitedAdvertisementFrame
    await bench.give(announce(moved))
    socket.send(to, NOTHING)
    expect(bench.sent, 'and is asked whether it is so').toHaveLength(2)
    expect(datagrams(bench)).toEqual([OTHER_MAC])
  })

  test('an advertisement that does not override starts a question, no more', async () => {
    const { bench, socket } = open()
    const to = { ip: THEIRS.ip[6], port: 9 }
    socket.send(to, NOTHING)
    await bench.introduce(6)
    bench.take()
    const frame = neighbourAdvertisementFrame(
      { mac: OTHER_MAC, ip: to.ip },
      { mac: OURS.mac, ip: OUR_IP[6] },
    )
    // The override bit, and with it the checksum.
    frame[14 + 40 + 4] = 0x40
    const checksum = 14 + 40 + 2
    const sum = ((frame[checksum] ?? 0) << 8) + (frame[checksum + 1] ?? 0) + 0x2000
    const folded = (sum & 0xffff) + (sum >>> 16)
    frame.set([folded >>> 8, folded & 0xff], checksum)
    await bench.give(frame)
    expect(bench.dropped('bad-checksum')).toBe(0)
    socket.send(to, NOTHING)
    expect(bench.sent).toHaveLength(2)
    expect(datagrams(bench)).toEqual([THEIRS.mac])
  })

  test('our own address is ours, whoever says otherwise', async () => {
    const { bench } = open()
    await bench.give(
      gratuitousArpFrame({ mac: OTHER_MAC, ip: OUR_IP[4] }),
      unsolicitedAdvertisementFrame({ mac: OTHER_MAC, ip: OUR_IP[6] }),
      neighbourSolicitationFrame({ mac: OTHER_MAC, ip: OUR_IP[6] }, OUR_IP[6]),
    )
    expect(bench.dropped('address-conflict')).toBe(3)
    expect(bench.sent).toEqual([])
  })

  test('messages that break the rules teach nothing', async () => {
    const { bench } = open()
    const message = { operation: ARP_OPERATION.reply, senderIp: THEIRS.ip[4], targetIp: OUR_IP[4] }
    const frameOf = (senderMac: typeof ZERO_MAC): Uint8Array =>
      arpFrame(OURS.mac, { ...message, senderMac, targetMac: OURS.mac })
    const solicitation = neighbourSolicitationFrame(
      { mac: THEIRS.mac, ip: THEIRS.ip[6] },
      OUR_IP[6],
    )
    const forwarded = solicitation.slice()
    forwarded[14 + 7] = 254
    await bench.give(frameOf(ZERO_MAC), frameOf(parseMac('03:00:00:00:00:01')), forwarded)
    expect(bench.dropped('bad-neighbour')).toBe(3)
    const bent = solicitation.slice()
    bent[14 + 40 + 23] = (bent[14 + 40 + 23] ?? 0) ^ 1
    await bench.give(bent)
    expect(bench.dropped('bad-checksum')).toBe(1)
    expect(bench.sent).toEqual([])
  })
})

test('neighbours beyond the limit: the least used makes place, unless asked for', async () => {
  const addresses = [parseInterfaceAddress('10.0.1.2/16')]
  const bench = new Bench({ addresses, gateways: [] })
  const socket = bench.stack.bindUdp()
  const ipOf = (i: number): Ip => parseIp(`10.0.${2 + (i >> 8)}.${i & 0xff}`)
  for (let i = 0; i < NEIGHBOURS_MAX; i++) socket.send({ ip: ipOf(i), port: 9 }, NOTHING)
  expect(bench.unsent('neighbours-full')).toBe(0)
  const last = { ip: ipOf(NEIGHBOURS_MAX), port: 9 }
  socket.send(last, NOTHING)
  expect(bench.unsent('neighbours-full')).toBe(1)
  await bench.introduce(4, OTHER_MAC, ipOf(5))
  bench.take()
  socket.send(last, NOTHING)
  expect(bench.unsent('neighbours-full')).toBe(1)
  expect(questions(bench)).toHaveLength(1)
  socket.send({ ip: ipOf(5), port: 9 }, NOTHING)
  expect(bench.unsent('neighbours-full')).toBe(2)
})
