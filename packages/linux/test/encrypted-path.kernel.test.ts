/** The kernel's IPsec with traffic in it, where there is a kernel with ESP. */
import { probeKernel } from '../src/index.ts'
import { describe, test } from 'vitest'
import { runEncryptedPath } from './encrypted-path.ts'

const { esp: kernelEsp } = probeKernel()
const lacking = kernelEsp === null ? '' : ` (this kernel has no ESP: ${kernelEsp.diagnostic})`

describe.skipIf(lacking !== '')(`an encrypted path${lacking}`, () => {
  test('hides, rotates, refuses and ends as it should', runEncryptedPath)
})
