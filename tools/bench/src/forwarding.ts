/** Forwarding speed through our kernel dataplane, a hand-built overlay and the bare underlay. */
import { parseCidr, interfaceAddress } from '@weft/core'
import type { Dataplane } from '@weft/dataplane'
import { HandNetwork } from './by-hand.ts'
import { missingPrograms, run, runAside } from './commands.ts'
import { benchState, nthIp, nthMac } from './desired.ts'
import { median } from './statistics.ts'
import type { BenchRow, BenchSuite } from './suite.ts'
import { TwoHosts, type BenchHost } from './two-hosts.ts'

const ROUNDS = 9
const SECONDS = 2
const HAND_VNI = 4098
const NETWORK = parseCidr('10.0.0.0/16')
/** Ethernet's smallest frame leaves 18 bytes of UDP payload: 14 + 20 + 8 + 18 + 4 = 64. */
const SMALL_PAYLOAD_BYTES = 18

/** Where a measurement runs: a client namespace, a server namespace, the server's address. */
interface Path {
  readonly client: string
  readonly server: string
  readonly address: string
}

/** Everything that is measured, by name. */
interface Paths {
  readonly ours: Path
  readonly hand: Path
  readonly bare: Path
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
      hand: await buildByHand(hosts),
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
  measure(path: Path): Promise<number>
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

async function buildOurs(hosts: TwoHosts, [a, b]: readonly Dataplane[]): Promise<Path> {
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

async function buildByHand(hosts: TwoHosts): Promise<Path> {
  const sides: readonly (readonly [BenchHost, BenchHost])[] = [
    [hosts.a, hosts.b],
    [hosts.b, hosts.a],
  ]
  const containers: string[] = []
  for (const [n, [host, other]] of sides.entries()) {
    const network = new HandNetwork(hosts, host, HAND_VNI)
    const container = hosts.namespace(`hand-c${n}`).name
    const address = interfaceAddress(nthIp(n), NETWORK)
    await network.attach({ port: 'veth0', container, mac: nthMac(n), address })
    network.addRemotes([{ mac: nthMac(1 - n), ip: nthIp(1 - n), vtep: other.tunnel.ip }])
    containers.push(container)
  }
  return { client: containers[0] ?? '', server: containers[1] ?? '', address: nthIp(1) }
}

async function tcpRate(path: Path): Promise<number> {
  const { end } = await iperf(path, [])
  return (end.sum_received?.bits_per_second ?? 0) / 1e9
}

/** What arrived, not what was sent. */
async function smallPacketRate(path: Path): Promise<number> {
  const words = ['--udp', '--bitrate', '0', '--length', String(SMALL_PAYLOAD_BYTES)]
  const { end } = await iperf(path, words)
  const { packets = 0, lost_packets: lost = 0, seconds = SECONDS } = end.sum ?? {}
  return (packets - lost) / seconds / 1e3
}

interface IperfResult {
  readonly end: {
    readonly sum_received?: { readonly bits_per_second: number }
    readonly sum?: {
      readonly packets?: number
      readonly lost_packets?: number
      readonly seconds?: number
    }
  }
}

async function iperf(path: Path, words: readonly string[]): Promise<IperfResult> {
  const inside = (namespace: string): readonly string[] => ['netns', 'exec', namespace, 'iperf3']
  const server = runAside(['ip', ...inside(path.server), '--server', '--one-off'])
  awaitListener(path.server)
  const client = ['--client', path.address, '--time', String(SECONDS), '--json', ...words]
  const output = await runAside(['ip', ...inside(path.client), ...client])
  await server
  return JSON.parse(output) as IperfResult
}

const IPERF_PORT = 5201
const LISTENER_TRIES_MAX = 500

/** Look until the server listens; each look is a program's run, so it takes its time by itself. */
function awaitListener(namespace: string): void {
  for (let tries = 0; tries < LISTENER_TRIES_MAX; tries++) {
    const tables = ['/proc/net/tcp', '/proc/net/tcp6']
    const sockets = run(['ip', 'netns', 'exec', namespace, 'cat', ...tables])
    const port = IPERF_PORT.toString(16).toUpperCase().padStart(4, '0')
    if (new RegExp(`:${port} [0-9A-F]+:0000 0A`).test(sockets)) return
  }
  throw new Error('iperf3 does not listen')
}
