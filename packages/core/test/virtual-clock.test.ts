import { describe, expect, test } from 'vitest'
import type { Instant } from '../src/index.ts'
import { VIRTUAL_EPOCH_MS, VirtualClock } from '../src/testing/index.ts'

const at = (ms: number): Instant => ms as Instant

describe('a virtual clock', () => {
  test('stands still until it is advanced, and then stops exactly where it was told', async () => {
    const clock = new VirtualClock()
    expect(clock.now()).toBe(0)
    await clock.advance(1500)
    expect(clock.now()).toBe(1500)
    expect(clock.wall()).toBe(VIRTUAL_EPOCH_MS + 1500)
  })

  test('runs tasks by time, and those due together in schedule order', async () => {
    const clock = new VirtualClock({ epochMs: 0 })
    const seen: string[] = []
    const note = (text: string) => (): void => void seen.push(`${clock.now()} ${text}`)
    clock.schedule(at(20), note('late'))
    clock.schedule(at(10), note('first'))
    clock.schedule(at(10), note('second'))
    await clock.advance(15)
    expect(seen).toEqual(['10 first', '10 second'])
    await clock.advance(5)
    expect(seen).toEqual(['10 first', '10 second', '20 late'])
    expect(clock.pending).toBe(0)
  })

  test('runs a task that was due in the past now, behind those already due', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    await clock.advance(100)
    clock.schedule(at(100), () => void seen.push('due now'))
    clock.schedule(at(3), () => void seen.push(`overdue at ${clock.now()}`))
    await clock.advance(0)
    expect(seen).toEqual(['due now', 'overdue at 100'])
  })

  test('runs what tasks schedule on the way, at its own time', async () => {
    const clock = new VirtualClock()
    const ticks: number[] = []
    const tick = (): void => {
      ticks.push(clock.now())
      clock.schedule(at(clock.now() + 10), tick)
    }
    clock.schedule(at(10), tick)
    await clock.advance(35)
    expect(ticks).toEqual([10, 20, 30])
  })

  test('lets every promise settle before the next task runs', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    clock.schedule(at(10), () => {
      void (async () => {
        for (let i = 0; i < 50; i++) await Promise.resolve()
        seen.push('after fifty awaits')
      })()
    })
    clock.schedule(at(10), () => void seen.push('next task'))
    await clock.advance(10)
    expect(seen).toEqual(['after fifty awaits', 'next task'])
  })

  test('never runs a disposed task, and disposing twice or too late is harmless', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    const dropped = clock.schedule(at(10), () => void seen.push('dropped'))
    const kept = clock.schedule(at(10), () => void seen.push('kept'))
    dropped[Symbol.dispose]()
    dropped[Symbol.dispose]()
    await clock.advance(10)
    kept[Symbol.dispose]()
    expect(seen).toEqual(['kept'])
    expect(clock.pending).toBe(0)
  })

  test('keeps order while thousands of timers are moved', async () => {
    const clock = new VirtualClock()
    const ran: number[] = []
    for (let i = 0; i < 3000; i++) {
      const due = (i * 7919) % 1000
      const task = clock.schedule(at(due), () => void ran.push(due))
      if (i % 3 !== 0) task[Symbol.dispose]()
    }
    expect(clock.pending).toBe(1000)
    await clock.advance(1000)
    expect(ran).toHaveLength(1000)
    expect(ran).toEqual([...ran].sort((a, b) => a - b))
  })

  test('throws what a task throws, and goes on afterwards', async () => {
    const clock = new VirtualClock()
    clock.schedule(at(1), () => {
      throw new Error('bug: planted')
    })
    await expect(clock.advance(5)).rejects.toThrow('planted')
    await clock.advance(5)
    expect(clock.now()).toBe(6)
  })

  test('waits for a condition, no longer than told', async () => {
    const clock = new VirtualClock()
    let count = 0
    const tick = (): void => {
      count++
      clock.schedule(at(clock.now() + 10), tick)
    }
    clock.schedule(at(10), tick)
    expect(await clock.advanceUntil(() => count === 3, 1000)).toBe(true)
    expect(clock.now()).toBe(30)
    expect(await clock.advanceUntil(() => count === 100, 50)).toBe(false)
    expect(clock.now()).toBe(80)
  })

  test('refuses to go back, to be moved by two, and to wait for no instant', async () => {
    const clock = new VirtualClock()
    await expect(clock.advance(-1)).rejects.toThrow('bug')
    const first = clock.advance(1)
    await expect(clock.advance(1)).rejects.toThrow('bug')
    await first
    expect(() => clock.schedule(at(Number.NaN), () => undefined)).toThrow('bug')
  })
})
