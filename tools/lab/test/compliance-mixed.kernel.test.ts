/** Hosts with the kernel dataplane and hosts with the userspace one make one network together. */
import { complianceCases, describeCompliance } from '@weft/dataplane/compliance'
import { afterAll, describe, test } from 'vitest'
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
    waivers: {
      'adopt/crash-keeps-forwarding':
        'the case crashes the second node too, and a userspace switch ends with its process',
    },
  },
  { describe, test },
)
