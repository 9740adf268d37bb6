/** Laws of reading what the kernel says of IPsec: total over arbitrary and damaged bytes. */
import { readFileSync } from 'node:fs'
import { fromHex, setU16le, setU32le } from '@weft/core'
import { MessageReader, readXfrmNotices, readXfrmPolicy, readXfrmState } from '../src/index.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const file = new URL('./vectors/iproute2-xfrm-6.1.0.json', import.meta.url)
const vectors = Object.values(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>)
  .map((hex) => fromHex(hex) ?? new Uint8Array())

/** Acquire, expire, a state, a policy: well framed, with anything inside. */
const framed = fc
  .tuple(fc.constantFrom(0x17, 0x18, 0x10, 0x13), fc.uint8Array({ maxLength: 400 }))
  .map(([type, body]) => {
    const bytes = new Uint8Array(16 + body.length)
    setU32le(bytes, 0, bytes.length)
    setU16le(bytes, 4, type)
    bytes.set(body, 16)
    return bytes
  })

/** A real request with some of its bytes changed, under the type of a notice. */
const damaged = fc
  .tuple(
    fc.constantFrom(...vectors),
    fc.constantFrom(0x17, 0x18, 0x10, 0x13),
    fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 }),
  )
  .map(([bytes, type, changes]) => {
    const copy = bytes.slice()
    setU16le(copy, 4, type)
    for (const [at, value] of changes) if (at < copy.length) copy[at] = value
    return copy
  })

test('no bytes make a decoder throw', () => {
  let notices = 0
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), framed, damaged), (bytes) => {
      for (const notice of readXfrmNotices(bytes)) {
        notices++
        JSON.stringify(notice)
      }
      const message = new MessageReader(bytes, 0, bytes.length)
      while (message.next()) JSON.stringify([readXfrmState(message), readXfrmPolicy(message)])
    }),
    { numRuns: 3000 },
  )
  expect(notices).toBeGreaterThan(30)
})
