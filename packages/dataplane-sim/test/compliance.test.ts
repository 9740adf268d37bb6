/** The simulated dataplane keeps every promise of the contract, without a waiver. */
import { complianceCases, describeCompliance } from '@weft/dataplane/compliance'
import { openSimLab } from '../src/lab/index.ts'
import { describe, test } from 'vitest'

const suite = { cases: complianceCases, waivers: {} }

describeCompliance({ ...suite, backend: 'sim', openLab: openSimLab() }, { describe, test })

describeCompliance(
  {
    ...suite,
    backend: 'sim without persistence',
    openLab: openSimLab({ capabilities: { persistent: false } }),
  },
  { describe, test },
)

describeCompliance(
  {
    ...suite,
    backend: 'sim without IPv6',
    openLab: openSimLab({
      capabilities: { overlayFamilies: new Set([4]), underlayFamilies: new Set([4]) },
    }),
  },
  { describe, test },
)
