/** Whether something changed, asked without a thread that waits. */
import { expect, test } from 'vitest'
import { MONITOR_BUFFER_BYTES, PolledMonitor, POLLED_NOTICES_MAX } from '../src/index.ts'
import { atEnd, openFds, runWords, scratch } from './scratch.ts'

function open(path: string): PolledMonitor {
  const monitor = PolledMonitor.open({ namespace: path, topics: ['links'] })
  atEnd(() => monitor.close())
  return monitor
}

test('is told once of what changed since the last time, and of nothing else', () => {
  const { kernel, path } = scratch()
  const monitor = open(path)
  expect(monitor.takeChanged()).toBe(false)
  const linkIndex = kernel.links.create({ kind: 'bridge', name: 'br0' })
  expect(monitor.takeChanged()).toBe(true)
  expect(monitor.takeChanged()).toBe(false)
  kernel.links.change(linkIndex, { mtuBytes: 1400 })
  expect(monitor.takeChanged()).toBe(true)
})

test('what another topic tells is not asked for', () => {
  const { name, path } = scratch()
  const monitor = open(path)
  runWords(['ip', '-n', name, 'route', 'add', 'blackhole', '192.0.2.0/24'])
  expect(monitor.takeChanged()).toBe(false)
})

test('a torrent is taken in pieces, and one that overflows the socket is a change', () => {
  const { kernel, path } = scratch()
  const linkIndex = kernel.links.create({ kind: 'bridge', name: 'br0' })
  const monitor = open(path)
  // A notification takes more than half a kilobyte of the buffer.
  const changes = Math.max(POLLED_NOTICES_MAX + 1, MONITOR_BUFFER_BYTES / 512)
  for (let i = 0; i < changes; i++) kernel.links.change(linkIndex, { mtuBytes: 1300 + (i % 2) })
  let looks = 0
  while (monitor.takeChanged()) looks++
  expect(looks).toBeGreaterThan(0)
  expect(looks).toBeLessThanOrEqual(1 + Math.ceil(changes / POLLED_NOTICES_MAX))
})

test('closing lets go of the socket, more than once if need be', () => {
  const { path } = scratch()
  const before = openFds()
  const monitor = PolledMonitor.open({ namespace: path, topics: ['links', 'addresses'] })
  expect(openFds()).toBe(before + 1)
  monitor.close()
  monitor.close()
  expect(openFds()).toBe(before)
  expect(monitor.takeChanged()).toBe(false)
})
