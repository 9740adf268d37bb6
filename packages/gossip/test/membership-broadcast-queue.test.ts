/** The broadcast queue: order, limits, replacement (docker-wire §2.9). */
import { describe, expect, test } from 'vitest'
import { BROADCASTS_MAX, BroadcastQueue, type Room } from '../src/membership/broadcast-queue.ts'

const ROOM: Room = {
  overheadBytes: 2,
  limitBytes: 10_000,
  transmitsBelow: Infinity,
  transmitsMax: 100,
}

/** A message whose first byte tells it apart. */
function message(tag: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(tag)
}

function tags(taken: readonly Uint8Array[]): number[] {
  return taken.map((bytes) => bytes[0] ?? -1)
}

function queueOf(...messages: [about: string, tag: number, length: number][]): BroadcastQueue {
  const queue = new BroadcastQueue()
  for (const [about, tag, length] of messages) {
    queue.add({ about, bytes: message(tag, length), onDone: null })
  }
  return queue
}

describe('the order', () => {
  test('is the longest first, then the newest', () => {
    const queue = queueOf(['a', 1, 10], ['b', 2, 30], ['c', 3, 10], ['d', 4, 20])
    expect(tags(queue.take(ROOM))).toEqual([2, 4, 3, 1])
  })

  test('puts what was sent less often before what is longer', () => {
    const queue = queueOf(['a', 1, 30])
    queue.take(ROOM)
    queue.add({ about: 'b', bytes: message(2, 5), onDone: null })
    expect(tags(queue.take(ROOM))).toEqual([2, 1])
  })

  test('goes on with a shorter one when the longest does not fit', () => {
    const queue = queueOf(['a', 1, 30], ['b', 2, 20], ['c', 3, 5])
    const taken = queue.take({ ...ROOM, limitBytes: 20 + 2 + 5 + 2 })
    expect(tags(taken)).toEqual([2, 3])
    expect(queue.transmitsOf('a')).toBe(0)
  })

  test('leaves out what is a byte too long', () => {
    const queue = queueOf(['a', 1, 30])
    expect(queue.take({ ...ROOM, limitBytes: 31 })).toEqual([])
    expect(queue.take({ ...ROOM, limitBytes: 32 })).toHaveLength(1)
  })

  test('leaves out what was sent often enough for now', () => {
    const queue = queueOf(['a', 1, 5])
    queue.take(ROOM)
    queue.add({ about: 'b', bytes: message(2, 5), onDone: null })
    expect(tags(queue.take({ ...ROOM, transmitsBelow: 1 }))).toEqual([2])
  })
})

test('a message is sent transmitsMax times, and is done then', () => {
  const queue = new BroadcastQueue()
  let done = 0
  queue.add({ about: 'a', bytes: message(1, 5), onDone: () => done++ })
  for (let sent = 1; sent <= 3; sent++) {
    expect(done).toBe(0)
    expect(queue.take({ ...ROOM, transmitsMax: 3 })).toHaveLength(1)
  }
  expect([done, queue.size, queue.transmitsOf('a')]).toEqual([1, 0, null])
  expect(queue.take(ROOM)).toEqual([])
})

test('a newer message about a node replaces the older one, which is done', () => {
  const queue = new BroadcastQueue()
  let done = 0
  queue.add({ about: 'a', bytes: message(1, 5), onDone: () => done++ })
  queue.take(ROOM)
  queue.add({ about: 'a', bytes: message(2, 9), onDone: null })
  expect([done, queue.size, queue.transmitsOf('a')]).toEqual([1, 1, 0])
  expect(tags(queue.take(ROOM))).toEqual([2])
})

test('what is removed from the middle of its kind is gone, the others stay', () => {
  const queue = queueOf(['a', 1, 5], ['b', 2, 5], ['c', 3, 5])
  queue.remove('b')
  expect(tags(queue.take(ROOM))).toEqual([3, 1])
  queue.remove('c')
  queue.remove('nobody')
  expect(tags(queue.take(ROOM))).toEqual([1])
})

test('beyond BROADCASTS_MAX the one that was sent most often goes', () => {
  const queue = queueOf(['old', 1, 5])
  queue.take(ROOM)
  for (let i = 1; i < BROADCASTS_MAX; i++) {
    queue.add({ about: `n${i}`, bytes: message(2, 5), onDone: null })
  }
  expect([queue.size, queue.transmitsOf('old')]).toEqual([BROADCASTS_MAX, 1])
  queue.add({ about: 'new', bytes: message(3, 5), onDone: null })
  expect([queue.size, queue.transmitsOf('old')]).toEqual([BROADCASTS_MAX, null])
})
