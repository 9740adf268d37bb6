/** Attaching endpoints: alone and a hundred at once, against the same steps by ip and bridge. */
import { interfaceAddress, parseCidr } from '@weft/core'
import type { LocalEndpoint } from '@weft/dataplane'
import { HandNetwork, type HandAttachment } from './by-hand.ts'
import { benchState, nthIp, nthMac } from './desired.ts'
import { percentile, timeMs } from './statistics.ts'
import type { BenchSuite } from './suite.ts'
import { TwoHosts } from './two-hosts.ts'

const RUNS = 100
const BURST = 100
const BURST_RUNS = 5
const NETWORK = parseCidr('10.0.0.0/16')
const HAND_VNI = 4098

/** Both sides' way to attach a container, and what it left to be told apart. */
interface Side {
  /** Attach these, all asked for at once; ms each took from the asking. */
  attach(numbers: readonly number[]): Promise<number[]>
}

/** See the package's README for what each row means. */
export const attachSuite: BenchSuite = {
  name: 'attach',
  describe: 'one endpoint attached, alone and 100 at once, against ip -batch',
  needsKernel: true,
  async run(report, say) {
    await using hosts = new TwoHosts()
    const ours = await openOurs(hosts)
    const hand = openByHand(hosts)
    const alone = { ours: [] as number[], hand: [] as number[] }
    for (let n = 0; n < RUNS; n++) {
      alone.ours.push(...(await ours.attach([n])))
      alone.hand.push(...(await hand.attach([n])))
    }
    const against = 'the same steps by one ip -batch in each namespace and one bridge -batch'
    for (const [name, percent] of [['p50', 50], ['p99', 99]] as const) {
      const value = percentile(alone.ours, percent)
      const ratio = percentile(alone.hand, percent) / value
      report({ name, median: value, unit: 'ms', against, ratio, runs: RUNS })
    }
    say(`${BURST} at once, ${BURST_RUNS} times`)
    const burst = { ours: [] as number[], hand: [] as number[] }
    for (let run = 0; run < BURST_RUNS; run++) {
      const numbers = Array.from({ length: BURST }, (_, i) => RUNS + run * BURST + i)
      burst.ours.push(...(await ours.attach(numbers)))
      burst.hand.push(...(await hand.attach(numbers)))
    }
    const value = percentile(burst.ours, 99)
    const ratio = percentile(burst.hand, 99) / value
    report({ name: 'burst100-p99', median: value, unit: 'ms', against, ratio, runs: BURST_RUNS })
  },
}

async function openOurs(hosts: TwoHosts): Promise<Side> {
  const dataplane = await hosts.dataplane(hosts.a)
  const none = { tunnel: hosts.a.tunnel, peers: new Map(), remote: new Map() }
  let generation = 1
  let local: ReadonlyMap<string, LocalEndpoint> = new Map()
  await dataplane.apply(benchState(generation, { ...none, local }))
  /** As an agent does it: each request makes the next desired state and applies it. */
  const attachOne = async (n: number, path: string): Promise<void> => {
    const attachment = { kind: 'netns', path, ifname: 'eth0' } as const
    const endpoint = { mac: nthMac(n), addresses: [nthIp(n)], attachment }
    local = new Map(local).set(`endpoint-${n}`, endpoint)
    const report = await dataplane.apply(benchState(++generation, { ...none, local }))
    if (report.failures.length > 0) throw new Error('an endpoint could not be attached')
  }
  const attach = async (numbers: readonly number[]): Promise<number[]> => {
    const paths = numbers.map((n) => hosts.namespace(`ours-${n}`).path)
    // A generation that was overtaken is applied with the one that overtook it: the last report of
    // the burst says when all were attached, and every request is charged with that.
    const all = await timeMs(async () => {
      await Promise.all(numbers.map((n, i) => attachOne(n, paths[i] ?? '')))
    })
    return numbers.map(() => all)
  }
  return { attach }
}

function openByHand(hosts: TwoHosts): Side {
  const network = new HandNetwork(hosts, hosts.a, HAND_VNI)
  const attachmentOf = (n: number): HandAttachment => ({
    port: `veth${n}`,
    container: hosts.namespace(`hand-${n}`).name,
    mac: nthMac(n),
    address: interfaceAddress(nthIp(n), NETWORK),
  })
  const attach = async (numbers: readonly number[]): Promise<number[]> => {
    const attachments = numbers.map(attachmentOf)
    return Promise.all(attachments.map((each) => timeMs(() => network.attach(each))))
  }
  return { attach }
}
