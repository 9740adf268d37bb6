/** The userspace dataplane against kernel VXLAN and against what Debian packages, in one run. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { assert } from '@weft/core'
import { checksumRows } from './checksums.ts'
import { missingPrograms } from './commands.ts'
import { kernelVxlan, OUR_KINDS, OurHosts, type Contender } from './contenders.ts'
import { goalRow } from './goal-row.ts'
import { startPeers } from './peers/start-peers.ts'
import { cpuSeconds, residentMegabytes } from './process-costs.ts'
import { roundTripMs } from './round-trip.ts'
import { median } from './statistics.ts'
import type { BenchRow, BenchSuite } from './suite.ts'
import { TwoHosts } from './two-hosts.ts'
import type { UserspaceHost } from './userspace-host.ts'
import { allocatedRow } from './userspace-allocation.ts'
import {
  compared,
  measureTraffic,
  trafficRows,
  type AllTraffic,
  type Traffic,
} from './userspace-traffic.ts'

const ROUNDS = 3
/** Of each round. */
const ROUND_TRIP_TURNS = 8
const IDLE_MS = 10_000
const GOALS = { idlePercent: 0.5, residentMegabytes: 120 } as const

/** See the package's README for what each row means. */
export const userspaceSuite: BenchSuite = {
  name: 'userspace',
  describe: 'clear and encrypted traffic, and idle costs, against kernel VXLAN and other overlays',
  needsKernel: true,
  async run(report, say) {
    const missing = missingPrograms([
      ['iperf3', 'iperf3'],
      ['bridge', 'iproute2'],
      ['ping', 'iputils-ping'],
    ])
    if (missing.length > 0) throw new Error(`not on the PATH: ${missing.join(', ')}`)
    using _cache = compiledCode()
    await using hosts = new TwoHosts()
    await fillCache(hosts)
    await using clear = await OurHosts.open(hosts, OUR_KINDS.clear)
    await using encrypted = await OurHosts.open(hosts, OUR_KINDS.encrypted)
    await using encryptedIp = await OurHosts.open(hosts, OUR_KINDS.encryptedIp)
    const ours = [clear, encrypted, encryptedIp]
    const limit = await kernelVxlan(hosts)
    await using peers = await startPeers(hosts, say)
    const contenders = [...ours.map(({ contender }) => contender), limit, ...peers.contenders]
    const traffic = await measureTraffic(contenders, ROUNDS, (round, figures) => {
      say(`round ${round + 1} of ${ROUNDS}: ${figures}`)
    })
    for (const row of trafficRows(byPart(traffic, ours.length))) report(row)
    report(await roundTrips(clear.contender, limit))
    for (const each of ours) report(await allocatedRow(each))
    await idle(ours.flatMap(({ processes }) => processes), report)
    for (const row of checksumRows()) report(row)
  },
}

/** As they were listed: ours in clear, ours encrypted, the limit, peers. */
function byPart(all: readonly Traffic[], ours: number): AllTraffic {
  const [clear, limit] = [all[0], all[ours]]
  assert(clear !== undefined && limit !== undefined, 'all are measured')
  return { clear, encrypted: all.slice(1, ours), limit, peers: all.slice(ours + 1) }
}

/**
 * By turns, and the turns are short: what it takes to wake a sleeping processor changes from second
 * to second on a machine that others use as well, and is most of both.
 */
async function roundTrips(ours: Contender, limit: Contender): Promise<BenchRow> {
  const [values, baseline]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    const [own, other]: [number[], number[]] = [[], []]
    for (let turn = 0; turn < ROUND_TRIP_TURNS; turn++) {
      own.push(await roundTripMs(ours.path))
      other.push(await roundTripMs(limit.path))
    }
    values.push(median(own))
    baseline.push(median(other))
  }
  const against = 'a kernel VXLAN built with ip and bridge'
  const row = { name: 'rtt-clear', unit: 'ms', better: 'smaller', against } as const
  return compared({ ...row, values, baseline })
}

/**
 * Node keeps what it compiled here: published packages need no types stripped, and a process that
 * strips them has the compiler in its memory.
 */
function compiledCode(): Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'weft-bench-'))
  process.env['NODE_COMPILE_CACHE'] = directory
  return {
    [Symbol.dispose]: () => {
      delete process.env['NODE_COMPILE_CACHE']
      rmSync(directory, { recursive: true })
    },
  }
}

/** Once, for nothing but the cache. */
async function fillCache(hosts: TwoHosts): Promise<void> {
  await using ours = await OurHosts.open(hosts, { ...OUR_KINDS.encrypted, name: 'cache' })
  await Promise.all(ours.processes.map((one) => one.look()))
}

/** What a dataplane costs that has nothing to do: the dearest of all. */
async function idle(
  owners: readonly UserspaceHost[],
  report: (row: BenchRow) => void,
): Promise<void> {
  const before = owners.map(({ pid }) => cpuSeconds(pid))
  const start = performance.now()
  await sleep(IDLE_MS)
  const seconds = (performance.now() - start) / 1e3
  const percents = owners.map(({ pid }, i) => {
    return ((cpuSeconds(pid) - (before[i] ?? 0)) / seconds) * 100
  })
  const megabytes = owners.map(({ pid }) => residentMegabytes(pid))
  const [percent, most] = [Math.max(...percents), Math.max(...megabytes)]
  report(goalRow({ name: 'idle-cpu', unit: '%', value: percent, goal: GOALS.idlePercent }))
  report(goalRow({ name: 'rss', unit: 'MB', value: most, goal: GOALS.residentMegabytes }))
}
