/** The compliance suite: every promise of the contract as data, and what runs it. */
export { adoptCases } from './cases/adopt-cases.ts'
export { applyCases } from './cases/apply-cases.ts'
export { badInputCases } from './cases/bad-input-cases.ts'
export { changeCases } from './cases/change-cases.ts'
export { closeCases } from './cases/close-cases.ts'
export { failureCases } from './cases/failure-cases.ts'
export { forwardCases } from './cases/forward-cases.ts'
export { neighbourCases } from './cases/neighbour-cases.ts'
export { refusalCases } from './cases/refusal-cases.ts'
export { repairCases } from './cases/repair-cases.ts'
export { sealingCases } from './cases/sealing-cases.ts'
export { underlayCases } from './cases/underlay-cases.ts'
export { check, CheckFailure, type Check } from './check.ts'
export { complianceCases } from './compliance-cases.ts'
export {
  defineCase,
  LAB_DEFAULTS,
  type CaseFamily,
  type ComplianceCase,
  type Requirement,
} from './compliance-case.ts'
export {
  describeCompliance,
  judge,
  waiverProblems,
  type ComplianceSuite,
  type TestContext,
  type TestRunner,
  type Verdict,
  type Waivers,
} from './describe-compliance.ts'
export {
  labName,
  labNames,
  type Damage,
  type Foreign,
  type Lab,
  type LabEndpoint,
  type LabInterface,
  type LabLink,
  type LabNode,
  type LabOptions,
  type LabSealing,
  type OpenLab,
  type SealedEnds,
  type SealingDamage,
} from './lab.ts'
export { renderComplianceMatrix, type CaseResult, type MatrixOptions } from './matrix.ts'
export { runCase, unmetRequirements, type CaseOutcome } from './run-case.ts'
export { type Placed } from './cluster.ts'
export { Scene } from './scene.ts'
export {
  eventually,
  PATIENCE_MS,
  SILENCE_MS,
  Traffic,
  tunnelDatagram,
  type TunnelDatagram,
} from './traffic.ts'
