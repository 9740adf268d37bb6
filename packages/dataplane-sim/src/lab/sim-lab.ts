/** A world for the compliance cases, and for demonstrations, in one process on virtual time. */
import { parseIp, silentLogger, type Ip, type Runtime } from '@weft/core'
import {
  perfectLink,
  SeededRandom,
  SimEntropy,
  SimNetwork,
  VirtualClock,
  type SimRuntime,
} from '@weft/core/testing'
import type { Capabilities, Dataplane } from '@weft/dataplane'
import type { Lab, LabLink, LabNode, LabOptions } from '@weft/dataplane/compliance'
import { SIM_AUDIT_INTERVAL_MS, SIM_CAPABILITIES, simBackend } from '../sim-backend.ts'
import type { SimOptions } from '../sim-dataplane.ts'
import type { ForwardingRules } from '../decide.ts'
import { openSimLabNode, type SimLabNode } from './sim-lab-node.ts'
import { UnderlayTap } from './underlay-tap.ts'

/** How a lab differs from the plain one; tests withhold capabilities and plant bugs with it. */
export interface SimLabVariant {
  readonly capabilities?: Partial<Capabilities>
  readonly rules?: ForwardingRules
  readonly auditIntervalMs?: number
  /** What chance is drawn from; worlds of one seed are alike. */
  readonly seed?: string
  /** Opens a dataplane in place of the backend's own. */
  readonly open?: (runtime: Runtime, options: SimOptions) => Promise<Dataplane>
}

/** Underlay addresses: hosts alternate between two subnets that a router joins. */
const SUBNETS = { 4: ['172.31.1.', '192.168.1.'], 6: ['fd31:1::', 'fd31:2::'] } as const
/** Hosts are numbered from here; the router has the address before. */
const FIRST_HOST = 11

/** An open world. */
export class SimLab implements Lab {
  readonly capabilities: Capabilities
  readonly clock = new VirtualClock()
  readonly network: SimNetwork
  readonly #random: SeededRandom
  readonly #options: LabOptions
  readonly #variant: SimLabVariant
  readonly #nodes: SimLabNode[] = []
  readonly #taps: UnderlayTap[] = []

  constructor(options: LabOptions, variant: SimLabVariant = {}) {
    this.#options = options
    this.#variant = variant
    this.capabilities = { ...SIM_CAPABILITIES, ...variant.capabilities }
    const link = { ...perfectLink, mtuBytes: options.underlayMtuBytes }
    this.#random = new SeededRandom(variant.seed ?? 'lab')
    // Put together by hand: a transcript of every datagram would cost more than the forwarding.
    const random = this.#random.fork('network')
    this.network = new SimNetwork({ clock: this.clock, random, link })
  }

  get nodes(): readonly SimLabNode[] {
    return this.#nodes
  }

  async node(name: string): Promise<SimLabNode> {
    const ip = this.#nextAddress()
    const { auditIntervalMs = SIM_AUDIT_INTERVAL_MS, rules, open } = this.#variant
    const node = await openSimLabNode(name, {
      runtime: this.#runtime(name, ip),
      ip,
      mtuBytes: this.#options.underlayMtuBytes,
      capabilities: this.capabilities,
      auditIntervalMs,
      rules,
      openDataplane: open ?? ((runtime, options) => simBackend.open(runtime, options)),
    })
    this.#nodes.push(node)
    return node
  }

  #runtime(name: string, ip: Ip): SimRuntime {
    const random = this.#random.fork(name)
    const { clock } = this
    const underlay = this.network.host(name, [ip])
    return { clock, random, entropy: new SimEntropy(random), underlay, log: silentLogger }
  }

  #nextAddress(): Ip {
    const index = this.#nodes.length
    const host = FIRST_HOST + Math.floor(index / 2)
    const base = SUBNETS[this.#options.underlay][index % 2] ?? ''
    return parseIp(`${base}${this.#options.underlay === 4 ? host : host.toString(16)}`)
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms)
  }

  link(a: LabNode, b: LabNode): LabLink {
    const tap = new UnderlayTap(this.network, a, b)
    this.#taps.push(tap)
    const pair = this.network.between(a.name, b.name)
    return {
      cut: async () => pair.cut(),
      heal: async () => pair.heal(),
      captured: async () => tap.take(),
    }
  }

  /** Tears down what is open, and counts what is left: sockets, cables, tasks on the clock. */
  async close(): Promise<{ readonly leaked: readonly string[] }> {
    const leaked: string[] = []
    for (const node of this.#nodes) leaked.push(...(await node.close()))
    for (const tap of this.#taps) tap.close()
    // Datagrams on the way are tasks too: let them land before counting.
    await this.clock.advance(10)
    const { pending } = this.clock
    if (pending > 0) leaked.push(`${pending} tasks on the clock`)
    return { leaked }
  }
}

/** Opens plain worlds, or those of a variant. */
export function openSimLab(variant: SimLabVariant = {}): (options: LabOptions) => Promise<SimLab> {
  return async (options) => new SimLab(options, variant)
}
