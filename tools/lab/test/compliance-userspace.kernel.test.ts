/** The userspace dataplane keeps every promise of the contract, in hosts made of namespaces. */
import { complianceCases, describeCompliance } from '@weft/dataplane/compliance'
import { afterAll, describe, test } from 'vitest'
import { netnsLabs } from '../src/netns-lab.ts'

const labs = netnsLabs(['userspace'])
afterAll(() => labs[Symbol.asyncDispose]())

describeCompliance(
  { backend: 'userspace', cases: complianceCases, openLab: labs.open, waivers: {} },
  { describe, test },
)
