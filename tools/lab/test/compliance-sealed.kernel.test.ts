/** Encrypted networks keep every promise of the contract that clear ones keep, and their own. */
import { complianceCases, describeCompliance } from '@weft/dataplane/compliance'
import { afterAll, describe, test } from 'vitest'
import { netnsLabs } from '../src/netns-lab.ts'

const overIp = netnsLabs(['userspace'], { sealing: 'ip' })
const overUdp = netnsLabs(['userspace'], { sealing: 'udp' })
afterAll(() => overIp[Symbol.asyncDispose]())
afterAll(() => overUdp[Symbol.asyncDispose]())

const suite = { cases: complianceCases, waivers: {} }

describeCompliance(
  { ...suite, backend: 'userspace, ESP', openLab: overIp.open },
  { describe, test },
)

describeCompliance(
  { ...suite, backend: 'userspace, ESP in UDP', openLab: overUdp.open },
  { describe, test },
)
