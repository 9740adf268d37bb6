/** Programming speed: ten thousand remote endpoints from nothing, again, and one more. */
import type { Dataplane, DesiredState } from '@weft/dataplane'
import { collectGarbage } from './collect-garbage.ts'
import { HandNetwork, type HandRemote } from './by-hand.ts'
import { benchState, nthIp, nthMac, remoteEndpoints, type BenchState } from './desired.ts'
import { median, timeMs } from './statistics.ts'
import type { BenchRow, BenchSuite } from './suite.ts'
import { TwoHosts } from './two-hosts.ts'

const ENDPOINTS = 10_000
const RUNS = 7
/** The goal for an apply that changes nothing or one entry, in ms. */
const SMALL_APPLY_GOAL_MS = 5

type Report = (row: BenchRow) => void

async function firstApply(report: Report): Promise<void> {
  const ours: number[] = []
  const byHand: number[] = []
  // Both from nothing to ten thousand, in turn, so that a slow moment of the machine hits both.
  for (let run = 0; run < RUNS; run++) {
    await using hosts = new TwoHosts()
    const dataplane = await hosts.dataplane(hosts.a)
    const desired = benchState(1, bareState(hosts))
    const remotes = remotesOf(hosts)
    const weft = async (): Promise<void> => {
      ours.push(await timeMs(async () => requireSuccess(await dataplane.apply(desired))))
    }
    const hand = async (): Promise<void> => {
      const work = (): void => new HandNetwork(hosts, hosts.a, 4098).addRemotes(remotes)
      byHand.push(await timeMs(work))
    }
    const order = run % 2 === 0 ? [weft, hand] : [hand, weft]
    for (const each of order) await each()
  }
  report({
    name: 'first-apply',
    median: median(ours),
    unit: 'ms',
    against: 'ip -batch and bridge -batch of the same entries',
    ratio: median(byHand) / median(ours),
    runs: RUNS,
  })
}

function remotesOf(hosts: TwoHosts): HandRemote[] {
  return Array.from({ length: ENDPOINTS }, (_, n) => ({
    mac: nthMac(n),
    ip: nthIp(n),
    vtep: hosts.b.tunnel.ip,
  }))
}

function bareState(hosts: TwoHosts): BenchState {
  return {
    tunnel: hosts.a.tunnel,
    peers: new Map([['b', { tunnel: hosts.b.tunnel }]]),
    local: new Map(),
    remote: remoteEndpoints(ENDPOINTS, 'b'),
  }
}

function requireSuccess(report: Awaited<ReturnType<Dataplane['apply']>>): void {
  const [failure] = report.failures
  if (failure !== undefined) throw new Error(`${failure.item}: ${failure.error.message}`)
}

/** One apply, with the heap swept first: what building the state left behind is not its cost. */
async function timeApply(dataplane: Dataplane, desired: DesiredState): Promise<number> {
  collectGarbage()
  return timeMs(async () => requireSuccess(await dataplane.apply(desired)))
}

async function smallApplies(report: Report): Promise<void> {
  await using hosts = new TwoHosts()
  const dataplane = await hosts.dataplane(hosts.a)
  const state = bareState(hosts)
  let generation = 1
  const times = { shared: [] as number[], equal: [] as number[], added: [] as number[] }
  requireSuccess(await dataplane.apply(benchState(generation, state)))
  for (let run = 0; run < 3 * RUNS; run++) {
    times.shared.push(await timeApply(dataplane, benchState(++generation, state)))
    const copy = { ...state, remote: remoteEndpoints(ENDPOINTS, 'b') }
    times.equal.push(await timeApply(dataplane, benchState(++generation, copy)))
    requireSuccess(await dataplane.apply(benchState(++generation, state)))
    const one = { mac: nthMac(ENDPOINTS + run), addresses: [nthIp(ENDPOINTS + run)], node: 'b' }
    const remote = new Map(state.remote).set(`extra-${run}`, one)
    times.added.push(await timeApply(dataplane, benchState(++generation, { ...state, remote })))
    requireSuccess(await dataplane.apply(benchState(++generation, state)))
  }
  const against = `the goal of ${SMALL_APPLY_GOAL_MS} ms`
  for (const [name, values] of [
    ['reapply-unchanged', times.shared],
    ['reapply-equal', times.equal],
    ['add-one', times.added],
  ] as const) {
    const ratio = SMALL_APPLY_GOAL_MS / median(values)
    report({ name, median: median(values), unit: 'ms', against, ratio, runs: values.length })
  }
}

/** See the package's README for what each row means. */
export const programmingSuite: BenchSuite = {
  name: 'programming',
  describe: 'apply 10,000 remote endpoints from nothing, unchanged, and one more',
  needsKernel: true,
  async run(report) {
    await firstApply(report)
    await smallApplies(report)
  },
}
