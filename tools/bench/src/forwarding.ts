/** Forwarding speed through our kernel dataplane, a hand-built overlay and the bare underlay. */
import type { Dataplane } from '@weft/dataplane'
import { missingPrograms } from './commands.ts'
import { benchState, nthIp, nthMac } from './desired.ts'
import { smallPacketRate, tcpRate } from './iperf.ts'
import { overlayByHand, type OverlayPath } from './overlay-by-hand.ts'
import { median } from './statistics.ts'
import type { BenchRow, BenchSuite } from './suite.ts'
import { TwoHosts } from './two-hosts.ts'

const ROUNDS = 9

/** Everything that is measured, by name. */
interface Paths {
  readonly ours: OverlayPath
  readonly hand: OverlayPath
  readonly bare: OverlayPath
}

/** See the package's README for what each row means. */
export const forwardingSuite: BenchSuite = {
  name: 'forwarding',
  describe: 'TCP throughput and 64-byte packet rate, against the same overlay built by hand',
  needsKernel: true,
  async run(report, say) {
    const missing = missingPrograms([['iperf3', 'iperf3'], ['bridge', 'iproute2']])
    if (missing.length > 0) throw new Error(`not on the PATH: ${missing.join(', ')}`)
    await using hosts = new TwoHosts()
    const dataplanes = await Promise.all([hosts.dataplane(hosts.a), hosts.dataplane(hosts.b)])
    const paths: Paths = {
      ours: await buildOurs(hosts, dataplanes),
      hand: await overlayByHand(hosts),
      bare: {
        client: hosts.a.netns.name,
        server: hosts.b.netns.name,
        address: hosts.b.tunnel.ip,
      },
    }
    await compare({ name: 'tcp', unit: 'Gbit/s', measure: tcpRate }, paths, { report, say })
    await compare({ name: 'udp64', unit: 'kpps', measure: smallPacketRate }, paths, { report, say })
  },
}

interface Measurement {
  readonly name: string
  readonly unit: string
  measure(path: OverlayPath): Promise<number>
}

interface Output {
  readonly report: (row: BenchRow) => void
  readonly say: (line: string) => void
}

/** Each round measures all paths once, in an order that turns, and gives one ratio a round. */
async function compare(what: Measurement, paths: Paths, { report, say }: Output): Promise<void> {
  const values = { ours: [] as number[], hand: [] as number[], bare: [] as number[] }
  const order = ['ours', 'hand', 'bare'] as const
  for (let round = 0; round < ROUNDS; round++) {
    for (let step = 0; step < order.length; step++) {
      const which = order[(round + step) % order.length] ?? 'ours'
      values[which].push(await what.measure(paths[which]))
    }
    say(`${what.name} round ${round + 1} of ${ROUNDS}`)
  }
  const row = (name: string, against: string, baseline: readonly number[]): BenchRow => ({
    name,
    median: median(values.ours),
    unit: what.unit,
    against,
    ratio: median(values.ours.map((value, i) => value / (baseline[i] ?? NaN))),
    runs: ROUNDS,
  })
  report(row(what.name, 'the same overlay built with ip and bridge', values.hand))
  report(row(`${what.name}-underlay`, 'the bare underlay', values.bare))
}

async function buildOurs(hosts: TwoHosts, [a, b]: readonly Dataplane[]): Promise<OverlayPath> {
  const containers = [hosts.namespace('ours-a'), hosts.namespace('ours-b')]
  const plan = [
    { host: hosts.a, other: hosts.b, dataplane: a, n: 0 },
    { host: hosts.b, other: hosts.a, dataplane: b, n: 1 },
  ]
  for (const { host, other, dataplane, n } of plan) {
    const path = containers[n]?.path ?? ''
    const attachment = { kind: 'netns', path, ifname: 'eth0' } as const
    const there = { mac: nthMac(1 - n), addresses: [nthIp(1 - n)], node: 'other' }
    const report = await dataplane?.apply(
      benchState(1, {
        tunnel: host.tunnel,
        peers: new Map([['other', { tunnel: other.tunnel }]]),
        local: new Map([['here', { mac: nthMac(n), addresses: [nthIp(n)], attachment }]]),
        remote: new Map([['there', there]]),
      }),
    )
    if (report === undefined || report.failures.length > 0) throw new Error('could not be built')
  }
  const [client, server] = containers
  return { client: client?.name ?? '', server: server?.name ?? '', address: nthIp(1) }
}
