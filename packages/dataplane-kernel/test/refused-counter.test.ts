/** Counts of forged datagrams only grow, whatever becomes of the states that counted. */
import { parseIp } from '@weft/core'
import { expect, test } from 'vitest'
import { ForgedCounter } from '../src/forged-counter.ts'

type Counted = Parameters<ForgedCounter['update']>[0][number]

function state(spi: number, forged: number): Counted {
  return { source: parseIp('192.0.2.2'), destination: parseIp('192.0.2.1'), spi, forged }
}

test('counts of all states add up, once each', () => {
  const counter = new ForgedCounter()
  counter.update([state(1, 2), state(2, 3)])
  counter.update([state(1, 2), state(2, 4)])
  expect(counter.total).toBe(6)
})

test('a state that goes takes nothing away, and one made anew counts from nothing', () => {
  const counter = new ForgedCounter()
  counter.update([state(1, 5)])
  counter.update([])
  expect(counter.total).toBe(5)
  counter.update([state(1, 1)])
  counter.update([state(1, 4), state(2, 1)])
  counter.update([state(1, 2)])
  expect(counter.total).toBe(12)
})
