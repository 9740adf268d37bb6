/** The suite that packets are sealed with: libcrypto's where it proves itself, or node:crypto's. */
import type { CipherSuite } from '@weft/core'
import { libcryptoLack, libcryptoSuite } from '@weft/linux/packets'
import { nodeCipherSuites } from '@weft/runtime-node'
import type { EspOptions } from './options.ts'
import { soundLibrary } from './sound-suite.ts'

/** Where ciphers come from. */
export type SealingLibrary = 'libcrypto' | 'node:crypto'

/** A suite, whose it is, and why it is not the quickest; null when it is. */
export interface ChosenSuite {
  readonly suite: CipherSuite
  readonly by: SealingLibrary
  readonly lack: string | null
}

/** The suite of this name as it is quickest here. */
export function fastestSuite(
  name: EspOptions['suite'],
  library: CipherSuite | null = libcryptoSuite(name),
): ChosenSuite {
  const suite = soundLibrary(name, library)
  if (suite !== null) return { suite, by: 'libcrypto', lack: null }
  const lack = library === null ? (libcryptoLack() ?? 'no such cipher') : 'a wrong answer'
  return { suite: nodeCipherSuites[name], by: 'node:crypto', lack }
}
