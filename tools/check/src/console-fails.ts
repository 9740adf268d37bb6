/** Set-up of every test file: a test that prints has forgotten something, so printing fails it. */
import { afterEach, beforeEach, expect } from 'vitest'

const METHODS = ['debug', 'error', 'info', 'log', 'warn'] as const
const originals = { ...console }
let printed: string[] = []

beforeEach(() => {
  printed = []
  for (const method of METHODS) {
    console[method] = (...args: unknown[]): void => {
      printed.push(`${method}: ${args.map(String).join(' ')}`)
    }
  }
})

afterEach(() => {
  Object.assign(console, originals)
  expect(printed, 'a test printed to the console').toEqual([])
})
