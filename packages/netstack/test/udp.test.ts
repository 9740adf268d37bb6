/** Sockets of a program: datagrams both ways, their bounds, and what is said when none arrive. */
import { parseIp, type Ip } from '@weft/core'
import { VirtualClock } from '@weft/core/testing'
import { sealIpFrame, udp, udpFrame, IP_PROTOCOL, PacketBuffer, type Envelope } from '@weft/wire'
import { describe, expect, test } from 'vitest'
import {
  ERRORS_PER_SECOND_MAX,
  INBOX_LENGTH_MAX,
  NetStack,
  QUOTE_BYTES_MAX,
  SOCKETS_MAX,
  UDP_QUEUE_LENGTH_MAX,
  type UdpMessage,
  type UdpSocket,
  type UndeliveredDatagram,
} from '../src/index.ts'
import { Bench, FAMILIES, linesOf, OUR_IP, THEIRS, toUs, wired } from './stack-kit.ts'

const HEADER_BYTES = { 4: 28, 6: 48 } as const
const NOTHING: Uint8Array = new Uint8Array()

/** Reads messages into an array until the socket is closed. */
function collect(socket: UdpSocket): UdpMessage[] {
  const messages: UdpMessage[] = []
  void (async () => {
    for await (const message of socket.messages()) messages.push(message)
  })()
  return messages
}

function bytesOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => 7 * i)
}

/** A datagram to us, from port 9. */
function datagram(family: 4 | 6, destinationPort: number, payload = NOTHING): Uint8Array {
  return udpFrame(toUs(family), { sourcePort: 9, destinationPort, payload })
}

describe.each(FAMILIES)('between two programs, over IPv%i', (family) => {
  test('a question and its answer', async () => {
    const clock = new VirtualClock()
    const [one, two] = wired(clock)
    const [asking, answering] = [one.bindUdp(), two.bindUdp({ port: 53 })]
    const questions = collect(answering)
    const answers = collect(asking)
    asking.send({ ip: THEIRS.ip[family], port: 53 }, bytesOf(3))
    await clock.advance(10)
    const from = { ip: OUR_IP[family], port: asking.port }
    expect(questions).toEqual([{ from, to: THEIRS.ip[family], bytes: bytesOf(3) }])
    answering.send(from, bytesOf(5))
    await clock.advance(10)
    const back = { ip: THEIRS.ip[family], port: 53 }
    expect(answers).toEqual([{ from: back, to: OUR_IP[family], bytes: bytesOf(5) }])
  })

  test('as large as the MTU allows, and no larger', async () => {
    const clock = new VirtualClock()
    const [one, two] = wired(clock)
    const messages = collect(two.bindUdp({ port: 53 }))
    const socket = one.bindUdp()
    const bytesMax = 1450 - HEADER_BYTES[family]
    const to = { ip: THEIRS.ip[family], port: 53 }
    socket.send(to, bytesOf(bytesMax))
    await clock.advance(10)
    expect(messages.map(({ bytes }) => bytes)).toEqual([bytesOf(bytesMax)])
    const details = { bytes: bytesMax + 1, bytesMax }
    const tooLong = expect.objectContaining({ code: 'ERR_MESSAGE_TOO_LONG', details })
    expect(() => socket.send(to, bytesOf(bytesMax + 1))).toThrow(tooLong)
  })

  test('a closed port is told to the socket that sent', async () => {
    const clock = new VirtualClock()
    const [one, two] = wired(clock)
    const socket = one.bindUdp()
    const told: UndeliveredDatagram[] = []
    socket.events.on('unreachable', (what) => void told.push(what))
    socket.send({ ip: THEIRS.ip[family], port: 53 }, bytesOf(1400))
    await clock.advance(10)
    const destination = THEIRS.ip[family]
    const reason = { reason: 'port', reportedBy: destination, mtuBytes: null }
    expect(told).toEqual([{ destination, port: 53, ...reason }])
    expect(two.counters().dropped).toEqual(new Map([['no-socket', 1]]))
  })

  test('a program reaches itself', async () => {
    const bench = new Bench()
    const messages = collect(bench.stack.bindUdp({ port: 53 }))
    const socket = bench.stack.bindUdp()
    socket.send({ ip: OUR_IP[family], port: 53 }, bytesOf(3))
    await bench.clock.advance(0)
    expect(messages).toMatchObject([{ from: { ip: OUR_IP[family] }, bytes: bytesOf(3) }])
    expect(bench.sent).toEqual([])
  })
})

describe('checksums', () => {
  /** A datagram whose checksum field is this. */
  function withChecksum(family: 4 | 6, value: number): Uint8Array {
    const frame = datagram(family, 53, bytesOf(4))
    frame.set([value >>> 8, value & 0xff], 14 + (family === 4 ? 20 : 40) + 6)
    return frame
  }

  test('none at all is fine over IPv4 only; a wrong one is not', async () => {
    const bench = new Bench()
    const messages = collect(bench.stack.bindUdp({ port: 53 }))
    await bench.give(withChecksum(4, 0))
    expect(messages).toHaveLength(1)
    await bench.give(withChecksum(6, 0), withChecksum(4, 1), withChecksum(6, 1))
    expect(messages).toHaveLength(1)
    expect(bench.dropped('bad-checksum')).toBe(3)
  })

  test('a length that the packet does not hold', async () => {
    const bench = new Bench()
    bench.stack.bindUdp({ port: 53 })
    const packet = new PacketBuffer(8)
    const header = { sourcePort: 9, destinationPort: 53, length: 9, checksum: 0 }
    udp.write(packet.bytes, packet.extend(8), header)
    await bench.give(sealIpFrame(packet, toUs(4), IP_PROTOCOL.udp))
    expect(bench.dropped('short')).toBe(1)
  })
})

describe('ports', () => {
  test('one socket each; free again once it is closed', () => {
    const { stack } = new Bench()
    const first = stack.bindUdp({ port: 53 })
    const taken = expect.objectContaining({ code: 'ERR_ADDRESS_IN_USE' })
    expect(() => stack.bindUdp({ port: 53 })).toThrow(taken)
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    expect(stack.bindUdp({ port: 53 }).port).toBe(53)
  })

  test('one that nobody asked for is between 49152 and 65535, and differs', () => {
    const { stack } = new Bench()
    const ports = Array.from({ length: 50 }, () => stack.bindUdp().port)
    expect(new Set(ports).size).toBe(50)
    for (const port of ports) expect(port).toBeGreaterThanOrEqual(49_152)
  })

  test('SOCKETS_MAX of them', () => {
    const { stack } = new Bench()
    const sockets = Array.from({ length: SOCKETS_MAX }, () => stack.bindUdp())
    const details = { what: 'sockets', max: SOCKETS_MAX }
    const many = expect.objectContaining({ code: 'ERR_TOO_MANY', details })
    expect(() => stack.bindUdp()).toThrow(many)
    sockets[0]?.[Symbol.dispose]()
    stack.bindUdp()
  })

  test.each([0, 65_536, -1, 1.5, NaN])('%d is none', (port) => {
    const { stack } = new Bench()
    const invalid = expect.objectContaining({ code: 'ERR_INVALID_VALUE' })
    expect(() => stack.bindUdp({ port })).toThrow(invalid)
    expect(() => stack.bindUdp().send({ ip: THEIRS.ip[4], port }, NOTHING)).toThrow(invalid)
  })
})

describe('where nothing can go', () => {
  const cases: readonly [string, string][] = [
    ['255.255.255.255', 'not-unicast'],
    ['10.0.1.255', 'not-unicast'],
    ['10.0.1.0', 'not-unicast'],
    ['224.0.0.251', 'not-unicast'],
    ['ff02::fb', 'not-unicast'],
    ['127.0.0.1', 'not-unicast'],
    ['::1', 'not-unicast'],
    ['0.0.0.0', 'not-unicast'],
    ['192.0.2.1', 'no-gateway'],
    ['2001:db8::1', 'no-address'],
  ]
  test.each(cases)('%s: %s', (ip, reason) => {
    const { stack } = new Bench({ addresses: ['10.0.1.2/24' as never], gateways: [] })
    const send = (): void => stack.bindUdp().send({ ip: parseIp(ip), port: 9 }, NOTHING)
    const details = { destination: ip, reason: ip === 'ff02::fb' ? 'not-unicast' : reason }
    expect(send).toThrow(expect.objectContaining({ code: 'ERR_NO_ROUTE', details }))
  })

  test('before the attachment said who we are', () => {
    const random = { below: () => 0, fork: () => random }
    const stack = new NetStack({ clock: new VirtualClock(), random })
    const send = (): void => stack.bindUdp().send({ ip: THEIRS.ip[4], port: 9 }, NOTHING)
    const details = { destination: THEIRS.ip[4], reason: 'unconfigured' }
    expect(send).toThrow(expect.objectContaining({ code: 'ERR_NO_ROUTE', details }))
  })
})

describe('bounds', () => {
  test('a socket that nobody reads keeps UDP_QUEUE_LENGTH_MAX', async () => {
    const bench = new Bench()
    const socket = bench.stack.bindUdp({ port: 53 })
    const frames = Array.from({ length: UDP_QUEUE_LENGTH_MAX }, (_, i) =>
      datagram(4, 53, Uint8Array.of(i & 0xff)),
    )
    await bench.give(...frames)
    expect(bench.dropped('socket-full')).toBe(0)
    await bench.give(datagram(4, 53))
    expect(bench.dropped('socket-full')).toBe(1)
    const messages = collect(socket)
    await bench.clock.advance(0)
    expect(messages).toHaveLength(UDP_QUEUE_LENGTH_MAX)
  })

  test('a turn takes INBOX_LENGTH_MAX frames', async () => {
    const bench = new Bench()
    const frames = Array.from({ length: INBOX_LENGTH_MAX }, () => new Uint8Array(60))
    await bench.give(...frames)
    expect(bench.dropped('inbox-full')).toBe(0)
    await bench.give(...frames, new Uint8Array(60))
    expect(bench.dropped('inbox-full')).toBe(1)
  })

  test('ERRORS_PER_SECOND_MAX refusals, then one each hundredth of a second', async () => {
    const bench = new Bench()
    await bench.give(datagram(4, 1))
    await bench.introduce(4)
    const many = Array.from({ length: ERRORS_PER_SECOND_MAX }, () => datagram(4, 1))
    bench.take()
    await bench.give(...many)
    expect(bench.sent).toHaveLength(ERRORS_PER_SECOND_MAX - 1)
    expect(bench.unsent('error-rate')).toBe(1)
    expect(bench.dropped('no-socket')).toBe(ERRORS_PER_SECOND_MAX + 1)
    await bench.clock.advance(1000 / ERRORS_PER_SECOND_MAX)
    bench.take()
    await bench.give(...many)
    expect(bench.sent).toHaveLength(1)
  })

  test.each(FAMILIES)('a refusal quotes QUOTE_BYTES_MAX at most (IPv%i)', async (family) => {
    const bench = new Bench()
    const header = HEADER_BYTES[family] - 8
    const quoted = async (bytes: number): Promise<number> => {
      const payload = new Uint8Array(bytes - HEADER_BYTES[family])
      await bench.give(datagram(family, 1, payload))
      await bench.introduce(family)
      const frame = bench.sent.splice(0).at(-1) ?? NOTHING
      return frame.length - 14 - header - 8
    }
    const max = QUOTE_BYTES_MAX[family]
    expect(await quoted(max - 1)).toBe(max - 1)
    expect(await quoted(max)).toBe(max)
    expect(await quoted(max + 1)).toBe(max)
  })
})

describe('refusals', () => {
  test.each(FAMILIES)('a protocol that nothing is for (IPv%i)', async (family) => {
    const bench = new Bench()
    const packet = PacketBuffer.of(new Uint8Array(20))
    await bench.give(sealIpFrame(packet, toUs(family), 132))
    await bench.introduce(family)
    const said = linesOf(bench.sent.at(-1) ?? NOTHING)[2]
    const words = { 4: 'icmp unreachable code 2', 6: 'icmpv6 type 4 code 1' }
    expect(said).toBe(words[family])
    expect(bench.dropped('unhandled')).toBe(1)
  })

  test('nobody is refused who spoke to a group, or whose address is none', async () => {
    const bench = new Bench()
    const to = (change: Partial<Envelope>): Uint8Array =>
      udpFrame(
        { ...toUs(4), ...change },
        { sourcePort: 9, destinationPort: 1, payload: NOTHING },
      )
    const strange = ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255', '10.0.1.255']
    await bench.give(
      to({ destinationMac: 'ff:ff:ff:ff:ff:ff' as never }),
      to({ destination: '10.0.1.255' as Ip }),
      to({ destination: '224.0.0.1' as Ip }),
      ...strange.map((ip) => to({ source: ip as Ip })),
      to({ source: OUR_IP[4] }),
    )
    expect(bench.sent).toEqual([])
    expect(bench.dropped('not-ours')).toBe(3)
    expect(bench.dropped('bad-source')).toBe(strange.length + 1)
  })
})

describe('reading', () => {
  test('ends when the socket is closed', async () => {
    const { stack } = new Bench()
    const socket = stack.bindUdp()
    const reading = (async () => {
      for await (const _ of socket.messages()) throw new Error('there was nothing to read')
      return 'ended'
    })()
    socket[Symbol.dispose]()
    expect(await reading).toBe('ended')
    const closed = expect.objectContaining({ code: 'ERR_CLOSED', details: { what: 'socket' } })
    expect(() => socket.send({ ip: THEIRS.ip[4], port: 9 }, NOTHING)).toThrow(closed)
  })

  test('throws the signal’s reason', async () => {
    const { stack } = new Bench()
    const stop = new AbortController()
    const reading = stack.bindUdp().messages({ signal: stop.signal })[Symbol.asyncIterator]().next()
    stop.abort(new Error('enough'))
    await expect(reading).rejects.toThrow('enough')
  })

  test('by two: each datagram goes to one of them', async () => {
    const bench = new Bench()
    const socket = bench.stack.bindUdp({ port: 53 })
    const [one, two] = [collect(socket), collect(socket)]
    for (let i = 0; i < 10; i++) await bench.give(datagram(4, 53, Uint8Array.of(i)))
    const heard = [...one, ...two].map(({ bytes }) => bytes[0] ?? -1)
    expect(heard.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
})

test('a stack that was closed is gone for good', async () => {
  const bench = new Bench()
  const { stack } = bench
  const socket = stack.bindUdp()
  const reading = socket.messages()[Symbol.asyncIterator]().next()
  socket.send({ ip: THEIRS.ip[4], port: 9 }, NOTHING)
  stack[Symbol.dispose]()
  stack[Symbol.dispose]()
  expect(stack.present).toBe(false)
  expect((await reading).done).toBe(true)
  const closed = expect.objectContaining({ code: 'ERR_CLOSED', details: { what: 'stack' } })
  expect(() => stack.bindUdp()).toThrow(closed)
  await expect(stack.ping(THEIRS.ip[4])).rejects.toEqual(closed)
  expect(() => stack.configure(undefined as never)).toThrow(closed)
  await bench.give(datagram(4, 53))
  expect(stack.counters().received).toBe(0)
  expect(bench.clock.pending).toBe(0)
})
