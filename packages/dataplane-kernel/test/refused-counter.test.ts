/** Counts of refused datagrams only grow, whatever becomes of the states that counted. */
import { parseIp } from '@weft/core'
import { expect, test } from 'vitest'
import { RefusedCounter } from '../src/refused-counter.ts'

type Counted = Parameters<RefusedCounter['update']>[0][number]

function state(spi: number, forged: number): Counted {
  const [source, destination] = [parseIp('192.0.2.2'), parseIp('192.0.2.1')]
  return { source, destination, spi, forged, replayed: 2 * forged, tooOld: 0 }
}

test('counts of all states add up, once each', () => {
  const counter = new RefusedCounter()
  counter.update([state(1, 2), state(2, 3)])
  counter.update([state(1, 2), state(2, 4)])
  expect(counter.total.forged).toBe(6)
})

test('a state that goes takes nothing away, and one made anew counts from nothing', () => {
  const counter = new RefusedCounter()
  counter.update([state(1, 5)])
  counter.update([])
  expect(counter.total.forged).toBe(5)
  counter.update([state(1, 1)])
  counter.update([state(1, 4), state(2, 1)])
  counter.update([state(1, 2)])
  expect(counter.total.forged).toBe(12)
})

test('each reason has its own count, and each state of an SPI', () => {
  const counter = new RefusedCounter()
  const mark = { value: 0x1000_0000, mask: 0x7000_0000 }
  counter.update([state(1, 2), { ...state(1, 3), mark }])
  counter.update([state(1, 2), { ...state(1, 3), mark, tooOld: 7 }])
  expect(counter.total).toEqual({ forged: 5, replayed: 10, tooOld: 7 })
})
