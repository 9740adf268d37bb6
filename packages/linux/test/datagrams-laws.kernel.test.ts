/** A law of sending: however datagrams are queued, each arrives whole, once, and in its order. */
import { parseIp, setU32, type Ip } from '@weft/core'
import {
  DatagramReceiver,
  DatagramSender,
  Destinations,
  inNewNamespace,
  Kernel,
  openDatagramSocket,
  PinnedMemory,
  PollSet,
  type DatagramSocket,
} from '../src/index.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { atEnd } from './scratch.ts'

const SLOT_BYTES = 66_000
const SOURCE_BYTES = 112_000

/** What is asked of the sender at a time. */
interface Queued {
  readonly start: number
  readonly length: number
  readonly segmentBytes: number
  readonly destination: 0 | 1
}

const queued: fc.Arbitrary<Queued> = fc.record({
  start: fc.nat(100_000),
  length: fc.oneof(fc.constantFrom(1, 64, 1400), fc.integer({ min: 1, max: 12_000 })),
  segmentBytes: fc.oneof(fc.constant(0), fc.integer({ min: 500, max: 1500 })),
  destination: fc.constantFrom(0, 1),
})

/** As much as fits a socket's buffer that nobody privileged asked for. */
const batch = fc.array(queued, { maxLength: 12 })

/** The datagrams that should leave. */
function expected(source: Uint8Array, { length, segmentBytes, start }: Queued): Uint8Array[] {
  const step = segmentBytes === 0 ? length : segmentBytes
  const datagrams: Uint8Array[] = []
  for (let at = 0; at < length; at += step) {
    datagrams.push(source.subarray(start + at, start + Math.min(length, at + step)))
  }
  return datagrams
}

/** Sockets on a loopback of their own: what is sent is there when send returns, or soon after. */
function openSockets(count: number): DatagramSocket[] {
  return inNewNamespace(() => {
    using kernel = Kernel.open()
    kernel.links.change('lo', { up: true })
    const ip: Ip = parseIp('127.0.0.1')
    return Array.from({ length: count }, () => {
      const buffers = { receiveBufferBytes: 64 << 20, sendBufferBytes: 64 << 20 }
      const socket = openDatagramSocket({ local: { ip, port: 0 }, coalesce: true, ...buffers })
      atEnd(() => socket.close())
      return socket
    })
  })
}

test('whatever is queued arrives as it was, in order', () => {
  const [from, one, two] = openSockets(3)
  if (from === undefined || one === undefined || two === undefined) throw new Error('no sockets')
  const receivers = [one, two]
  const source = new Uint8Array(SOURCE_BYTES)
  for (let at = 0; at + 4 <= source.length; at += 4) setU32(source, at, Math.imul(at, 0x9e37_79b1))
  const memory = PinnedMemory.allocate(SLOT_BYTES * 8)
  const slots = Array.from({ length: 8 }, (_, i) => i * SLOT_BYTES)
  const receiver = new DatagramReceiver({ memory, slots, slotBytes: SLOT_BYTES })
  const destinations = new Destinations()
  const numbers = receivers.map(({ address }) => destinations.add(address))
  const take = ({ fd }: DatagramSocket, bytesMin: number): Uint8Array[] => {
    const set = new PollSet()
    set.add(fd, 'readable')
    const got: Uint8Array[] = []
    let total = 0
    while (total < bytesMin) {
      expect(set.wait(5000)).toBe(1)
      const count = receiver.receive(fd)
      for (let i = 0; i < count; i++) {
        const [start, end] = [receiver.startOf(i), receiver.endOf(i)]
        const step = receiver.segmentBytesOf(i) === 0 ? end - start : receiver.segmentBytesOf(i)
        total += end - start
        for (let at = start; at < end; at += step) {
          got.push(memory.bytes.slice(at, Math.min(end, at + step)))
        }
      }
    }
    expect(receiver.receive(fd)).toBeLessThan(0)
    return got
  }
  fc.assert(
    fc.property(batch, fc.integer({ min: 1, max: 8 }), (all, room) => {
      const sender = new DatagramSender({ socket: from, destinations, messagesMax: room })
      for (const { destination, length, segmentBytes, start } of all) {
        sender.queue(source, start, start + length, segmentBytes, numbers[destination] ?? -1)
      }
      sender.flush()
      for (const [i, socket] of receivers.entries()) {
        const meant = all.filter((one) => one.destination === i)
        const want = meant.flatMap((one) => expected(source, one))
        const got = take(socket, want.reduce((sum, { length }) => sum + length, 0))
        expect(got.length).toBe(want.length)
        const differs = got.findIndex((bytes, at) => !Buffer.from(bytes).equals(want[at] ?? bytes))
        expect(differs).toBe(-1)
      }
      expect(sender.counters()).toMatchObject({ congested: 0, unsegmented: 0, refused: new Map() })
    }),
    { numRuns: 150 },
  )
})
