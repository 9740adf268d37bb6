/** Batches of datagrams: what is sent arrives, joined or not; what is refused is counted. */
import { parseIp, setU32, u32, type Ip } from '@weft/core'
import {
  DatagramReceiver,
  DatagramSender,
  Destinations,
  DESTINATIONS_MAX,
  errno,
  openDatagramSocket,
  openRawDatagramSocket,
  PinnedMemory,
  PollSet,
  RECEIVE_SLOTS_MAX,
  SEGMENTATION_RETRY_SENDS,
  SEGMENTED_BYTES_MAX,
  SEGMENTS_MAX,
  SEND_MESSAGES_MAX,
  SEND_WAIT_MS,
  type DatagramOptions,
  type DatagramSocket,
} from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { atEnd, run, scratchPair } from './scratch.ts'

const SLOT_BYTES = 66_000
const HEADROOM = 128

function receiver(slots = 64): DatagramReceiver {
  const memory = PinnedMemory.allocate(slots * SLOT_BYTES)
  const starts = Array.from({ length: slots }, (_, i) => i * SLOT_BYTES + HEADROOM)
  return new DatagramReceiver({ memory, slots: starts, slotBytes: SLOT_BYTES - HEADROOM })
}

function openIn(namespace: string, ip: Ip, more: Partial<DatagramOptions> = {}): DatagramSocket {
  const socket = openDatagramSocket({ namespace, local: { ip, port: 0 }, ...more })
  atEnd(() => socket.close())
  return socket
}

interface Wire {
  readonly from: DatagramSocket
  readonly to: DatagramSocket
  readonly sender: DatagramSender
  readonly destinations: Destinations
  readonly destination: number
  readonly paths: readonly [string, string]
}

/** A sender in one namespace, a socket in another. */
function wire(more: Partial<DatagramOptions> = {}, ips = ['10.0.0.1', '10.0.0.2']): Wire {
  const [a, b] = scratchPair()
  const [one = '', two = ''] = ips
  const from = openIn(a.path, parseIp(one), { sendBufferBytes: 8 << 20, ...more })
  const to = openIn(b.path, parseIp(two), { coalesce: true, receiveBufferBytes: 8 << 20 })
  const destinations = new Destinations()
  const destination = destinations.add(to.address)
  const sender = new DatagramSender({ socket: from, destinations, messagesMax: 64 })
  return { from, to, sender, destinations, destination, paths: [a.path, b.path] }
}

/** Bytes that tell where they come from: each word its own offset. */
function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at + 4 <= length; at += 4) setU32(bytes, at, at)
  return bytes
}

/** Receive when something is there: the kernel delivers in its own time. */
function receiveSome(into: DatagramReceiver, fd: number, countMax?: number): number {
  const set = new PollSet()
  set.add(fd, 'readable')
  expect(set.wait(5000)).toBe(1)
  return into.receive(fd, countMax)
}

const shared = receiver()

/** The next datagrams, taken apart into single ones. */
function receiveDatagrams({ to }: Wire, expected: number): Uint8Array[] {
  const datagrams: Uint8Array[] = []
  const from = shared
  while (datagrams.length < expected) {
    const count = receiveSome(from, to.fd)
    expect(count).toBeGreaterThan(0)
    for (let i = 0; i < count; i++) {
      expect(from.isCut(i)).toBe(false)
      const [start, end] = [from.startOf(i), from.endOf(i)]
      const segment = from.segmentBytesOf(i) === 0 ? end - start : from.segmentBytesOf(i)
      for (let at = start; at < end; at += segment) {
        datagrams.push(from.memory.bytes.slice(at, Math.min(end, at + segment)))
      }
    }
  }
  expect(from.receive(to.fd)).toBe(-errno.EAGAIN)
  return datagrams
}

describe('datagrams', () => {
  test('of many lengths arrive whole and in order', () => {
    const net = wire()
    const bytes = pattern(64_000)
    const lengths = [64, 64, 64, 1, 64, 1400, 1400, 1400, 700, 1400, 8, 8, 9, 9]
    let at = 0
    for (const length of lengths) {
      net.sender.queue(bytes, at, at + length, 0, net.destination)
      at += length
    }
    net.sender.flush()
    const got = receiveDatagrams(net, lengths.length)
    expect(got.map(({ length }) => length)).toEqual(lengths)
    expect(Buffer.concat(got)).toEqual(Buffer.from(bytes.subarray(0, at)))
    expect(net.sender.counters()).toEqual({
      sent: lengths.length,
      calls: 1,
      congested: 0,
      unsegmented: 0,
      refused: new Map(),
    })
  })

  test('of one piece of memory leave as segments and arrive as they left', () => {
    const net = wire()
    expect(net.from.segmentation).toBeNull()
    expect(net.to.coalescing).toBeNull()
    const bytes = pattern(60_000)
    net.sender.queue(bytes, 0, 60_000, 1400, net.destination)
    net.sender.flush()
    const into = receiver(1)
    expect(receiveSome(into, net.to.fd)).toBe(1)
    expect(into.segmentBytesOf(0)).toBe(1400)
    expect(into.endOf(0) - into.startOf(0)).toBe(60_000)
    expect(into.memory.bytes.subarray(into.startOf(0), into.endOf(0))).toEqual(bytes)
    expect(net.sender.counters().sent).toBe(Math.ceil(60_000 / 1400))
  })

  test('that are equal are joined: as many as one message may hold', () => {
    const net = wire()
    const bytes = pattern(4)
    for (let i = 0; i < SEGMENTS_MAX + 1; i++) net.sender.queue(bytes, 0, 4, 0, net.destination)
    net.sender.flush()
    const into = receiver(4)
    expect(receiveSome(into, net.to.fd)).toBe(2)
    expect(into.endOf(0) - into.startOf(0)).toBe(4 * SEGMENTS_MAX)
    expect([into.segmentBytesOf(0), into.segmentBytesOf(1)]).toEqual([4, 0])
  })

  test('of more segments or bytes than one message may have become several', () => {
    const net = wire()
    const many = pattern(100 * (SEGMENTS_MAX * 2 + 1))
    net.sender.queue(many, 0, many.length, 100, net.destination)
    const long = pattern(2 * SEGMENTED_BYTES_MAX)
    net.sender.queue(long, 0, long.length, 1300, net.destination)
    net.sender.flush()
    const got = receiveDatagrams(net, SEGMENTS_MAX * 2 + 1 + 100)
    expect(Buffer.concat(got)).toEqual(Buffer.concat([many, long]))
    expect(net.sender.counters().calls).toBe(1)
  })

  test('say who sent them', () => {
    const v4 = wire()
    const into = receiver(2)
    v4.sender.queue(pattern(8), 0, 8, 0, v4.destination)
    v4.sender.flush()
    expect(receiveSome(into, v4.to.fd)).toBe(1)
    expect(into.familyOf(0)).toBe(4)
    expect(into.sourceIpOf(0)).toBe(0x0a000001)
    expect(into.sourcePortOf(0)).toBe(v4.from.address.port)
    const v6 = wire({}, ['fd00::1', 'fd00::2'])
    v6.sender.queue(pattern(8), 0, 8, 0, v6.destination)
    v6.sender.flush()
    expect(receiveSome(into, v6.to.fd)).toBe(1)
    expect(into.familyOf(0)).toBe(6)
    expect(into.sourcePortOf(0)).toBe(v6.from.address.port)
    const ip = new Int32Array(5)
    into.copySourceIp6(0, ip, 1)
    expect([...ip]).toEqual([0, 0xfd00_0000 | 0, 0, 0, 1])
  })

  test('longer than a slot are cut and say so', () => {
    const net = wire()
    net.sender.queue(pattern(1000), 0, 1000, 0, net.destination)
    net.sender.flush()
    const memory = PinnedMemory.allocate(600)
    const into = new DatagramReceiver({ memory, slots: [100], slotBytes: 500 })
    expect(receiveSome(into, net.to.fd)).toBe(1)
    expect(into.isCut(0)).toBe(true)
    expect(into.endOf(0)).toBe(600)
  })

  test('wait for each other when a receiver takes fewer', () => {
    const net = wire({ coalesce: false })
    const bytes = pattern(300)
    for (const length of [100, 200, 300]) net.sender.queue(bytes, 0, length, 0, net.destination)
    net.sender.flush()
    const into = receiver(8)
    expect(receiveSome(into, net.to.fd, 2)).toBe(2)
    expect(receiveSome(into, net.to.fd)).toBe(1)
    expect(into.endOf(0) - into.startOf(0)).toBe(300)
  })

  test('more than a sender holds go out on the way', () => {
    const net = wire()
    const bytes = pattern(2000)
    for (let i = 0; i < 200; i++) net.sender.queue(bytes, 0, 100 + i, 0, net.destination)
    net.sender.flush()
    net.sender.flush()
    expect(receiveDatagrams(net, 200).map(({ length }) => length)).toEqual(
      Array.from({ length: 200 }, (_, i) => 100 + i),
    )
    expect(net.sender.counters().calls).toBe(4)
  })
})

describe('where a path takes no segments', () => {
  test('their datagrams go one by one, in fragments if need be', () => {
    const net = wire({ dontFragment: false })
    run(`nsenter --net=${net.paths[0]} ip link set eth0 mtu 1000`)
    const bytes = pattern(14_000)
    net.sender.queue(bytes, 0, 14_000, 1400, net.destination)
    net.sender.queue(bytes, 0, 10, 0, net.destination)
    net.sender.flush()
    const got = receiveDatagrams(net, 11)
    expect(got.map(({ length }) => length)).toEqual([...Array<number>(10).fill(1400), 10])
    expect(Buffer.concat(got.slice(0, 10))).toEqual(Buffer.from(bytes))
    expect(net.sender.counters()).toMatchObject({ sent: 11, unsegmented: 1, refused: new Map() })
  })

  test('it is asked again later, and gets them when it can', () => {
    const net = wire({ dontFragment: false })
    run(`nsenter --net=${net.paths[0]} ip link set eth0 mtu 1000`)
    const bytes = pattern(2800)
    const send = (): void => {
      net.sender.queue(bytes, 0, 2800, 1400, net.destination)
      net.sender.flush()
    }
    send()
    run(`nsenter --net=${net.paths[0]} ip link set eth0 mtu 1500`)
    expect(receiveDatagrams(net, 2)).toHaveLength(2)
    for (let i = 0; i < SEGMENTATION_RETRY_SENDS; i++) {
      const { calls } = net.sender.counters()
      send()
      expect(net.sender.counters().calls).toBe(calls + 1)
      expect(receiveDatagrams(net, 2)).toHaveLength(2)
    }
    send()
    const into = receiver(1)
    expect(receiveSome(into, net.to.fd)).toBe(1)
    expect(into.segmentBytesOf(0)).toBe(1400)
    expect(net.sender.counters().unsegmented).toBe(1)
  })

  test('and nothing may be fragmented, they are refused and counted', () => {
    const net = wire({ dontFragment: true })
    run(`nsenter --net=${net.paths[0]} ip link set eth0 mtu 1000`)
    const bytes = pattern(2800)
    net.sender.queue(bytes, 0, 2800, 1400, net.destination)
    net.sender.queue(bytes, 0, 972, 0, net.destination)
    net.sender.flush()
    expect(receiveDatagrams(net, 1).map(({ length }) => length)).toEqual([972])
    const refused = new Map([['EMSGSIZE', 2]])
    expect(net.sender.counters()).toMatchObject({ sent: 1, unsegmented: 1, refused })
  })
})

describe('what cannot be sent', () => {
  test('is counted, and what follows goes on', () => {
    const net = wire()
    const nowhere = net.destinations.add({ ip: parseIp('192.0.2.1'), port: 9 })
    const bytes = pattern(100)
    net.sender.queue(bytes, 0, 100, 0, nowhere)
    net.sender.queue(bytes, 0, 100, 0, nowhere)
    net.sender.queue(bytes, 0, 50, 0, net.destination)
    net.sender.flush()
    expect(receiveDatagrams(net, 1)).toHaveLength(1)
    expect(net.sender.counters()).toMatchObject({ sent: 1, refused: new Map([['ENETUNREACH', 2]]) })
  })

  test('for want of room is thrown away after a moment', () => {
    const net = wire({ sendBufferBytes: 4096 })
    // Without a neighbour packets wait in the socket's name until the neighbour answers.
    const silent = net.destinations.add({ ip: parseIp('10.0.0.99'), port: 9 })
    const bytes = pattern(1000)
    for (let i = 0; i < 60; i++) net.sender.queue(bytes, 0, 900 + i, 0, silent)
    const before = performance.now()
    net.sender.flush()
    expect(performance.now() - before).toBeGreaterThanOrEqual(SEND_WAIT_MS * 0.9)
    const { congested, sent } = net.sender.counters()
    expect(congested).toBeGreaterThan(0)
    expect(sent + congested).toBe(60)
  })
})

describe('sockets', () => {
  test('that only send receive nothing, and refuse nobody', () => {
    const net = wire()
    const deaf = openIn(net.paths[1], parseIp('10.0.0.2'), { sendOnly: true })
    const destination = net.destinations.add(deaf.address)
    net.sender.queue(pattern(10), 0, 10, 0, destination)
    net.sender.flush()
    expect(receiver(1).receive(deaf.fd)).toBe(-errno.EAGAIN)
    const back = new DatagramSender({
      socket: deaf,
      destinations: net.destinations,
      messagesMax: 1,
    })
    back.queue(pattern(10), 0, 10, 0, net.destinations.add(net.from.address))
    back.flush()
    const into = receiver(1)
    expect(receiveSome(into, net.from.fd)).toBe(1)
    expect(into.sourcePortOf(0)).toBe(deaf.address.port)
  })

  test('of protocol 50 carry batches', () => {
    const [a, b] = scratchPair()
    const open = (namespace: string, ip: string): DatagramSocket => {
      const socket = openRawDatagramSocket({ namespace, local: parseIp(ip), protocol: 50 })
      atEnd(() => socket.close())
      return socket
    }
    for (const [one, two, header] of [
      ['10.0.0.1', '10.0.0.2', 20],
      ['fd00::1', 'fd00::2', 0],
    ] as const) {
      const [from, to] = [open(a.path, one), open(b.path, two)]
      expect(from.segmentation).toMatchObject({ errno: 'EOPNOTSUPP' })
      const destinations = new Destinations()
      const destination = destinations.add(to.address)
      const sender = new DatagramSender({ socket: from, destinations, messagesMax: 8 })
      const bytes = pattern(300)
      for (let i = 0; i < 3; i++) sender.queue(bytes, 100 * i, 100 * i + 100, 0, destination)
      sender.flush()
      expect(sender.counters()).toMatchObject({ sent: 3, calls: 1 })
      const into = receiver(8)
      expect(receiveSome(into, to.fd)).toBe(3)
      for (let i = 0; i < 3; i++) {
        expect(into.endOf(i) - into.startOf(i)).toBe(header + 100)
        expect(u32(into.memory.bytes, into.startOf(i) + header)).toBe(100 * i)
        expect(into.sourcePortOf(i)).toBe(0)
      }
    }
  })

  test('that cannot be bound leave nothing open', () => {
    const [a] = scratchPair()
    const local = { ip: parseIp('10.0.0.77'), port: 0 }
    const problem = expect.objectContaining({
      details: expect.objectContaining({ errno: 'EADDRNOTAVAIL' }),
    })
    expect(() => openDatagramSocket({ namespace: a.path, local })).toThrow(problem)
    const raw = { namespace: a.path, local: local.ip, protocol: 50 }
    expect(() => openRawDatagramSocket(raw)).toThrow(problem)
  })
})

describe('limits', () => {
  test('of receivers, senders and destinations', () => {
    const memory = PinnedMemory.allocate(16)
    const slots = (count: number): number[] => Array<number>(count).fill(0)
    const make = (count: number) => () =>
      new DatagramReceiver({ memory, slots: slots(count), slotBytes: 16 })
    expect(make(RECEIVE_SLOTS_MAX)).not.toThrow()
    expect(make(RECEIVE_SLOTS_MAX + 1)).toThrow('slots')
    expect(() => new DatagramReceiver({ memory, slots: [1], slotBytes: 16 })).toThrow('outside')
    const { destinations, from } = wire()
    const sender = (messagesMax: number) => () =>
      new DatagramSender({ socket: from, destinations, messagesMax })
    expect(sender(SEND_MESSAGES_MAX)).not.toThrow()
    expect(sender(SEND_MESSAGES_MAX + 1)).toThrow('1,024')
    const address = { ip: parseIp('10.0.0.2'), port: 1 }
    while (destinations.add(address) < DESTINATIONS_MAX - 1);
    expect(() => destinations.add(address)).toThrow('too many')
    destinations.remove(7)
    expect(() => destinations.lengthOf(7)).toThrow('no such destination')
    expect(destinations.add(address)).toBe(7)
  })
})
