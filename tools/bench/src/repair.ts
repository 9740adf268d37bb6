/** Repair: how long a forwarding entry deleted behind our back stays away. */
import { benchState, nthMac, remoteEndpoints } from './desired.ts'
import { percentile } from './statistics.ts'
import type { BenchSuite } from './suite.ts'
import { TwoHosts } from './two-hosts.ts'
import { ForwardingWatch } from './forwarding-watch.ts'

const ENDPOINTS = 10_000
const RUNS = 200
const GOALS_MS = { p50: 50, p99: 1000 } as const

/** See the package's README for what each row means. */
export const repairSuite: BenchSuite = {
  name: 'repair',
  describe: 'time from a deleted forwarding entry, one of 10,000, to its return',
  needsKernel: true,
  async run(report) {
    await using hosts = new TwoHosts()
    const dataplane = await hosts.dataplane(hosts.a)
    const applied = await dataplane.apply(
      benchState(1, {
        tunnel: hosts.a.tunnel,
        peers: new Map([['b', { tunnel: hosts.b.tunnel }]]),
        local: new Map(),
        remote: remoteEndpoints(ENDPOINTS, 'b'),
      }),
    )
    if (applied.failures.length > 0) throw new Error('the state to be damaged was not programmed')
    await using watch = new ForwardingWatch(hosts.a)
    const times: number[] = []
    for (let run = 0; run < RUNS; run++) {
      times.push(await watch.deleteAndAwait(nthMac((run * 7919) % ENDPOINTS)))
    }
    for (const [name, percent] of [['p50', 50], ['p99', 99]] as const) {
      const value = percentile(times, percent)
      const against = `the goal of ${GOALS_MS[name]} ms`
      const ratio = GOALS_MS[name] / value
      report({ name, median: value, unit: 'ms', against, ratio, runs: RUNS })
    }
  },
}
