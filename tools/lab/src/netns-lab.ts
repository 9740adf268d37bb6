/** The kernel backend's world for compliance cases: hosts in namespaces, owners in processes. */
import type { Capabilities, ProbeResult } from '@weft/dataplane'
import type { Lab, LabLink, LabNode, LabOptions, OpenLab } from '@weft/dataplane/compliance'
import { kernelBackend, kernelOptions } from '@weft/dataplane-kernel'
import { VXLAN_PORT } from '@weft/wire'
import { setTimeout as sleep } from 'node:timers/promises'
import { OwnerPool, type OwnerSource } from './dataplane-process.ts'
import { labError } from './lab-errors.ts'
import { LabWires } from './lab-wires.ts'
import { openNetnsNode, type NetnsNode } from './netns-node.ts'
import { Underlay, type LabHost } from './underlay.ts'

/** Idle processes kept in hand: as many as the usual case has nodes. */
const SPARE_OWNERS = 2

/** Labs that share a stock of dataplane processes; close it when the last lab is closed. */
export interface NetnsLabs extends AsyncDisposable {
  readonly open: OpenLab
}

/** Make labs. Their processes are started ahead of need and used again for the next lab. */
export function netnsLabs(): NetnsLabs {
  const pool = new OwnerPool({ spares: SPARE_OWNERS })
  return {
    open: (options) => NetnsLab.open(options, pool),
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

/** What this machine's kernel can do does not change while we run. */
let probing: Promise<ProbeResult> | undefined

/** Labs of this process so far, to tell their namespaces apart. */
let labCount = 0

/** One world. Invariant: every namespace it made has its prefix, and is gone after `close`. */
class NetnsLab implements Lab {
  readonly capabilities: Capabilities
  readonly #options: LabOptions
  readonly #prefix: string
  readonly #source: OwnerSource
  readonly #underlay: Underlay
  readonly #wires: LabWires
  readonly #nodes = new Map<LabNode, { readonly node: NetnsNode; readonly host: LabHost }>()

  private constructor(options: LabOptions, capabilities: Capabilities, source: OwnerSource) {
    this.capabilities = capabilities
    this.#options = options
    this.#source = source
    this.#prefix = `lab${process.pid}.${++labCount}-`
    const { underlayMtuBytes: mtuBytes } = options
    this.#underlay = Underlay.open({ hosts: 0, mtuBytes, prefix: this.#prefix })
    this.#wires = new LabWires(this.#underlay)
  }

  static async open(options: LabOptions, source: OwnerSource): Promise<NetnsLab> {
    probing ??= kernelBackend.probe(kernelOptions({ instance: `lab${process.pid}-probe` }))
    const probed = await probing
    if (probed.usable) return new NetnsLab(options, probed.capabilities, source)
    const missing = [probed.reason]
    throw labError('ERR_TIER_UNAVAILABLE', 'no lab to be had', { tier: 'netns', missing })
  }

  async node(name: string): Promise<LabNode> {
    const host = this.#underlay.addHost()
    this.#wires.watch(host)
    const tunnel = { ip: host.ips[this.#options.underlay], port: VXLAN_PORT }
    const namespaceOf = (node: LabNode): number => this.#hostOf(node).netns.kernel.namespace.fd
    const [prefix, source] = [this.#prefix, this.#source]
    const node = await openNetnsNode({ name, host, tunnel, prefix, source, namespaceOf })
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

  #hostOf(node: LabNode): LabHost {
    const found = this.#nodes.get(node)
    if (found !== undefined) return found.host
    throw labError('ERR_LAB_REQUEST', 'not a node of this lab', {
      problem: node.name,
      expected: 'a node that this lab made',
    })
  }
}
