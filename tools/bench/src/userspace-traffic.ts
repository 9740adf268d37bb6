/** What goes through each contender, round by round, and the rows that come of it. */
import type { Contender } from './contenders.ts'
import { tcpStream } from './iperf.ts'
import { lossFreeRate } from './loss-free.ts'
import { cpuSeconds, packetThreads } from './process-costs.ts'
import { median } from './statistics.ts'
import type { BenchFigure, BenchRow } from './suite.ts'

/** One value of each a round. */
export interface Traffic {
  readonly name: string
  /** Gbit/s of one stream. */
  readonly tcp: number[]
  /** Processor seconds that a gigabit of it took, both ends and all between. */
  readonly cpuPerGigabit: number[]
  /** Thousands of smallest packets a second that all arrive. */
  readonly udp64: number[]
}

/** What a comparison is made of: values of the same rounds. */
export interface Comparison {
  readonly name: string
  readonly unit: string
  readonly better: 'larger' | 'smaller'
  readonly values: readonly number[]
  readonly baseline: readonly number[]
  readonly against: string
  readonly beside?: readonly BenchFigure[]
}

/** The median of ours, and the median of the ratios of each round. */
export function compared({ baseline, better, values, ...rest }: Comparison): BenchRow {
  const { against, beside = [], name, unit } = rest
  const ratios = values.map((value, i) => {
    const other = baseline[i] ?? NaN
    return better === 'larger' ? value / other : other / value
  })
  const figures = { name, median: median(values), unit, against }
  return { ...figures, ratio: median(ratios), runs: values.length, beside }
}

/** Each round measures every contender once, beginning with another; `ended` is told of its end. */
export async function measureTraffic(
  contenders: readonly Contender[],
  rounds: number,
  ended: (round: number, figures: string) => void,
): Promise<readonly Traffic[]> {
  const all = contenders.map((contender) => {
    const traffic: Traffic = { name: contender.name, tcp: [], cpuPerGigabit: [], udp64: [] }
    return { contender, traffic }
  })
  for (let round = 0; round < rounds; round++) {
    const turned = all.map((_, i) => all[(i + round) % all.length])
    for (const one of turned) if (one !== undefined) await stream(one.contender, one.traffic)
    for (const one of turned) {
      one?.traffic.udp64.push(await lossFreeRate(one.contender.path))
    }
    const figures = all.map(({ traffic: { name, tcp, udp64 } }) => {
      return `${name} ${tcp.at(-1)?.toFixed(2)} Gbit/s ${udp64.at(-1)?.toFixed(0)} kpps`
    })
    ended(round, figures.join(', '))
  }
  return all.map(({ traffic }) => traffic)
}

/** What threads of the kernel do for others at that time is charged too: keep the machine quiet. */
async function stream({ path, pids }: Contender, into: Traffic): Promise<void> {
  const carriers = [...pids, ...packetThreads()]
  const used = (): number => carriers.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const before = used()
  const { cpuSeconds: ends, gigabits, gigabitsPerSecond } = await tcpStream(path)
  into.tcp.push(gigabitsPerSecond)
  into.cpuPerGigabit.push((ends + used() - before) / gigabits)
}

/** Ours in clear against the limit, ours encrypted against the best peer, and each of these. */
export function trafficRows({ clear, encrypted, limit, peers }: AllTraffic): readonly BenchRow[] {
  const kernel = { traffic: limit, against: 'a kernel VXLAN built with ip and bridge' }
  const rows = [streamRow('tcp-clear', clear, kernel), packetRow('udp64-clear', clear, kernel)]
  const [fastest, busiest] = [best(peers, 'tcp'), best(peers, 'udp64')]
  for (const one of encrypted) {
    if (fastest === undefined || busiest === undefined) continue
    const stream = { traffic: fastest, against: fastest.name }
    const packets = { traffic: busiest, against: busiest.name }
    rows.push(streamRow(`tcp-${one.name}`, one, stream))
    rows.push(packetRow(`udp64-${one.name}`, one, packets))
  }
  return [...rows, ...[limit, ...peers].map((one) => streamRow(one.name, one, kernel))]
}

/** What was measured, by its part in the comparison. */
export interface AllTraffic {
  readonly clear: Traffic
  readonly encrypted: readonly Traffic[]
  readonly limit: Traffic
  readonly peers: readonly Traffic[]
}

interface Baseline {
  readonly traffic: Traffic
  readonly against: string
}

function streamRow(name: string, of: Traffic, { against, traffic }: Baseline): BenchRow {
  const beside = [
    { name: 'udp64', median: median(of.udp64), unit: 'kpps' },
    { name: 'cpu', median: median(of.cpuPerGigabit), unit: 's/Gbit' },
  ]
  const rates = { values: of.tcp, baseline: traffic.tcp }
  return compared({ name, unit: 'Gbit/s', better: 'larger', ...rates, against, beside })
}

function packetRow(name: string, of: Traffic, { against, traffic }: Baseline): BenchRow {
  const rates = { values: of.udp64, baseline: traffic.udp64 }
  return compared({ name, unit: 'kpps', better: 'larger', ...rates, against })
}

function best(peers: readonly Traffic[], what: 'tcp' | 'udp64'): Traffic | undefined {
  return peers.toSorted((a, b) => median(b[what]) - median(a[what]))[0]
}
