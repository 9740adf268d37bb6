/** Runs one case in a world of its own and says what came of it, without any test runner. */
import { describeError } from '@weft/core'
import { capabilityNames } from '../capability-name.ts'
import type { Capabilities } from '../dataplane.ts'
import { check, CheckFailure, show } from './check.ts'
import { LAB_DEFAULTS, type ComplianceCase, type Requirement } from './compliance-case.ts'
import type { Lab, LabNode, OpenLab } from './lab.ts'
import { eventually } from './traffic.ts'

/** What came of a case. */
export type CaseOutcome =
  | { readonly result: 'passed' }
  /** The backend lacks (or has) what the case is about. */
  | { readonly result: 'skipped'; readonly needs: readonly Requirement[] }
  /** `reason` is for people; `error` is what was thrown, when something was. */
  | { readonly result: 'failed'; readonly reason: string; readonly error: unknown }

/**
 * Run a case in a fresh world. Never rejects. A leak fails a case that otherwise passed and never
 * masks the first failure.
 */
export async function runCase(testCase: ComplianceCase, openLab: OpenLab): Promise<CaseOutcome> {
  let lab: Lab
  try {
    lab = await openLab({ ...LAB_DEFAULTS, ...testCase.world })
  } catch (error) {
    return failed('the world could not be opened', error)
  }
  const outcome = await attempt(testCase, lab)
  try {
    const { leaked } = await lab.close()
    if (outcome.result === 'failed' || leaked.length === 0) return outcome
    return failed(`left behind: ${leaked.join(', ')}`, null)
  } catch (error) {
    return outcome.result === 'failed' ? outcome : failed('the world could not be closed', error)
  }
}

async function attempt(testCase: ComplianceCase, lab: Lab): Promise<CaseOutcome> {
  const needs = unmetRequirements(testCase.requires, lab.capabilities)
  if (needs.length > 0) return { result: 'skipped', needs }
  const nodes: LabNode[] = []
  try {
    await testCase.run(recorded(lab, nodes), check)
    if (testCase.conserves) await checkConservation(lab, nodes)
    return { result: 'passed' }
  } catch (error) {
    return failed(error instanceof CheckFailure ? error.message : 'the case broke off', error)
  }
}

function failed(what: string, error: unknown): CaseOutcome {
  const known = error === null || error instanceof CheckFailure
  return { result: 'failed', reason: known ? what : `${what}: ${describeError(error)}`, error }
}

/** Requirements that these capabilities do not meet. */
export function unmetRequirements(
  requires: readonly Requirement[],
  capabilities: Capabilities,
): readonly Requirement[] {
  const names = capabilityNames(capabilities)
  const without = 'without '
  return requires.filter((requirement) =>
    requirement.startsWith(without)
      ? names.has(requirement.slice(without.length))
      : !names.has(requirement),
  )
}

/** The same lab, noting the nodes that the case makes. */
function recorded(lab: Lab, nodes: LabNode[]): Lab {
  return {
    capabilities: lab.capabilities,
    node: async (name) => {
      const node = await lab.node(name)
      nodes.push(node)
      return node
    },
    advance: (ms) => lab.advance(ms),
    link: (a, b) => lab.link(a, b),
    close: () => lab.close(),
  }
}

interface Account {
  readonly transmitted: number
  readonly received: number
  readonly dropped: number
}

/** Every datagram that some node put on the underlay was taken off it or dropped for a reason. */
async function checkConservation(lab: Lab, nodes: readonly LabNode[]): Promise<void> {
  let account: Account = { transmitted: 0, received: 0, dropped: 0 }
  const balanced = await eventually(lab, async () => {
    account = await accountOf(nodes)
    return account.transmitted === account.received + account.dropped
  })
  check.ok(balanced, `datagrams are accounted for: ${show(account)}`)
}

async function accountOf(nodes: readonly LabNode[]): Promise<Account> {
  const account = { transmitted: 0, received: 0, dropped: 0 }
  for (const { dataplane } of nodes) {
    const { transmitted, received, dropped } = await dataplane.counters()
    account.transmitted += transmitted
    account.received += received
    for (const [reason, count] of dropped) {
      if (reason.startsWith('datagram-')) account.dropped += count
    }
  }
  return account
}
