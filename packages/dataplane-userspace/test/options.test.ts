/** Options are complete, and refused as those of any host are. */
import { hasCode } from '@weft/core'
import { AUDIT_INTERVAL_MS } from '@weft/dataplane'
import { userspaceOptions } from '../src/index.ts'
import { expect, test } from 'vitest'

test('what is not given has the usual value', () => {
  expect(userspaceOptions({ instance: 'node-1' })).toEqual({
    instance: 'node-1',
    underlayNamespace: null,
    auditIntervalMs: AUDIT_INTERVAL_MS,
    esp: { suite: 'aes-128-gcm-8', path: 'ip', port: 4500 },
  })
})

test('a malformed instance is refused', () => {
  const make = (): unknown => userspaceOptions({ instance: '.hidden' })
  expect(make).toThrow(expect.toSatisfy((error) => hasCode(error, 'ERR_INVALID_VALUE')))
})

test('encryption is as Docker has it, but for what is given', () => {
  const { esp } = userspaceOptions({ instance: 'node-1', esp: { path: 'udp' } })
  expect(esp).toEqual({ suite: 'aes-128-gcm-8', path: 'udp', port: 4500 })
})

test.each([
  { suite: 'chacha20-poly1305' },
  { suite: 'des' },
  { path: 'carrier pigeon' },
  { port: 0 },
  { port: 65_536 },
  { port: 4500.5 },
])('ESP that cannot be is refused: %j', (esp) => {
  const make = (): unknown => userspaceOptions({ instance: 'node-1', esp: esp as object })
  expect(make).toThrow(expect.toSatisfy((error) => hasCode(error, 'ERR_INVALID_VALUE')))
})
