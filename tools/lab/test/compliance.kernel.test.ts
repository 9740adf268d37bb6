/** The kernel dataplane keeps every promise of the contract, in hosts made of namespaces. */
import { complianceCases, describeCompliance } from '@weft/dataplane/compliance'
import { afterAll, describe, test } from 'vitest'
import { netnsLabs } from '../src/netns-lab.ts'
import { waivers } from './waivers.ts'

const labs = netnsLabs()
afterAll(() => labs[Symbol.asyncDispose]())

describeCompliance(
  { backend: 'kernel', cases: complianceCases, openLab: labs.open, waivers },
  { describe, test },
)
