import { toHex } from '@weft/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  COMPOUND_OVERHEAD_BYTES,
  compoundOf,
  encodeBulkSync,
  encodeNetworkDb,
  encodeTableEvent,
  partBytes,
} from '../src/networkdb/encode.ts'
import { messageType, openGossipMessage } from '../src/networkdb/gossip-message.ts'
import { decoded, messages, tableEvents } from './networkdb-samples.ts'

describe('messages of NetworkDB', () => {
  it('come back as they went', () => {
    const property = fc.property(messages, (message) => {
      expect(decoded(encodeNetworkDb(message))).toEqual({ message, partFaults: [] })
    })
    fc.assert(property, { numRuns: 500 })
  })

  it('are refused at any cut but the one that takes a whole field away', () => {
    const property = fc.property(messages, (message) => {
      const bytes = encodeNetworkDb(message)
      for (let end = 0; end < bytes.length; end++) {
        const cut = decoded(bytes.subarray(0, end))
        // The envelope's length no longer holds; without any data the type alone stays.
        if (end > 2) expect(cut).toEqual({ message: 'bad-protobuf', partFaults: [] })
        else expect(typeof cut.message === 'string' || isEmptyCompound(cut.message)).toBe(true)
      }
    })
    fc.assert(property, { numRuns: 30 })
  })

  it('never make the decoder throw, whatever the bytes', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => decoded(bytes)).not.toThrow()
      expect(messageType(bytes)).toBeGreaterThanOrEqual(0)
    })
    fc.assert(property, { numRuns: 2000 })
  })

  it('with bytes changed are refused, or read as something that can be written', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    })
    const property = fc.property(messages, changes, (message, changed) => {
      const bytes = encodeNetworkDb(message).slice()
      for (const [at, mask] of changed) {
        const index = at % bytes.length
        bytes[index] = (bytes[index] ?? 0) ^ mask
      }
      const { message: read } = decoded(bytes)
      if (typeof read === 'string') return
      expect(decoded(encodeNetworkDb(read))).toEqual({ message: read, partFaults: [] })
    })
    fc.assert(property, { numRuns: 1000 })
  })

  it('leave the bytes they were read from alone, and do not share them', () => {
    const property = fc.property(messages, (message) => {
      const bytes = encodeNetworkDb(message)
      const before = toHex(bytes)
      const { message: read } = decoded(bytes)
      expect(toHex(bytes)).toBe(before)
      bytes.fill(0xff)
      expect(read).toEqual(message)
    })
    fc.assert(property)
  })
})

describe('compounds of events that were encoded before', () => {
  it('are those of the events themselves', () => {
    const property = fc.property(fc.array(tableEvents, { maxLength: 6 }), (events) => {
      const encoded = events.map(encodeTableEvent)
      expect(compoundOf(encoded)).toEqual(encodeNetworkDb({ kind: 'compound', messages: events }))
      const head = { lTime: 7, unsolicited: true, nodeName: 'n', networks: ['a', 'b'] }
      const whole = encodeNetworkDb({ kind: 'bulk-sync', ...head, events })
      expect(encodeBulkSync(head, encoded)).toEqual(whole)
    })
    fc.assert(property, { numRuns: 200 })
  })

  it('are as long as their parts say', () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 4 })
    const property = fc.property(lengths, (sizes) => {
      const bytes = compoundOf(sizes.map((size) => new Uint8Array(size)))
      const opened = openGossipMessage(bytes)
      if (typeof opened === 'string') throw new Error(opened)
      expect(opened.data.length).toBe(sizes.reduce((sum, size) => sum + partBytes(size), 0))
      expect(bytes.length - opened.data.length).toBeLessThanOrEqual(COMPOUND_OVERHEAD_BYTES)
    })
    fc.assert(property)
  })
})

function isEmptyCompound(message: unknown): boolean {
  expect(message).toEqual({ kind: 'compound', messages: [] })
  return true
}
