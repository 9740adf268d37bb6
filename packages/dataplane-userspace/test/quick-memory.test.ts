/** What WebAssembly sums up is what plain code does, and is made from the source beside it. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import wabt from 'wabt'
import { ByteSum } from '../src/engine/byte-sum.ts'
import { quickMemory } from '../src/quick-memory.ts'
import { QUICK_SUM_MODULE } from '../src/quick-sum-module.ts'
import { switchMemory } from '../src/switch-memory.ts'

const quick = quickMemory(100_000)
const plain = new ByteSum()

test('the module is the assembled source', async () => {
  const name = 'quick-sum.wat'
  const source = readFileSync(new URL(`../src/${name}`, import.meta.url), 'utf8')
  const assembler = await wabt()
  using module = disposable(assembler.parseWat(name, source, { simd: true }))
  const { buffer } = module.value.toBinary({})
  expect(Buffer.from(buffer).toString('base64')).toBe(QUICK_SUM_MODULE)
})

test('sums are those of plain code for every start and length', () => {
  const { bytes } = quick ?? { bytes: new Uint8Array(0) }
  for (let i = 0; i < 200; i++) bytes[i] = (i * 97 + 250) & 0xff
  for (let start = 0; start < 70; start++) {
    for (let end = start; end <= 200; end++) {
      expect(quick?.of(start, end)).toBe(plain.of(bytes, start, end))
    }
  }
})

test('and for any bytes, in long packets too, in the engine’s hands', () => {
  const sums = new ByteSum(quick)
  const { bytes } = quick ?? { bytes: new Uint8Array(0) }
  const windows = fc.record({
    piece: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    start: fc.nat(100),
    length: fc.oneof(fc.nat(300), fc.nat(66_000)),
  })
  fc.assert(
    fc.property(windows, ({ piece, start, length }) => {
      for (let i = 0; i < length; i++) bytes[start + i] = piece[i % piece.length] ?? 0
      expect(sums.of(bytes, start, start + length)).toBe(plain.of(bytes, start, start + length))
    }),
  )
  bytes.fill(0xff)
  expect(quick?.of(1, 65_536)).toBe(plain.of(bytes, 1, 65_536))
  expect(quick?.of(5, 5)).toBe(0)
})

test('other arrays are left to plain code', () => {
  const sums = new ByteSum(quick)
  quick?.bytes.fill(1)
  expect(sums.of(Uint8Array.of(1, 2, 3), 0, 3)).toBe(0x0402)
})

test('packets stand in it, and it is as large as asked', () => {
  const { pinned, quick: sums, arena } = switchMemory(4)
  expect(sums?.bytes).toBe(pinned.bytes)
  expect(pinned.bytes.length).toBeGreaterThan(arena)
  expect(quick?.bytes.length).toBeGreaterThanOrEqual(100_000)
})

test('where there is not so much memory, or no WebAssembly, plain code has to do', () => {
  expect(quickMemory(2 ** 33)).toBeNull()
  const there: unknown = Reflect.get(globalThis, 'WebAssembly')
  try {
    Reflect.set(globalThis, 'WebAssembly', undefined)
    expect(quickMemory(1)).toBeNull()
    expect(switchMemory(1).quick).toBeNull()
  } finally {
    Reflect.set(globalThis, 'WebAssembly', there)
  }
})

function disposable<Value extends { destroy(): void }>(value: Value) {
  return { value, [Symbol.dispose]: () => value.destroy() }
}
