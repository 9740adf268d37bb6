/** Encrypted networks with traffic in them, where there is a kernel with ESP. */
import { probeKernel } from '@weft/linux'
import { describe, test } from 'vitest'
import { runEncryptedDataplanes } from './encrypted-dataplane.ts'

const { esp: kernelEsp } = probeKernel()
const lacking = kernelEsp === null ? '' : ` (this kernel has no ESP: ${kernelEsp.diagnostic})`

describe.skipIf(lacking !== '')(`encrypted dataplanes${lacking}`, () => {
  test('hide, rotate, repair, adopt, refuse and leave nothing', runEncryptedDataplanes, 60_000)
})
