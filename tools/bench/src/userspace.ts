/** The userspace dataplane against a kernel VXLAN built by hand, in the same run. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DataplaneProcess, hostDataplane } from '@weft/lab'
import { missingPrograms } from './commands.ts'
import { benchState, nthIp, nthMac } from './desired.ts'
import { smallPackets, tcpRate } from './iperf.ts'
import { overlayByHand, type OverlayPath } from './overlay-by-hand.ts'
import { cpuSeconds, residentMegabytes } from './process-costs.ts'
import { roundTripMs } from './round-trip.ts'
import { median } from './statistics.ts'
import type { BenchRow, BenchSuite } from './suite.ts'
import { TwoHosts, type BenchHost } from './two-hosts.ts'

const ROUNDS = 3
/** The hand-built tunnel has VXLAN's own port on every address of its host. */
const PORT = 4790
const IDLE_MS = 10_000
const IDLE_GOAL_PERCENT = 0.5
const RESIDENT_GOAL_MEGABYTES = 120
/** Of packets offered; fewer count as none, since the sender's clock is not the receiver's. */
const LOSS_ALLOWED = 0.001
/** Each offer after one that lost packets is so much lower. */
const STEP_DOWN = 0.85
const OFFERS = 12

/** See the package's README for what each row means. */
export const userspaceSuite: BenchSuite = {
  name: 'userspace',
  describe: 'TCP, loss-free packets, round trips and idle costs, against a VXLAN by hand',
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
    await fillCache(hosts.a)
    await using a = await openOwner(hosts.a)
    await using b = await openOwner(hosts.b)
    const paths = { ours: await join(hosts, [a, b]), hand: await overlayByHand(hosts) }
    const stream = { name: 'tcp-clear', unit: 'Gbit/s', better: 'larger', measure: tcpRate }
    await compare(stream, paths, { report, say })
    const lossFree = { name: 'udp64-clear', unit: 'kpps', better: 'larger', measure: lossFreeRate }
    await compare(lossFree, paths, { report, say })
    const trip = { name: 'rtt-clear', unit: 'ms', better: 'smaller', measure: roundTripMs }
    await compare(trip, paths, { report, say })
    await idle([a, b], report)
  },
}

/**
 * Node keeps what it compiled here: published packages need no types stripped, and a process that
 * strips them has the compiler in its memory.
 */
function compiledCode(): Disposable {
  const directory = mkdtempSync(joinPath(tmpdir(), 'weft-bench-'))
  process.env['NODE_COMPILE_CACHE'] = directory
  return {
    [Symbol.dispose]: () => {
      delete process.env['NODE_COMPILE_CACHE']
      rmSync(directory, { recursive: true })
    },
  }
}

async function fillCache(host: BenchHost): Promise<void> {
  await using owner = await openOwner(host)
  await owner.dataplane.counters()
}

function openOwner({ name, netns }: BenchHost): Promise<DataplaneProcess> {
  const place = { instance: name, underlayNamespace: netns.path }
  return DataplaneProcess.open({ dataplane: hostDataplane('userspace', place) })
}

/** A container on each host, on one network of ours. */
async function join(
  hosts: TwoHosts,
  owners: readonly DataplaneProcess[],
): Promise<OverlayPath> {
  const places = [hosts.a, hosts.b]
  const containers = places.map(({ name }) => hosts.namespace(`ours-${name}`))
  for (const [n, host] of places.entries()) {
    const other = places[1 - n]
    const path = containers[n]?.path ?? ''
    const attachment = { kind: 'netns', path, ifname: 'eth0' } as const
    const there = { mac: nthMac(1 - n), addresses: [nthIp(1 - n)], node: 'other' }
    const vtep = { ip: other?.tunnel.ip ?? host.tunnel.ip, port: PORT }
    const report = await owners[n]?.dataplane.apply(
      benchState(1, {
        tunnel: { ip: host.tunnel.ip, port: PORT },
        peers: new Map([['other', { tunnel: vtep }]]),
        local: new Map([['here', { mac: nthMac(n), addresses: [nthIp(n)], attachment }]]),
        remote: new Map([['there', there]]),
      }),
    )
    if (report === undefined || report.failures.length > 0) throw new Error('could not be built')
  }
  const [client, server] = containers
  return { client: client?.name ?? '', server: server?.name ?? '', address: nthIp(1) }
}

interface Measurement {
  readonly name: string
  readonly unit: string
  readonly better: string
  measure(path: OverlayPath): Promise<number>
}

interface Paths {
  readonly ours: OverlayPath
  readonly hand: OverlayPath
}

interface Output {
  readonly report: (row: BenchRow) => void
  readonly say: (line: string) => void
}

/** Each round measures both once, in turn first, and gives one ratio. */
async function compare(what: Measurement, paths: Paths, { report, say }: Output): Promise<void> {
  const ours: number[] = []
  const hand: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    if (round % 2 === 0) ours.push(await what.measure(paths.ours))
    hand.push(await what.measure(paths.hand))
    if (round % 2 === 1) ours.push(await what.measure(paths.ours))
    say(`${what.name} round ${round + 1} of ${ROUNDS}: ${ours.at(-1)}, by hand ${hand.at(-1)}`)
  }
  const ratios = ours.map((value, i) => {
    const baseline = hand[i] ?? NaN
    return what.better === 'larger' ? value / baseline : baseline / value
  })
  report({
    name: what.name,
    median: median(ours),
    unit: what.unit,
    against: 'a kernel VXLAN built with ip and bridge',
    ratio: median(ratios),
    runs: ROUNDS,
  })
}

/** Thousands of smallest packets a second of which none was lost. */
async function lossFreeRate(path: OverlayPath): Promise<number> {
  let { arrived, offered } = await smallPackets(path, 0)
  for (let i = 0; i < OFFERS && offered - arrived > offered * LOSS_ALLOWED; i++) {
    const next = Math.min(arrived, offered * STEP_DOWN)
    ;({ arrived, offered } = await smallPackets(path, next))
  }
  return arrived
}

/** What a dataplane costs that has nothing to do: the dearer of the two. */
async function idle(
  owners: readonly DataplaneProcess[],
  report: (row: BenchRow) => void,
): Promise<void> {
  const before = owners.map(({ pid }) => cpuSeconds(pid))
  const start = performance.now()
  await sleep(IDLE_MS)
  const seconds = (performance.now() - start) / 1e3
  const percents = owners.map(({ pid }, i) => {
    return ((cpuSeconds(pid) - (before[i] ?? 0)) / seconds) * 100
  })
  const percent = Math.max(...percents)
  const megabytes = Math.max(...owners.map(({ pid }) => residentMegabytes(pid)))
  report({
    name: 'idle-cpu',
    median: percent,
    unit: '%',
    against: `a goal of ${IDLE_GOAL_PERCENT} %`,
    ratio: IDLE_GOAL_PERCENT / percent,
    runs: 1,
  })
  report({
    name: 'rss',
    median: megabytes,
    unit: 'MB',
    against: `a goal of ${RESIDENT_GOAL_MEGABYTES} MB`,
    ratio: RESIDENT_GOAL_MEGABYTES / megabytes,
    runs: 1,
  })
}
