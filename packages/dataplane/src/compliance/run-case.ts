/** Runs one case in a world of its own and says what came of it, without any test runner. */
import { describeError } from '@weft/core'
import { capabilityName, capabilityNames } from '../capability-name.ts'
import type { Capabilities } from '../dataplane.ts'
import { check, CheckFailure, show } from './check.ts'
import { LAB_DEFAULTS, type ComplianceCase, type Requirement } from './compliance-case.ts'
import { labNames, type Lab, type LabLink, type LabNode, type OpenLab } from './lab.ts'
import { eventually, showsFrame } from './traffic.ts'

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
  const needs = unmetRequirements(requirements(testCase, lab), lab.capabilities, labNames(lab))
  if (needs.length > 0) return { result: 'skipped', needs }
  const seen: Recorded = { nodes: [], frames: [] }
  try {
    await testCase.run(recorded(lab, seen), check)
    if (testCase.conserves) await checkConservation(lab, seen.nodes)
    if (testCase.dark && lab.sealing !== undefined) await checkDarkness(lab, seen)
    return { result: 'passed' }
  } catch (error) {
    return failed(error instanceof CheckFailure ? error.message : 'the case broke off', error)
  }
}

function failed(what: string, error: unknown): CaseOutcome {
  const known = error === null || error instanceof CheckFailure
  return { result: 'failed', reason: known ? what : `${what}: ${describeError(error)}`, error }
}

/** Where networks are encrypted, every case needs a backend that can do that. */
function requirements({ requires }: ComplianceCase, { sealing }: Lab): readonly Requirement[] {
  if (sealing === undefined) return requires
  return [...new Set([...requires, capabilityName.encapsulation('vxlan-esp')])]
}

/** Requirements that neither these capabilities meet nor what else there is, by `labNames`. */
export function unmetRequirements(
  requires: readonly Requirement[],
  capabilities: Capabilities,
  others: readonly string[] = [],
): readonly Requirement[] {
  const names = new Set([...capabilityNames(capabilities), ...others])
  const without = 'without '
  return requires.filter((requirement) =>
    requirement.startsWith(without)
      ? names.has(requirement.slice(without.length))
      : !names.has(requirement),
  )
}

/** What a case has made, and what it has looked at. */
interface Recorded {
  readonly nodes: LabNode[]
  /** Of the underlay, in worlds with encrypted networks. */
  readonly frames: Uint8Array[]
}

/** The same lab, noting the nodes that the case makes and the frames that it sees. */
function recorded(lab: Lab, { frames, nodes }: Recorded): Lab {
  const { capabilities, sealing, slowness } = lab
  const watched = (link: LabLink): LabLink => ({
    cut: () => link.cut(),
    heal: () => link.heal(),
    captured: async () => {
      const captured = await link.captured()
      frames.push(...captured)
      return captured
    },
  })
  return {
    capabilities,
    ...(sealing === undefined ? {} : { sealing }),
    ...(slowness === undefined ? {} : { slowness }),
    node: async (name) => {
      const node = await lab.node(name)
      nodes.push(node)
      return node
    },
    advance: (ms) => lab.advance(ms),
    link: (a, b) => (sealing === undefined ? lab.link(a, b) : watched(lab.link(a, b))),
    close: () => lab.close(),
  }
}

/** Nothing that an endpoint has sent can be read in any frame between any two nodes. */
async function checkDarkness(lab: Lab, { frames, nodes }: Recorded): Promise<void> {
  const all = [...frames]
  for (const [i, a] of nodes.entries()) {
    for (const b of nodes.slice(i + 1)) all.push(...(await lab.link(a, b).captured()))
  }
  const readable = all.filter(showsFrame).length
  check.equal(readable, 0, `frames of the underlay, of ${all.length}, that show what is inside`)
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
