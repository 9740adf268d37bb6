/** Laws of datagrams: what goes in comes out, and noise comes to nothing. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PacketMessage } from '../src/memberlist/messages.ts'
import { PacketCodec } from '../src/memberlist/packet-codec.ts'
import { encodePacketMessage } from '../src/memberlist/packet-messages.ts'
import { anyPacketMessage, openWith, optionsOf, threeKeys } from './memberlist-samples.ts'

const options = fc.record({
  label: fc.constantFrom('', 'blue', 'ü'.repeat(60)),
  isSealed: fc.boolean(),
  compress: fc.boolean(),
})
const wrapped = fc.record({
  messages: fc.array(anyPacketMessage, { minLength: 1, maxLength: 20 }),
  options: options.map(({ label, isSealed, compress }) =>
    optionsOf({ label, compress, keys: isSealed ? threeKeys() : null }),
  ),
  checksum: fc.boolean(),
})

describe('a datagram', () => {
  it('gives back its messages in their order, however it is wrapped', () => {
    fc.assert(
      fc.property(wrapped, ({ messages, options, checksum }) => {
        const codec = new PacketCodec(options)
        const bytes = codec.wrap(messages.map(encodePacketMessage), checksum)
        expect(openWith(options, bytes)).toEqual({ messages, faults: [] })
      }),
      { numRuns: 300 },
    )
  })

  it('never grows by compression', () => {
    fc.assert(
      fc.property(wrapped, ({ messages, options, checksum }) => {
        const parts = messages.map(encodePacketMessage)
        const plain = new PacketCodec({ ...options, compress: false }).wrap(parts, checksum)
        const short = new PacketCodec({ ...options, compress: true }).wrap(parts, checksum)
        expect(short.length).toBeLessThanOrEqual(plain.length)
      }),
    )
  })

  it('cut anywhere yields no message that was not in it, and a fault', () => {
    fc.assert(
      fc.property(wrapped, fc.nat(), ({ messages, options, checksum }, place) => {
        // The last one of a compound has no end of its own when it is a user message.
        const parts: PacketMessage[] = [...messages, { kind: 'nack', seqNo: 1 }]
        const codec = new PacketCodec({ ...options, compress: false })
        const bytes = codec.wrap(parts.map(encodePacketMessage), checksum)
        const opened = openWith(options, bytes.subarray(0, place % bytes.length))
        expect(opened.messages).toEqual(parts.slice(0, opened.messages.length))
        expect(opened.faults).toHaveLength(1)
      }),
    )
  })

  it('of noise is refused or read, and never throws', () => {
    const start = fc.constantFrom([], [7], [7, 200], [9], [12], [244], [0x82], [9, 0x82])
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 400 }), options, (head, noise, chosen) => {
        const keys = chosen.isSealed ? threeKeys() : null
        const { messages, faults } = openWith(
          optionsOf({ ...chosen, keys }),
          Uint8Array.of(...head, ...noise),
        )
        if (keys !== null) expect(messages).toEqual([])
        expect(messages.length + faults.length).toBeLessThanOrEqual(256)
      }),
      { numRuns: 2000 },
    )
  })
})
