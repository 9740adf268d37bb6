/** Laws of writing and reading messages and attributes. */
import { equalBytes, ipFromBytes, macFromBytes, type Ip, type Mac } from '@weft/core'
import {
  ATTRIBUTE_BYTES_MAX,
  AttributeReader,
  MessageReader,
  MessageWriter,
} from '../src/index.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'

type Leaf =
  | { readonly form: 'u8' | 'u16' | 'u32' | 'u16be' | 'u32be'; readonly value: number }
  | { readonly form: 'bytes'; readonly value: Uint8Array }
  | { readonly form: 'text'; readonly value: string }
  | { readonly form: 'ip'; readonly value: Ip }
  | { readonly form: 'mac'; readonly value: Mac }
  | { readonly form: 'flag' }

const bytesOf = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })

const leaf: fc.Arbitrary<Leaf> = fc.oneof(
  fc.record({ form: fc.constant('u8' as const), value: fc.nat(0xff) }),
  fc.record({ form: fc.constantFrom('u16' as const, 'u16be'), value: fc.nat(0xffff) }),
  fc.record({
    form: fc.constantFrom('u32' as const, 'u32be'),
    value: fc.integer({ min: 0, max: 0xffff_ffff }),
  }),
  // Large enough that the writer's buffer grows in the middle of a message.
  fc.record({ form: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 3000 }) }),
  fc.record({
    form: fc.constant('text' as const),
    value: fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
  }),
  fc.record({
    form: fc.constant('ip' as const),
    value: fc.oneof(
      bytesOf(4).map((b) => ipFromBytes(b, 0, 4)),
      bytesOf(16).map((b) => ipFromBytes(b, 0, 6)),
    ),
  }),
  fc.record({ form: fc.constant('mac' as const), value: bytesOf(6).map((b) => macFromBytes(b)) }),
  fc.constant<Leaf>({ form: 'flag' }),
)

interface Item {
  readonly type: number
  readonly leaf: Leaf
}
const item: fc.Arbitrary<Item> = fc.record({ type: fc.integer({ min: 1, max: 0x3fff }), leaf })
const items = fc.array(item, { maxLength: 8 })

function write(writer: MessageWriter, { leaf, type }: Item): void {
  if (leaf.form === 'flag') writer.flag(type)
  else if (leaf.form === 'bytes') writer.bytes(type, leaf.value)
  else if (leaf.form === 'text') writer.text(type, leaf.value)
  else if (leaf.form === 'ip') writer.ip(type, leaf.value)
  else if (leaf.form === 'mac') writer.mac(type, leaf.value)
  else writer[leaf.form](type, leaf.value)
}

function expectRead(attributes: AttributeReader, { leaf, type }: Item): void {
  expect(attributes.next()).toBe(true)
  expect(attributes.type).toBe(type)
  if (leaf.form === 'flag') expect(attributes.length).toBe(0)
  else if (leaf.form === 'bytes') expect(equalBytes(attributes.copy(), leaf.value)).toBe(true)
  else expect(attributes[leaf.form]()).toBe(leaf.value)
}

test('what is written reads back, across messages, nests and growth of the buffer', () => {
  const message = fc.record({ type: fc.integer({ min: 16, max: 200 }), items, nested: items })
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 20 }), (messages) => {
      const writer = new MessageWriter()
      for (const { items, nested, type } of messages) {
        const body = writer.begin(type, 0, 12)
        writer.setU32(body + 4, type * 3)
        for (const each of items) write(writer, each)
        const opened = writer.open(1)
        for (const each of nested) write(writer, each)
        writer.close(opened)
      }
      const bytes = writer.view()
      const reader = new MessageReader(bytes, 0, bytes.length)
      for (const { items, nested, type } of messages) {
        expect(reader.next()).toBe(true)
        expect(reader.type).toBe(type)
        const attributes = reader.attributes(12)
        for (const each of items) expectRead(attributes, each)
        expect(attributes.next()).toBe(true)
        const inside = attributes.nested()
        for (const each of nested) expectRead(inside, each)
        expect([inside.next(), attributes.next()]).toEqual([false, false])
      }
      expect(reader.next()).toBe(false)
    }),
  )
})

test('a cleared writer writes the same bytes as a new one', () => {
  fc.assert(
    fc.property(items, items, (before, after) => {
      const used = new MessageWriter()
      used.begin(16, 0, 16)
      for (const each of before) write(used, each)
      used.clear()
      const fresh = new MessageWriter()
      for (const writer of [used, fresh]) {
        writer.begin(17, 1, 9)
        for (const each of after) write(writer, each)
      }
      expect(equalBytes(used.view(), fresh.view())).toBe(true)
    }),
  )
})

test('reading arbitrary bytes ends, inside the window, without throwing', () => {
  const readAll = (attributes: AttributeReader, depth: number): void => {
    while (attributes.next()) {
      expect(attributes.from).toBeLessThanOrEqual(attributes.to)
      for (const form of ['u8', 'u16', 'u32', 's32', 'u16be', 'u32be', 'u64', 'u64be'] as const) {
        attributes[form]()
      }
      attributes.text()
      attributes.ip()
      attributes.ip(2)
      attributes.mac()
      if (depth > 0) readAll(attributes.nested(depth), depth - 1)
    }
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(40), fc.nat(300), (bytes, from, to) => {
      readAll(new AttributeReader(bytes, from, to), 3)
    }),
  )
})

test('every cut of an attribute hides it, and nothing before it', () => {
  const writer = new MessageWriter()
  writer.begin(16, 0, 0)
  writer.u32(1, 7)
  writer.text(2, 'abc')
  const bytes = writer.view()
  for (let end = 16; end <= bytes.length; end++) {
    const attributes = new AttributeReader(bytes, 16, end)
    expect(attributes.next()).toBe(end >= 24)
    if (end >= 24) expect(attributes.next()).toBe(end >= 32)
  }
})

test('an attribute of more than 16 bits of length is a bug of the caller', () => {
  const writer = new MessageWriter()
  writer.begin(16, 0, 0)
  writer.bytes(1, new Uint8Array(ATTRIBUTE_BYTES_MAX - 4))
  expect(() => writer.bytes(1, new Uint8Array(ATTRIBUTE_BYTES_MAX - 3))).toThrow(/bug/)
  const opened = writer.open(2)
  writer.bytes(1, new Uint8Array(ATTRIBUTE_BYTES_MAX - 8))
  expect(() => writer.close(opened)).toThrow(/bug/)
})
