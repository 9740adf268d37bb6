/** Options are complete, and refused as those of any host are. */
import { hasCode } from '@weft/core'
import { AUDIT_INTERVAL_MS } from '@weft/dataplane'
import { kernelOptions } from '../src/index.ts'
import { expect, test } from 'vitest'

test('what is not given has the usual value', () => {
  expect(kernelOptions({ instance: 'node-1' })).toEqual({
    instance: 'node-1',
    underlayNamespace: null,
    namespaceDirectory: '/run/netns',
    auditIntervalMs: AUDIT_INTERVAL_MS,
  })
})

test('a malformed instance is refused', () => {
  const make = (): unknown => kernelOptions({ instance: '.hidden' })
  expect(make).toThrow(expect.toSatisfy((error) => hasCode(error, 'ERR_INVALID_VALUE')))
})
