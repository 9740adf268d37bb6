/** Waiting for descriptors, and being woken: in this thread and in a worker of one's own. */
import { Worker } from 'node:worker_threads'
import { parseIp } from '@weft/core'
import {
  openDatagramSocket,
  PollSet,
  POLL_ENTRIES_MAX,
  POLL_WAIT_MS_MAX,
  WakeEvent,
} from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { atEnd, openFds } from './scratch.ts'

function event(): WakeEvent {
  const made = WakeEvent.open()
  atEnd(() => made.close())
  return made
}

describe('a set', () => {
  test('tells which of its descriptors have something', () => {
    const [a, b, c] = [event(), event(), event()]
    const set = new PollSet()
    for (const { fd } of [a, b, c]) set.add(fd, 'readable')
    expect(set.wait(0)).toBe(0)
    b.wake()
    expect(set.wait(1000)).toBe(1)
    expect([a, b, c].map(({ fd }) => set.isReadable(fd))).toEqual([false, true, false])
    set.add(a.fd, 'both')
    expect(set.wait(1000)).toBe(2)
    expect([set.isReadable(a.fd), set.isWritable(a.fd)]).toEqual([false, true])
    expect(set.isWritable(b.fd)).toBe(false)
  })

  test('forgets what is removed, and keeps the others', () => {
    const events = Array.from({ length: 200 }, event)
    const set = new PollSet()
    for (const { fd } of events) set.add(fd, 'readable')
    for (const one of events) one.wake()
    events.forEach(({ fd }, i) => {
      if (i % 3 === 0) set.remove(fd)
    })
    set.remove(-1)
    expect(set.wait(0)).toBe(events.length - Math.ceil(events.length / 3))
    events.forEach(({ fd }, i) => expect(set.isReadable(fd)).toBe(i % 3 !== 0))
  })

  test('says what is broken', () => {
    const one = WakeEvent.open()
    const set = new PollSet()
    set.add(one.fd, 'readable')
    one.close()
    expect(set.wait(0)).toBe(1)
    expect(set.isBroken(one.fd)).toBe(true)
  })

  test('waits no longer than it is told, and not for ever', () => {
    const set = new PollSet()
    set.add(event().fd, 'readable')
    const before = performance.now()
    expect(set.wait(20)).toBe(0)
    expect(performance.now() - before).toBeGreaterThanOrEqual(19)
    expect(() => set.wait(-1)).toThrow('a wait has an end')
    expect(() => set.wait(POLL_WAIT_MS_MAX + 1)).toThrow('a wait has an end')
  })

  test('has so many and no more', () => {
    const set = new PollSet()
    for (let fd = 0; fd < POLL_ENTRIES_MAX; fd++) set.add(fd + 100_000, 'readable')
    set.add(100_000, 'writable')
    expect(() => set.add(1, 'readable')).toThrow('too many')
  })

  test('hears of datagrams', () => {
    const socket = openDatagramSocket({ local: { ip: parseIp('127.0.0.1'), port: 0 } })
    atEnd(() => socket.close())
    const set = new PollSet()
    set.add(socket.fd, 'both')
    expect(set.wait(0)).toBe(1)
    expect([set.isReadable(socket.fd), set.isWritable(socket.fd)]).toEqual([false, true])
  })
})

describe('a wake', () => {
  test('is kept until it is cleared, and many are one', () => {
    const one = event()
    const other = WakeEvent.adopt(one.fd)
    expect(one.clear()).toBe(false)
    other.wake()
    other.wake()
    expect(one.clear()).toBe(true)
    expect(one.clear()).toBe(false)
  })

  test('does nothing after the end, which comes once', () => {
    const before = openFds()
    const one = WakeEvent.open()
    const other = WakeEvent.adopt(one.fd)
    other.close()
    expect(openFds()).toBe(before + 1)
    one.close()
    one.close()
    expect(openFds()).toBe(before)
    one.wake()
    expect(one.clear()).toBe(false)
  })

  test('frees a worker that waits, in time for its end', async () => {
    const wake = event()
    const index = new URL('../src/index.ts', import.meta.url).href
    const source = `
      const { parentPort, workerData } = require('node:worker_threads')
      import(${JSON.stringify(index)}).then(({ PollSet, WakeEvent }) => {
        const set = new PollSet()
        const wake = WakeEvent.adopt(workerData.fd)
        set.add(wake.fd, 'readable')
        parentPort.postMessage('waits')
        do {
          set.wait(10_000)
          if (wake.clear()) Atomics.add(workerData.stop, 1, 1)
        } while (Atomics.load(workerData.stop, 0) === 0)
      })`
    const workerData = { fd: wake.fd, stop: new Int32Array(new SharedArrayBuffer(8)) }
    const execArgv = ['--conditions=@weft/source']
    const worker = new Worker(source, { eval: true, workerData, execArgv })
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    await new Promise((resolve) => worker.once('message', resolve))
    const before = performance.now()
    Atomics.store(workerData.stop, 0, 1)
    wake.wake()
    expect(await ended).toBe(0)
    expect(performance.now() - before).toBeLessThan(5000)
    expect(Atomics.load(workerData.stop, 1)).toBe(1)
  })
})
