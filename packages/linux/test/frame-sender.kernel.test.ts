/** Frames sent by hand arrive as they are, by the link that was named; nothing stays open. */
import { toHex } from '@weft/core'
import { openCapture, sendFrames, type CapturedFrame } from '../src/index.ts'
import { expect, test } from 'vitest'
import { atEnd, openFds, scratchPair } from './scratch.ts'

/** A frame of an experimental EtherType (IEEE 802, 0x88b5). */
function frame(number: number): Uint8Array {
  const bytes = new Uint8Array(60).fill(0xff, 0, 6)
  bytes.set([2, 0, 0, 0, 0, 1, 0x88, 0xb5, number], 6)
  return bytes
}

test('frames arrive in order, and what the kernel refuses is told', async () => {
  const [a, b] = scratchPair()
  const seen: CapturedFrame[] = []
  const { linkIndex } = b
  const options = { namespace: b.path, linkIndex, snapBytes: 100, incomingOnly: true }
  const capture = openCapture(options, (more) => void seen.push(...more))
  atEnd(() => capture.close())
  // The first watch of a process starts its poll thread, which opens descriptors of its own.
  await capture.flush()
  const before = openFds()
  const faults = sendFrames({ namespace: a.path }, [
    { linkIndex: a.linkIndex, bytes: frame(1) },
    { linkIndex: 999, bytes: frame(2) },
    { linkIndex: a.linkIndex, bytes: frame(3) },
  ])
  expect(faults.map(({ errno }) => errno)).toEqual(['ENXIO'])
  expect(openFds()).toBe(before)
  const ours = (): string[] =>
    seen.map(({ bytes }) => toHex(bytes)).filter((hex) => hex.startsWith('88b5', 24))
  await expect.poll(ours).toEqual([toHex(frame(1)), toHex(frame(3))])
})

test('no frames, no socket: no privilege is needed', () => {
  expect(sendFrames({ namespace: '/run/netns/none' }, [])).toEqual([])
})
