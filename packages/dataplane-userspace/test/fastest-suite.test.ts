/** Who seals: the quick one where it proves itself, the sure one else. */
import type { CipherSuite } from '@weft/core'
import { libcryptoSuite } from '@weft/linux'
import { nodeCipherSuites } from '@weft/runtime-node'
import { expect, test } from 'vitest'
import { fastestSuite } from '../src/fastest-suite.ts'
import { ESP_SUITES } from '../src/index.ts'
import { isSound } from '../src/sound-suite.ts'

test.each(ESP_SUITES)('%s: libcrypto, which is sound here', (name) => {
  expect(fastestSuite(name)).toMatchObject({ by: 'libcrypto', lack: null })
  expect(isSound(nodeCipherSuites[name])).toBe(true)
})

test.each(ESP_SUITES)('%s: node:crypto where there is no libcrypto', (name) => {
  const chosen = fastestSuite(name, null)
  expect(chosen).toMatchObject({ by: 'node:crypto', lack: 'no such cipher' })
  expect(chosen.suite).toBe(nodeCipherSuites[name])
})

/** A suite whose ciphers do one thing otherwise. */
function withFlaw(flaw: (cipher: ReturnType<CipherSuite['open']>) => object): CipherSuite {
  const sound = libcryptoSuite('aes-128-gcm-8') ?? nodeCipherSuites['aes-128-gcm-8']
  return {
    ...sound,
    open(key) {
      const cipher = sound.open(key)
      const { close, open, seal } = cipher
      const bound = { open: open.bind(cipher), seal: seal.bind(cipher), close: close.bind(cipher) }
      return { suite: sound, ...bound, ...flaw(cipher) }
    },
  }
}

test.each([
  ['seals nothing', withFlaw(() => ({ seal: () => undefined }))],
  ['opens whatever it is given', withFlaw(() => ({ open: () => true }))],
  ['opens nothing', withFlaw(() => ({ open: () => false }))],
])('a suite that %s is not used', (_what, suite) => {
  const chosen = fastestSuite('aes-128-gcm-8', suite)
  expect(chosen).toMatchObject({ by: 'node:crypto', lack: 'a wrong answer' })
})

test('a sound one that is wrapped is', () => {
  const chosen = fastestSuite('aes-128-gcm-8', withFlaw(() => ({})))
  expect(chosen).toMatchObject({ by: 'libcrypto', lack: null })
})
