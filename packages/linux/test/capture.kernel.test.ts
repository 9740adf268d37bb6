/** Captures: what a link carried, in which direction, and how much was missed. */
import { toHex } from '@weft/core'
import {
  CAPTURE_BUFFER_BYTES,
  openCapture,
  RING_BYTES,
  RING_SNAP_BYTES_MAX,
  SLOT_BYTES,
  type Capture,
  type CapturedFrame,
  type CaptureOptions,
} from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { atEnd, openFds, scratchPair } from './scratch.ts'

function capture(options: CaptureOptions): { capture: Capture; frames: CapturedFrame[] } {
  const frames: CapturedFrame[] = []
  const capture = openCapture(options, (more) => void frames.push(...more))
  atEnd(() => capture.close())
  return { capture, frames }
}

/** A frame of an experimental EtherType (IEEE 802, 0x88b5) that carries its number. */
function frame(number: number, length = 60): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes.fill(0xff, 0, 6)
  bytes.set([2, 0, 0, 0, 0, 1, 0x88, 0xb5, number >> 8, number], 6)
  return bytes
}

const ours = (frames: CapturedFrame[]): CapturedFrame[] =>
  frames.filter(({ bytes }) => toHex(bytes.subarray(12, 14)) === '88b5')

describe('a capture', () => {
  test('sees both directions of both ends, in order, with time and place', async () => {
    const [a, b] = scratchPair()
    const sent = capture({ namespace: a.path, linkIndex: a.linkIndex, snapBytes: 2000 })
    const received = capture({ namespace: b.path, linkIndex: b.linkIndex, snapBytes: 2000 })
    const { linkIndex } = a
    const { capture: sender } = capture({ namespace: a.path, linkIndex, snapBytes: 0 })
    for (let i = 0; i < 100; i++) expect(sender.send(frame(i), linkIndex)).toBeNull()
    await sent.capture.flush()
    await until(received.capture, () => ours(received.frames).length >= 100)
    for (const [{ frames }, outgoing, { linkIndex }] of [
      [sent, true, a],
      [received, false, b],
    ] as const) {
      const seen = ours(frames)
      expect(seen.map(({ bytes }) => toHex(bytes.subarray(14, 16)))).toEqual(
        Array.from({ length: 100 }, (_, i) => i.toString(16).padStart(4, '0')),
      )
      const common = { linkIndex, outgoing, originalLength: 60 }
      for (const each of seen) expect(each).toMatchObject(common)
      const times = seen.map(({ nanoseconds, seconds }) => seconds * 1e9 + nanoseconds)
      expect(times).toEqual(times.toSorted((x, y) => x - y))
      expect(times[0]).toBeGreaterThan(1.7e18)
    }
  })

  test.each([
    ['the ring', RING_SNAP_BYTES_MAX],
    ['the socket', SLOT_BYTES],
  ])('shows a VLAN tag where it was, through %s', async (_way, snapBytes) => {
    const [a, b] = scratchPair()
    const received = capture({ namespace: b.path, linkIndex: b.linkIndex, snapBytes })
    const { linkIndex } = a
    const { capture: sender } = capture({ namespace: a.path, linkIndex, snapBytes: 0 })
    const tags = [
      [0x81, 0x00, 0x60, 0x07],
      [0x88, 0xa8, 0xe0, 0x01],
    ]
    const tagged = tags.map((tag, i) =>
      Uint8Array.from([...frame(i).subarray(0, 12), ...tag, ...frame(i).subarray(12)]),
    )
    for (const each of tagged) expect(sender.send(each, linkIndex)).toBeNull()
    const isOurs = ({ bytes }: CapturedFrame): boolean => toHex(bytes.subarray(16, 18)) === '88b5'
    const found = (): CapturedFrame[] => received.frames.filter(isOurs)
    await until(received.capture, () => found().length >= tagged.length)
    expect(found().map(({ bytes }) => toHex(bytes))).toEqual(tagged.map(toHex))
    expect(found().map(({ originalLength }) => originalLength)).toEqual([64, 64])
  })

  test('cuts frames, keeps their length, and leaves out what is sent when told to', async () => {
    const [a, b] = scratchPair()
    const cut = capture({ namespace: b.path, linkIndex: b.linkIndex, snapBytes: 20 })
    const incomingOnly = true
    const inward = capture({ namespace: a.path, linkIndex: 0, snapBytes: 20, incomingOnly })
    expect(inward.capture.send(frame(1, 1000), a.linkIndex)).toBeNull()
    await until(cut.capture, () => ours(cut.frames).length > 0)
    await inward.capture.flush()
    expect(ours(cut.frames)).toMatchObject([{ originalLength: 1000, bytes: { length: 20 } }])
    expect(ours(inward.frames)).toEqual([])
    expect(inward.frames.every(({ outgoing }) => !outgoing)).toBe(true)
  })

  test.each([
    ['a ring', 64],
    ['the largest ring', RING_SNAP_BYTES_MAX],
    ['the socket', RING_SNAP_BYTES_MAX + 1],
    ['the socket, whole frames', SLOT_BYTES],
  ])('accounts for every frame by %s: handed over or dropped', async (_, snapBytes) => {
    const [{ linkIndex, path }] = scratchPair()
    const { capture: sender } = capture({ namespace: path, linkIndex, snapBytes: 1 })
    // What is sent is captured inside the call that sends it, so nothing else can lose it.
    const { capture: receiver, frames } = capture({ namespace: path, linkIndex, snapBytes })
    const count = 20_000
    for (let i = 0; i < count; i++) {
      expect(sender.send(frame(i, 1500), linkIndex)).toBeNull()
    }
    await receiver.flush()
    const { captured, dropped } = receiver.counters()
    expect(ours(frames).length + dropped).toBeGreaterThanOrEqual(count)
    expect(captured + dropped).toBeGreaterThanOrEqual(count)
    // Anything else the link carried may have come after the flush.
    expect(frames.length).toBeLessThanOrEqual(captured)
    for (const each of ours(frames)) {
      expect(each).toMatchObject({ originalLength: 1500, outgoing: true, linkIndex })
      expect(each.bytes.length).toBe(Math.min(1500, snapBytes))
    }
    expect(RING_BYTES).toBeGreaterThanOrEqual(1 << 20)
    expect(CAPTURE_BUFFER_BYTES).toBeGreaterThan(1 << 20)
  })

  test('of no link, or sent to none, is refused', () => {
    const [a] = scratchPair()
    const open = (): unknown => capture({ namespace: a.path, linkIndex: 4711, snapBytes: 1 })
    expect(open).toThrow(
      expect.objectContaining({
        details: expect.objectContaining({ operation: 'bind packet socket', errno: 'ENODEV' }),
      }),
    )
    const { capture: running } = capture({ namespace: a.path, linkIndex: 1, snapBytes: 1 })
    expect(running.send(frame(1), 4711)).toMatchObject({ errno: 'ENXIO' })
  })

  test('gives its descriptor back and keeps its counters', async () => {
    const [a] = scratchPair()
    const before = openFds()
    const { capture: closing } = capture({ namespace: a.path, linkIndex: 1, snapBytes: 1 })
    await closing.close()
    await closing.close()
    expect(openFds()).toBe(before)
    expect(closing.counters()).toEqual({ captured: 0, dropped: 0 })
  })
})

/** Some seconds; what has not come by then was lost. */
const FLUSHES_MAX = 100_000

/** A veth hands frames over later, on whichever processor: flush until they have come. */
async function until(capture: Capture, done: () => boolean): Promise<void> {
  for (let i = 0; i < FLUSHES_MAX && !done(); i++) await capture.flush()
  expect(done(), 'frames came').toBe(true)
}
