import { expect, test } from 'vitest'
import { createLogger, parseIp } from '@weft/core'
import { nodeRuntime } from '../src/index.ts'

test('a runtime has every port, and nobody hears its log unless asked', async () => {
  const runtime = nodeRuntime()
  expect(() => runtime.log.error('unheard')).not.toThrow()
  const loopback = { ip: parseIp('127.0.0.1'), port: 0 }
  const socket = await runtime.underlay.bind(loopback, () => undefined)
  await socket.close()
  const seen: string[] = []
  const log = createLogger((_level, message) => void seen.push(message))
  nodeRuntime({ log }).log.info('heard')
  expect(seen).toEqual(['heard'])
})

test('chance is fresh in each runtime, and reproducible from a seed', () => {
  const draws = (seed?: string): string => {
    const { random } = nodeRuntime(seed === undefined ? {} : { seed })
    return Array.from({ length: 8 }, () => random.below(2 ** 32)).join()
  }
  expect(draws('7')).toBe(draws('7'))
  expect(draws()).not.toBe(draws())
})

test('entropy fills all of what it is given, and never twice alike', () => {
  const { entropy } = nodeRuntime()
  const fill = (): Uint8Array => {
    const bytes = new Uint8Array(64)
    entropy.fill(bytes.subarray(0, 32))
    return bytes
  }
  const [a, b] = [fill(), fill()]
  expect(a.subarray(0, 32)).not.toEqual(b.subarray(0, 32))
  expect(new Set(a.subarray(0, 32)).size).toBeGreaterThan(8)
  expect(a.subarray(32)).toEqual(new Uint8Array(32))
})
