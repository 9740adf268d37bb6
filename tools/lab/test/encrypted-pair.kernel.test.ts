/** Encrypted networks between two hosts of this machine, of every kind that it can have. */
import { probeKernel } from '@weft/linux'
import { describe, expect, test } from 'vitest'
import { LOCAL_PACE } from '../src/encrypted/run-encrypted-pair.ts'
import { runLocalPair } from '../src/encrypted/run-local-pair.ts'

const PAIR_MS = 240_000
const { esp } = probeKernel()
const lacking = esp === null ? '' : ` (this kernel has no ESP: ${esp.diagnostic})`

describe('an encrypted pair', () => {
  test('of userspace dataplanes', async () => {
    const held = await runLocalPair(['userspace', 'userspace'], LOCAL_PACE)
    expect(held).toContain('all of it goes')
  }, PAIR_MS)

  test('of userspace dataplanes whose ESP is in UDP', async () => {
    const held = await runLocalPair(['userspace', 'userspace'], LOCAL_PACE, 'udp')
    expect(held).toContain('all of it goes')
  }, PAIR_MS)

  test.skipIf(esp !== null).each([
    { one: 'kernel', two: 'kernel' },
    { one: 'kernel', two: 'userspace' },
  ] as const)(`of $one and $two${lacking}`, async ({ one, two }) => {
    const held = await runLocalPair([one, two], LOCAL_PACE)
    expect(held).toContain('all of it goes')
  }, PAIR_MS)
})
