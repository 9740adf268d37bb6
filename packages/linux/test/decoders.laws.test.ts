/** Laws of reading what the kernel says: total over arbitrary bytes, and over damaged messages. */
import { readFileSync } from 'node:fs'
import { fromHex, setU16le, setU32le } from '@weft/core'
import {
  MessageReader,
  MessageWriter,
  neighbourState,
  readAddress,
  readForwarding,
  readLink,
  readNeighbour,
  readNotices,
  readRoute,
  unpackDatagrams,
} from '../src/index.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const file = new URL('./vectors/iproute2-6.1.0.json', import.meta.url)
const vectors = Object.values(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>)
  .map((hex) => fromHex(hex) ?? new Uint8Array())

const types = [16, 17, 20, 21, 24, 25, 28, 29, 88, 89]

/** A well-framed message of a type we read, with anything inside. */
const framed = fc.tuple(fc.constantFrom(...types), fc.uint8Array({ maxLength: 120 })).map(
  ([type, body]) => {
    const bytes = new Uint8Array(16 + body.length)
    setU32le(bytes, 0, bytes.length)
    setU16le(bytes, 4, type)
    bytes.set(body, 16)
    return bytes
  },
)

/** A real request with some of its bytes changed: most of its structure survives. */
const damaged = fc
  .tuple(
    fc.constantFrom(...vectors),
    fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 }),
  )
  .map(([bytes, changes]) => {
    const copy = bytes.slice()
    for (const [at, value] of changes) if (at < copy.length) copy[at] = value
    return copy
  })

test('no bytes make a decoder throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), framed, damaged), (bytes) => {
      for (const notice of readNotices(bytes)) JSON.stringify(notice)
      const message = new MessageReader(bytes, 0, bytes.length)
      while (message.next()) {
        expect(message.to).toBeLessThanOrEqual(bytes.length)
        for (const read of [readLink, readAddress, readRoute, readNeighbour, readForwarding]) {
          read(message)
        }
      }
      unpackDatagrams(bytes)
    }),
    { numRuns: 2000 },
  )
})

test('every cut of a real message is passed over or read in part', () => {
  for (const bytes of vectors) {
    for (let end = 0; end <= bytes.length; end++) {
      const notices = readNotices(bytes.subarray(0, end))
      if (end < bytes.length) expect(notices).toEqual([])
    }
    expect(readNotices(bytes)).toHaveLength(1)
  }
})

test('a window hides what lies outside it', () => {
  const bytes = vectors[0] ?? new Uint8Array()
  const padded = new Uint8Array(bytes.length + 64).fill(0xff)
  padded.set(bytes, 32)
  const message = new MessageReader(padded, 32, 32 + bytes.length)
  expect(message.next()).toBe(true)
  expect(readLink(message)?.name).toBe('br0')
  expect(message.next()).toBe(false)
})

test('names of neighbour states are the bits of neighbour.h', () => {
  expect(Object.values(neighbourState)).toEqual([0, 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80])
})

test('a link of a kind and attributes nobody knows yet is read for what is known', () => {
  const writer = new MessageWriter()
  const body = writer.begin(16, 0, 16)
  writer.setU32(body + 4, 9)
  writer.text(3, 'future0')
  writer.bytes(999, Uint8Array.of(1, 2, 3))
  writer.u8(16, 77)
  const linkInfo = writer.open(18)
  writer.text(1, 'hyperspace')
  writer.bytes(2, Uint8Array.of(9, 9))
  writer.close(linkInfo)
  const [notice] = readNotices(writer.view())
  expect(notice).toMatchObject({
    about: 'link',
    link: { index: 9, name: 'future0', kind: 'hyperspace', operationalState: 77, vxlan: null },
  })
})
