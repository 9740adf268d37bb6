/** All cases, in the order of the document. */
import { adoptCases } from './cases/adopt-cases.ts'
import { applyCases } from './cases/apply-cases.ts'
import { badInputCases } from './cases/bad-input-cases.ts'
import { changeCases } from './cases/change-cases.ts'
import { closeCases } from './cases/close-cases.ts'
import { failureCases } from './cases/failure-cases.ts'
import { forwardCases } from './cases/forward-cases.ts'
import { neighbourCases } from './cases/neighbour-cases.ts'
import { refusalCases } from './cases/refusal-cases.ts'
import { repairCases } from './cases/repair-cases.ts'
import { sealingCases } from './cases/sealing-cases.ts'
import { underlayCases } from './cases/underlay-cases.ts'
import type { ComplianceCase } from './compliance-case.ts'

/** Every promise that a backend keeps. */
export const complianceCases: readonly ComplianceCase[] = [
  ...applyCases,
  ...changeCases,
  ...failureCases,
  ...badInputCases,
  ...forwardCases,
  ...underlayCases,
  ...neighbourCases,
  ...adoptCases,
  ...repairCases,
  ...sealingCases,
  ...refusalCases,
  ...closeCases,
]
