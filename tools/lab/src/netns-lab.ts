/** The real backends' world for compliance cases: hosts in namespaces, owners in processes. */
import { assert, type Mac } from '@weft/core'
import type { Capabilities, ProbeResult } from '@weft/dataplane'
import type {
  Lab,
  LabLink,
  LabNode,
  LabOptions,
  LabSealing,
  OpenLab,
} from '@weft/dataplane/compliance'
import { DOCKER_ESP, type EspOptions } from '@weft/dataplane-userspace'
import { VXLAN_PORT } from '@weft/wire'
import { setTimeout as sleep } from 'node:timers/promises'
import { OwnerPool, type OwnerSource } from './dataplane-process.ts'
import { hostDataplane, probeHostDataplane, type HostBackend } from './host-dataplane.ts'
import { labError } from './lab-errors.ts'
import { CaseSealing } from './lab-sealing.ts'
import { LabWires } from './lab-wires.ts'
import { openNetnsNode, type NetnsNode } from './netns-node.ts'
import { Underlay, type LabHost } from './underlay.ts'

/** Idle processes kept in hand: as many as the usual case has nodes. */
const SPARE_OWNERS = 2

/** How labs differ from the usual ones. */
export interface NetnsLabsOptions {
  /** Networks of cases are encrypted, in this way; they are clear when left out. */
  readonly sealing?: EspOptions['path']
  /** As `Lab.slowness`. */
  readonly slowness?: number
}

/** Labs that share a stock of dataplane processes; close it when the last lab is closed. */
export interface NetnsLabs extends AsyncDisposable {
  readonly open: OpenLab
}

/**
 * Make labs. Their processes are started ahead of need and used again for the next lab. The nodes
 * of a lab have these backends in turn; what the first of them can do is what the lab can.
 */
export function netnsLabs(
  backends: Backends = ['kernel'],
  { sealing: path, slowness = 1 }: NetnsLabsOptions = {},
): NetnsLabs {
  const pool = new OwnerPool({ spares: SPARE_OWNERS })
  const sealing = path === undefined ? null : { ...DOCKER_ESP, path }
  return {
    open: (options) => NetnsLab.open(options, { source: pool, backends, sealing, slowness }),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}

let sharedLabs: NetnsLabs | undefined

/**
 * One lab for one case. Labs opened by this share their processes, which end with this one.
 * Rejects with ERR_TIER_UNAVAILABLE where the kernel backend cannot be used.
 */
export const openNetnsLab: OpenLab = (options) => {
  sharedLabs ??= netnsLabs()
  return sharedLabs.open(options)
}

/** Backends of a lab's nodes, in turn. */
export type Backends = readonly [HostBackend, ...HostBackend[]]

/** What this machine can do does not change while we run. */
const probing = new Map<HostBackend, Promise<ProbeResult>>()

function probe(backend: HostBackend): Promise<ProbeResult> {
  const known = probing.get(backend)
  if (known !== undefined) return known
  const place = { instance: `lab${process.pid}-probe`, underlayNamespace: null }
  const probed = probeHostDataplane(hostDataplane(backend, place))
  probing.set(backend, probed)
  return probed
}

/** What a lab is made of. */
interface LabParts {
  readonly source: OwnerSource
  readonly backends: Backends
  /** Null where networks are clear. */
  readonly sealing: EspOptions | null
  readonly slowness: number
}

/** Labs of this process so far, to tell their namespaces apart. */
let labCount = 0

/** One world. Invariant: every namespace it made has its prefix, and is gone after `close`. */
class NetnsLab implements Lab {
  readonly capabilities: Capabilities
  readonly sealing?: LabSealing
  readonly slowness: number
  readonly #options: LabOptions
  readonly #prefix: string
  readonly #parts: LabParts
  readonly #underlay: Underlay
  readonly #wires: LabWires
  readonly #nodes = new Map<LabNode, { readonly node: NetnsNode; readonly host: LabHost }>()

  private constructor(options: LabOptions, capabilities: Capabilities, parts: LabParts) {
    this.capabilities = capabilities
    this.#options = options
    this.#parts = parts
    this.slowness = parts.slowness
    if (parts.sealing !== null) {
      const guarded = parts.backends[0] === 'kernel'
      const namespaceOf = (node: LabNode): number => this.#hostOf(node).netns.kernel.namespace.fd
      this.sealing = new CaseSealing({ esp: parts.sealing, guarded, namespaceOf })
    }
    this.#prefix = `lab${process.pid}.${++labCount}-`
    const { underlayMtuBytes: mtuBytes } = options
    this.#underlay = Underlay.open({ hosts: 0, mtuBytes, prefix: this.#prefix })
    this.#wires = new LabWires(this.#underlay)
  }

  static async open(options: LabOptions, parts: LabParts): Promise<NetnsLab> {
    const [first, ...others] = await Promise.all(parts.backends.map(probe))
    const missing = [first, ...others].flatMap((p) => (p?.usable === false ? [p.reason] : []))
    if (first?.usable === true && missing.length === 0) {
      return new NetnsLab(options, first.capabilities, parts)
    }
    throw labError('ERR_TIER_UNAVAILABLE', 'no lab to be had', { tier: 'netns', missing })
  }

  async node(name: string): Promise<LabNode> {
    const host = this.#underlay.addHost()
    this.#wires.watch(host)
    const tunnel = { ip: host.ips[this.#options.underlay], port: VXLAN_PORT }
    const map = {
      hostOf: (other: LabNode) => this.#hostOf(other),
      nextHop: (from: LabHost, to: LabHost) => this.#nextHop(from, to),
    }
    const { backends, sealing, source } = this.#parts
    const backend = backends[this.#nodes.size % backends.length] ?? backends[0]
    const place = { host, tunnel, prefix: this.#prefix, esp: sealing ?? DOCKER_ESP }
    const node = await openNetnsNode({ name, backend, source, map, ...place })
    this.#nodes.set(node, { node, host })
    return node
  }

  async advance(ms: number): Promise<void> {
    await sleep(ms)
  }

  link(a: LabNode, b: LabNode): LabLink {
    const [first, second] = [this.#hostOf(a), this.#hostOf(b)]
    return {
      cut: async () => this.#wires.cut(first, second),
      heal: async () => this.#wires.heal(first, second),
      captured: async () => {
        const frames = await this.#wires.captured(first, second)
        return frames.map((frame) => frame.bytes)
      },
    }
  }

  async close(): Promise<{ readonly leaked: readonly string[] }> {
    const nodes = [...this.#nodes.values()]
    this.#nodes.clear()
    const leaked = await Promise.all(nodes.map(({ node }) => node.close()))
    await this.#wires.close()
    this.#underlay.close()
    return { leaked: leaked.flat() }
  }

  #nextHop(from: LabHost, to: LabHost): Mac {
    if (from.subnet === to.subnet) return to.mac
    const gateway = this.#underlay.plan.subnets[from.subnet]
    assert(gateway !== undefined, 'a host is in a subnet of its underlay')
    return gateway.mac
  }

  #hostOf(node: LabNode): LabHost {
    const found = this.#nodes.get(node)
    if (found !== undefined) return found.host
    throw labError('ERR_LAB_REQUEST', 'not a node of this lab', {
      problem: node.name,
      expected: 'a node that this lab made',
    })
  }
}
