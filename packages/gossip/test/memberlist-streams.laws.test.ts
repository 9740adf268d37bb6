/** Laws of streams: however they are cut up, truncated or made up. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StreamMessage } from '../src/memberlist/messages.ts'
import { wrapStreamMessage } from '../src/memberlist/stream-frame.ts'
import { StreamReader } from '../src/memberlist/stream-reader.ts'
import { anyStreamMessage, optionsOf, threeKeys } from './memberlist-samples.ts'

const options = fc
  .record({
    label: fc.constantFrom('', 'blue'),
    isSealed: fc.boolean(),
    compress: fc.boolean(),
  })
  .map(({ label, isSealed, compress }) =>
    optionsOf({ label, compress, keys: isSealed ? threeKeys() : null }),
  )

/** Pieces of these lengths, one after the other, until nothing is left. */
function* cutUp(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length] ?? 1
    yield bytes.subarray(at, at + length)
    at += length
  }
}

describe('a stream', () => {
  it('gives the same message however it is cut up', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(anyStreamMessage, options, lengths, (message, chosen, pieces) => {
        const bytes = wrapStreamMessage(chosen, message)
        const reader = new StreamReader(chosen)
        const read: StreamMessage[] = []
        for (const piece of cutUp(bytes, pieces)) {
          expect(read).toEqual([])
          const one = reader.push(piece)
          if (one !== null) read.push(one)
        }
        expect(read).toEqual([message])
        expect([reader.fault, reader.isPartial, reader.nodesRefused]).toEqual([null, false, 0])
      }),
      { numRuns: 400 },
    )
  })

  it('of several messages, in pieces that do not end where they do', () => {
    const messages = fc.array(anyStreamMessage, { minLength: 2, maxLength: 6 })
    const piece = fc.integer({ min: 1, max: 300 })
    fc.assert(
      fc.property(messages, options, piece, (all, chosen, length) => {
        const plain = { ...chosen, label: '' }
        const bytes = Uint8Array.from(all.flatMap((said) => [...wrapStreamMessage(plain, said)]))
        const reader = new StreamReader(plain)
        const read: StreamMessage[] = []
        for (const part of cutUp(bytes, [length])) {
          for (let one = reader.push(part); one !== null; ) {
            read.push(one)
            one = reader.push(new Uint8Array(0))
          }
        }
        expect(read).toEqual(all)
      }),
    )
  })

  it('cut anywhere is in the middle of a message', () => {
    fc.assert(
      fc.property(anyStreamMessage, options, fc.nat(), (message, chosen, place) => {
        const bytes = wrapStreamMessage(chosen, message)
        const end = place % bytes.length
        const reader = new StreamReader(chosen)
        expect(reader.push(bytes.subarray(0, end))).toBe(null)
        expect([reader.fault, reader.isPartial]).toEqual([null, end > 0])
      }),
    )
  })

  it('of noise never throws, and says the same in pieces', () => {
    const head = fc.constantFrom([], [6], [6, 0x83], [8, 0x81], [9, 0x82], [10, 0, 0, 0, 40], [0])
    fc.assert(
      fc.property(head, fc.uint8Array({ maxLength: 300 }), options, (start, noise, chosen) => {
        const bytes = Uint8Array.of(...start, ...noise)
        const whole = new StreamReader(chosen)
        const read = whole.push(bytes)
        const pieces = new StreamReader(chosen)
        let first: StreamMessage | null = null
        for (const piece of cutUp(bytes, [1])) first ??= pieces.push(piece)
        expect(first).toEqual(read)
        if (read === null) expect(pieces.fault).toBe(whole.fault)
      }),
      { numRuns: 2000 },
    )
  })
})
