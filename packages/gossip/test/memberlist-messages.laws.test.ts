/** Laws of single messages: round trips, truncations, noise. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodePacketMessage, encodePacketMessage } from '../src/memberlist/packet-messages.ts'
import { anyPacketMessage } from './memberlist-samples.ts'

const FAULTS = ['short', 'bad-type', 'bad-msgpack', 'bad-value', 'oversized', 'too-many']

describe('messages of datagrams', () => {
  it('come back as they went, wherever they stand', () => {
    fc.assert(
      fc.property(anyPacketMessage, fc.nat(40), (message, offset) => {
        const bytes = encodePacketMessage(message)
        const placed = new Uint8Array(offset + bytes.length + 3).fill(0xa5)
        placed.set(bytes, offset)
        expect(decodePacketMessage(placed, offset, offset + bytes.length)).toEqual(message)
      }),
      { numRuns: 500 },
    )
  })

  it('are short wherever they are cut, unless they are user messages', () => {
    fc.assert(
      fc.property(anyPacketMessage, (message) => {
        fc.pre(message.kind !== 'user')
        const bytes = encodePacketMessage(message)
        for (let end = 0; end < bytes.length; end++) {
          expect(decodePacketMessage(bytes, 0, end)).toBe('short')
        }
      }),
    )
  })

  it('are refused for a reason when they are noise', () => {
    fc.assert(
      fc.property(fc.nat(14), fc.uint8Array({ maxLength: 200 }), (type, noise) => {
        const bytes = Uint8Array.of(type, ...noise)
        const read = decodePacketMessage(bytes, 0, bytes.length)
        if (typeof read === 'string') expect(FAULTS).toContain(read)
      }),
      { numRuns: 2000 },
    )
  })

  it('are refused, or well-formed, after a byte of them was changed', () => {
    fc.assert(
      fc.property(anyPacketMessage, fc.nat(), fc.nat(255), (message, place, value) => {
        const bytes = encodePacketMessage(message)
        bytes[place % bytes.length] = value
        const read = decodePacketMessage(bytes, 0, bytes.length)
        if (typeof read === 'string') {
          expect(FAULTS).toContain(read)
          return
        }
        const again = encodePacketMessage(read)
        expect(decodePacketMessage(again, 0, again.length)).toEqual(read)
      }),
      { numRuns: 1000 },
    )
  })
})
