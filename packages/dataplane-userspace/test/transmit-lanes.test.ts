/** What waits is sent in as few calls as the rules of UDP_SEGMENT allow, and in order. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PacketView } from '../src/engine/index.ts'
import {
  LANE_BYTES,
  LANES,
  TRANSMIT_BYTES_MAX,
  TRANSMIT_SEGMENTS_MAX,
  TransmitLanes,
} from '../src/engine/transmit-lanes.ts'

interface Call {
  readonly peer: number
  readonly sourcePort: number
  readonly segmentBytes: number
  readonly bytes: number
}

function lanesInto(calls: Call[], segmentsMax = TRANSMIT_SEGMENTS_MAX): TransmitLanes {
  const sink = {
    deliver: () => undefined,
    transmit: (peer: number, view: PacketView) => {
      const { start, end, sourcePort, segmentBytes } = view
      calls.push({ peer, sourcePort, segmentBytes, bytes: end - start })
    },
  }
  const arena = { bytes: new Uint8Array(LANES * LANE_BYTES), start: 0 }
  return new TransmitLanes(sink, arena, segmentsMax)
}

test('equal datagrams of a flow go together, and a shorter one ends them', () => {
  const calls: Call[] = []
  const lanes = lanesInto(calls)
  for (const length of [100, 100, 60, 100]) lanes.open(1, 50_000, length)
  lanes.flush()
  expect(calls).toEqual([
    { peer: 1, sourcePort: 50_000, segmentBytes: 100, bytes: 260 },
    { peer: 1, sourcePort: 50_000, segmentBytes: 0, bytes: 100 },
  ])
})

test('TRANSMIT_SEGMENTS_MAX datagrams, 64, and TRANSMIT_BYTES_MAX, 65,000, are the most', () => {
  const calls: Call[] = []
  const lanes = lanesInto(calls)
  for (let i = 0; i < 65; i++) lanes.open(1, 50_000, 10)
  lanes.flush()
  for (let i = 0; i < 66; i++) lanes.open(1, 50_000, 1000)
  lanes.flush()
  expect(calls.map(({ bytes }) => bytes)).toEqual([640, 10, 64_000, 2000])
  for (let i = 0; i < 14; i++) lanes.open(1, 50_000, 5000)
  lanes.flush()
  expect(calls.slice(4).map(({ bytes }) => bytes)).toEqual([65_000, 5000])
})

test('one that is longer than a batch goes alone', () => {
  const calls: Call[] = []
  const lanes = lanesInto(calls)
  for (let i = 0; i < 2; i++) lanes.open(1, 50_000, 65_491)
  lanes.flush()
  expect(calls.map(({ bytes, segmentBytes }) => [bytes, segmentBytes])).toEqual([
    [65_491, 0],
    [65_491, 0],
  ])
})

test('any sequence is kept in order within its flow, within the limits', () => {
  const opened = fc.record({
    peer: fc.nat(2),
    sourcePort: fc.integer({ min: 49_152, max: 49_152 + 20 }),
    length: fc.integer({ min: 1, max: 3000 }),
  })
  const sequences = fc.array(opened, { maxLength: 300 })
  fc.assert(
    fc.property(sequences, fc.constantFrom(1, 64), (all, segmentsMax) => {
      const calls: Call[] = []
      const lanes = lanesInto(calls, segmentsMax)
      for (const { peer, sourcePort, length } of all) lanes.open(peer, sourcePort, length)
      lanes.flush()
      const cut = calls.flatMap(({ segmentBytes, bytes, peer, sourcePort }) => {
        const step = segmentBytes === 0 ? bytes : segmentBytes
        const count = Math.ceil(bytes / step)
        expect(count).toBeLessThanOrEqual(segmentsMax)
        expect(bytes).toBeLessThanOrEqual(TRANSMIT_BYTES_MAX)
        return Array.from({ length: count }, (_, i) => {
          return { peer, sourcePort, length: Math.min(step, bytes - i * step) }
        })
      })
      const key = ({ peer, sourcePort }: { peer: number; sourcePort: number }): string =>
        `${peer}/${sourcePort}`
      const expected = Map.groupBy(all, key)
      const seen = Map.groupBy(cut, key)
      expect(cut).toHaveLength(all.length)
      for (const [flow, datagrams] of expected) expect(seen.get(flow)).toEqual(datagrams)
    }),
  )
})
