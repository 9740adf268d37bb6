/** Hosts with the kernel dataplane and hosts with the userspace one make one network together. */
import { complianceCases, describeCompliance } from '@weft/dataplane/compliance'
import { afterAll, describe, test } from 'vitest'
import { KERNEL_BESIDE_USERSPACE } from '../src/compliance-waivers.ts'
import { netnsLabs } from '../src/netns-lab.ts'

const userspaceFirst = netnsLabs(['userspace', 'kernel'])
const kernelFirst = netnsLabs(['kernel', 'userspace'])
afterAll(() => userspaceFirst[Symbol.asyncDispose]())
afterAll(() => kernelFirst[Symbol.asyncDispose]())

describeCompliance(
  {
    backend: 'userspace beside kernel',
    cases: complianceCases,
    openLab: userspaceFirst.open,
    waivers: {},
  },
  { describe, test },
)

describeCompliance(
  {
    backend: 'kernel beside userspace',
    cases: complianceCases,
    openLab: kernelFirst.open,
    waivers: KERNEL_BESIDE_USERSPACE,
  },
  { describe, test },
)
