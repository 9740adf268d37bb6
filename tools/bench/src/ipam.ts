/** How fast addresses are leased and released, by fill, against a set that is walked. */
import { ipFromBigInt, SeededRandom, type Ip } from '@weft/core'
import { createIpam } from '@weft/ipam'

/** One line of a benchmark's table; `ratio` is better when larger. */
interface Row {
  readonly name: string
  readonly median: number
  readonly unit: string
  readonly against: string
  readonly ratio: number
  readonly runs: number
}

/** What both sides of the comparison can do. */
interface Leases {
  lease(holder: string): string
  release(address: string, holder: string): void
  /** The first leases are made: what follows is measured. */
  filled(): void
}

interface Case {
  readonly name: string
  readonly cidr: string
  /** Leases held throughout. */
  readonly held: number
}

/** A /16 has 65,533 addresses to lease: all but network, broadcast and gateway. */
const cases: readonly Case[] = [
  { name: 'slash16-10%', cidr: '10.1.0.0/16', held: 6_553 },
  { name: 'slash16-90%', cidr: '10.1.0.0/16', held: 58_980 },
  { name: 'slash16-99.9%', cidr: '10.1.0.0/16', held: 65_468 },
  { name: 'slash8-1M', cidr: '10.0.0.0/8', held: 1_000_000 },
]

const RUNS = 9
const RUN_MS = 80
/** Operations between looks at the clock: one release and one lease each time. */
const BATCH = 8

/**
 * Each operation is a release of a random lease or a lease of a new one, at constant fill. Ours and
 * the naive model take turns, so that both see the same machine.
 */
export const ipamSuite = {
  name: 'ipam',
  describe: 'address leases and releases a second at several fills, against a walked Set',
  async run(report: (row: Row) => void): Promise<void> {
    for (const one of cases) report(measure(one))
  },
}

function measure({ name, cidr, held }: Case): Row {
  const ours = new Churn(ourLeases(cidr), held)
  const naive = new Churn(naiveLeases(cidr), held)
  const rates: { readonly ours: number; readonly naive: number }[] = []
  ours.run()
  naive.run()
  for (let run = 0; run < RUNS; run++) rates.push({ ours: ours.run(), naive: naive.run() })
  const mid = median(rates.map((rate) => rate.ours))
  return {
    name,
    median: Math.round(mid),
    unit: 'op/s',
    against: 'Set walked from the first address',
    ratio: mid / median(rates.map((rate) => rate.naive)),
    runs: RUNS,
  }
}

/** Holds a number of leases, and gives back and takes at random. */
class Churn {
  readonly #leases: Leases
  readonly #held: { address: string; holder: string }[] = []
  readonly #random = new SeededRandom('ipam bench')
  #made = 0

  constructor(leases: Leases, held: number) {
    this.#leases = leases
    for (let i = 0; i < held; i++) this.#held.push(this.#take())
    leases.filled()
  }

  /** Operations a second over some RUN_MS milliseconds. */
  run(): number {
    const start = performance.now()
    let operations = 0
    let passed = 0
    while (passed < RUN_MS) {
      for (let i = 0; i < BATCH; i++) this.#step()
      operations += 2 * BATCH
      passed = performance.now() - start
    }
    return (1000 * operations) / passed
  }

  #step(): void {
    const at = this.#random.below(this.#held.length)
    const old = this.#held[at]
    if (old === undefined) return
    this.#leases.release(old.address, old.holder)
    this.#held[at] = this.#take()
  }

  #take(): { address: string; holder: string } {
    const holder = `endpoint-${this.#made++}`
    return { address: this.#leases.lease(holder), holder }
  }
}

function ourLeases(cidr: string): Leases {
  const ipam = createIpam({ pools: [] })
  ipam.createNetwork('bench', [{ cidr }])
  return {
    lease: (holder) => ipam.lease('bench', { holder }).address,
    release: (address, holder) => ipam.release('bench', { address, holder }),
    filled: () => undefined,
  }
}

/** Obviously right, and forgetful: no gateways, no errors, no cooling down. */
function naiveLeases(cidr: string): Leases {
  const base = cidr === '10.0.0.0/8' ? 0x0a000000 : 0x0a010000
  const taken = new Set<number>()
  const numbers = new Map<string, number>()
  // Filling by walking from the first address takes hours for a million: walk on while filling.
  let first = base + 2
  let filling = true
  return {
    lease: () => {
      let number = first
      while (taken.has(number)) number++
      taken.add(number)
      if (filling) first = number
      const address: Ip = ipFromBigInt(BigInt(number), 4)
      numbers.set(address, number)
      return address
    },
    release: (address) => {
      taken.delete(numbers.get(address) ?? 0)
      numbers.delete(address)
    },
    filled: () => {
      filling = false
      first = base + 2
    },
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
