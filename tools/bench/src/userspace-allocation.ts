/** What a switch's thread puts on its heap for a packet, once V8 has compiled what runs there. */
import type { OurHosts } from './contenders.ts'
import { goalRow } from './goal-row.ts'
import { smallPackets, tcpStream } from './iperf.ts'
import type { OverlayPath } from './overlay-by-hand.ts'
import { median } from './statistics.ts'
import type { BenchFigure, BenchRow } from './suite.ts'
import type { UserspaceHost } from './userspace-host.ts'

/** Bytes a packet: what is for each packet is an object, and the smallest has 16. */
const GOAL_BYTES = 1

/** Less is not told apart from nothing. */
const LEAST_BYTES = 0.01

/** The middle one counts, as V8 still compiles in some: the code is on the same heap. */
const WINDOWS = 7

/** A rate that every path of ours carries, in thousands of smallest packets a second. */
const SMALL_KPPS = 30
const SMALL_SECONDS = 2

/** Pages of V8's for young objects, old ones and code: see `Look.allocatedBytes`. */
const LEFT_OVER_BYTES = 3 * 256 * 1024

/** What is sent in a window, by name. */
const KINDS: readonly (readonly [string, (path: OverlayPath) => Promise<unknown>])[] = [
  ['tcp', tcpStream],
  ['udp64', (path) => smallPackets(path, SMALL_KPPS, SMALL_SECONDS)],
]

/** The worse host under the worse kind of traffic; each kind is beside it. */
export async function allocatedRow({ contender, processes }: OurHosts): Promise<BenchRow> {
  const beside: BenchFigure[] = []
  for (const [name, send] of KINDS) {
    const windows: (readonly number[])[] = []
    for (let i = 0; i < WINDOWS; i++) {
      windows.push(await bytesAPacket(processes, () => send(contender.path)))
    }
    const ofHosts = processes.map((_, n) => median(windows.map((hosts) => hosts[n] ?? NaN)))
    beside.push({ name, median: Math.max(LEAST_BYTES, ...ofHosts), unit: 'B/packet' })
  }
  const value = Math.max(...beside.map((figure) => figure.median))
  const cost = { unit: 'B/packet', value, goal: GOAL_BYTES, runs: WINDOWS }
  return { ...goalRow({ name: `allocated-${contender.name}`, ...cost }), beside }
}

/** Of each host, over one window. */
async function bytesAPacket(
  hosts: readonly UserspaceHost[],
  work: () => Promise<unknown>,
): Promise<readonly number[]> {
  const { bytes: asking } = await spent(hosts, () => Promise.resolve())
  const { bytes, packets } = await spent(hosts, work)
  return hosts.map((_, n) => ((bytes[n] ?? NaN) - (asking[n] ?? NaN)) / (packets[n] ?? NaN))
}

/** Bytes and packets of each host while something is done; asking for them costs bytes too. */
async function spent(
  hosts: readonly UserspaceHost[],
  work: () => Promise<unknown>,
): Promise<{ readonly bytes: readonly number[]; readonly packets: readonly number[] }> {
  const before = await Promise.all(hosts.map((one) => one.look()))
  await work()
  const after = await Promise.all(hosts.map((one) => one.look()))
  const bytes = after.map(({ allocatedBytes, usedBytes }, n) => {
    const used = usedBytes - (before[n]?.usedBytes ?? NaN)
    const counted = allocatedBytes - (before[n]?.allocatedBytes ?? NaN)
    // What is used is exact unless something was collected meanwhile; then the count has to do.
    return used >= 0 && counted - used <= LEFT_OVER_BYTES ? used : counted
  })
  return { bytes, packets: after.map(({ packets }, n) => packets - (before[n]?.packets ?? NaN)) }
}
