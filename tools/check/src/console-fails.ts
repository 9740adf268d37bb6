/** Set-up of every test file: a test that prints has forgotten something, so printing fails it. */
import { afterEach, beforeEach, expect } from 'vitest'

const METHODS = ['debug', 'error', 'info', 'log', 'warn'] as const
type Print = (this: void, ...args: unknown[]) => void
const originals = new Map<(typeof METHODS)[number], Print>()
let printed: string[] = []

beforeEach(() => {
  printed = []
  for (const method of METHODS) {
    originals.set(method, console[method] as Print)
    console[method] = (...args: unknown[]): void => {
      printed.push(`${method}: ${args.map(String).join(' ')}`)
    }
  }
})

afterEach(() => {
  for (const [method, original] of originals) console[method] = original
  expect(printed, 'a test printed to the console').toEqual([])
})
