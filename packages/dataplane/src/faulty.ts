/** A dataplane on which things go wrong by chance, for those who have to live with that. */
import { chance, type Random, type Ratio } from '@weft/core'
import { dataplaneError, type ApplyReport, type Dataplane, type ItemFailure } from './dataplane.ts'
import type { DesiredState, NetworkId, NetworkSpec } from './desired-state.ts'
import { itemPath } from './items.ts'

/** How often what goes wrong. */
export interface FaultPlan {
  /** A verb rejects with ERR_HOST and does nothing. */
  readonly rejected: Ratio
  /** An endpoint is not programmed and reported as failed with ERR_HOST. */
  readonly failedEndpoint: Ratio
}

/** The same dataplane with faults drawn from `random`: equal seeds give equal faults. */
export function faulty(dataplane: Dataplane, random: Random, plan: FaultPlan): Dataplane {
  const draw = <Result>(operation: string, run: () => Promise<Result>): Promise<Result> =>
    chance(random, plan.rejected) ? Promise.reject(hostError('', operation)) : run()
  return {
    backend: dataplane.backend,
    capabilities: dataplane.capabilities,
    events: dataplane.events,
    apply: (desired) => draw('apply', () => applyMost(dataplane, desired, { random, plan })),
    observe: () => draw('observe', () => dataplane.observe()),
    counters: () => draw('counters', () => dataplane.counters()),
    close: (mode) => dataplane.close(mode),
    [Symbol.asyncDispose]: async () => dataplane[Symbol.asyncDispose](),
  }
}

function hostError(item: string, operation: string): ItemFailure['error'] {
  const details = { item, operation, diagnostic: 'planted fault' }
  return dataplaneError('ERR_HOST', 'the host refused', details)
}

async function applyMost(
  dataplane: Dataplane,
  desired: DesiredState,
  { random, plan }: { random: Random; plan: FaultPlan },
): Promise<ApplyReport> {
  const failures: ItemFailure[] = []
  const fails = (item: string): boolean => {
    if (!chance(random, plan.failedEndpoint)) return false
    failures.push({ item, error: hostError(item, 'program endpoint') })
    return true
  }
  const networks = new Map<NetworkId, NetworkSpec>()
  for (const [id, network] of desired.networks) {
    const local = new Map([...network.local].filter(([e]) => !fails(itemPath.local(id, e))))
    const remote = new Map([...network.remote].filter(([e]) => !fails(itemPath.remote(id, e))))
    networks.set(id, { ...network, local, remote })
  }
  const report = await dataplane.apply({ ...desired, networks })
  if (report.outcome === 'superseded') return report
  return { ...report, failures: [...report.failures, ...failures] }
}
