/** The kernel dataplane keeps every promise of the contract, in hosts made of namespaces. */
import {
  complianceCases,
  describeCompliance,
  type ComplianceCase,
  type OpenLab,
} from '@weft/dataplane/compliance'
import { afterAll, describe, test } from 'vitest'
import { netnsLabs } from '../src/netns-lab.ts'

const labs = netnsLabs()
afterAll(() => labs[Symbol.asyncDispose]())

/** Families whose promises depend on the family of the underlay. */
const ON_IPV6: readonly string[] = ['forward', 'neighbour', 'adopt', 'repair']

describeCompliance(
  { backend: 'kernel', cases: complianceCases, openLab: labs.open, waivers: {} },
  { describe, test },
)
