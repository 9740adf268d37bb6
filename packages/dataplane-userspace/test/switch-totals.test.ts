/** Counters go on over the death of a thread. */
import { expect, test } from 'vitest'
import { addTotals, NO_TOTALS } from '../src/switch-totals.ts'

const before = {
  transmitted: 3,
  received: 4,
  dropped: new Map([['frame-malformed', 1]]),
  networks: new Map([['blue', { transmitted: 3, received: 4 }]]),
}
const after = {
  transmitted: 10,
  received: 20,
  dropped: new Map([['frame-malformed', 2], ['datagram-cut', 5]]),
  networks: new Map([
    ['blue', { transmitted: 1, received: 2 }],
    ['green', { transmitted: 9, received: 18 }],
  ]),
}

test('sums every counter, by reason and by network', () => {
  expect(addTotals(before, after)).toEqual({
    transmitted: 13,
    received: 24,
    dropped: new Map([['frame-malformed', 3], ['datagram-cut', 5]]),
    networks: new Map([
      ['blue', { transmitted: 4, received: 6 }],
      ['green', { transmitted: 9, received: 18 }],
    ]),
  })
})

test('nothing added is nothing changed', () => {
  expect(addTotals(NO_TOTALS, after)).toEqual(after)
  expect(addTotals(after, NO_TOTALS)).toEqual(after)
})
