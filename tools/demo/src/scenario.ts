/** The scenario: the acts in order. The same on every backend. */
import { introduce, sayCheck, type Say } from './account.ts'
import { isolation } from './checks/isolation.ts'
import { move } from './checks/move.ts'
import { mtuEdge } from './checks/mtu.ts'
import { reachByIcmp, reachByTcp } from './checks/reach.ts'
import { repair } from './checks/repair.ts'
import { survive } from './checks/survive.ts'
import { underlay } from './checks/underlay.ts'
import { Play, type Act, type PlayOptions } from './play.ts'
import type { CheckResult } from './report.ts'
import { walk } from './walk.ts'
import type { World } from './world.ts'

/** In this order: what others rest on first, what disturbs the lab last. */
const ACTS: readonly { readonly name: string; readonly act: Act }[] = [
  { name: 'icmp', act: reachByIcmp },
  { name: 'tcp', act: reachByTcp },
  { name: 'isolation', act: isolation },
  { name: 'mtu', act: mtuEdge },
  { name: 'underlay', act: underlay },
  { name: 'move', act: move },
  { name: 'repair', act: repair },
  { name: 'kill-owner', act: survive },
]

/** How the scenario is played, and where it is told. */
export interface ScenarioOptions extends PlayOptions {
  readonly say: Say
  /** Ends it between two acts. */
  readonly signal: AbortSignal
}

/** Play all acts. A check that throws is a failed check and the rest goes on. */
export async function playScenario(
  world: World,
  options: ScenarioOptions,
): Promise<readonly CheckResult[]> {
  const { progress, say, signal } = options
  const play = new Play(world, options)
  await play.begin()
  introduce(say, play)
  await walk(say, play)
  say('Checks')
  const checks: CheckResult[] = []
  for (const { name, act } of ACTS) {
    if (signal.aborted) break
    progress(name)
    const results = await attempt(name, act, play)
    progress('')
    for (const check of results) sayCheck(say, check)
    checks.push(...results)
  }
  return checks
}

async function attempt(name: string, act: Act, play: Play): Promise<readonly CheckResult[]> {
  try {
    return await act(play)
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error)
    return [{ name, ok: false, figure: -1, unit: 'not measured', says }]
  }
}
