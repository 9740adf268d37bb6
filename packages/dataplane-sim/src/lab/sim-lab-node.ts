/** One host of a simulated world: a machine, the dataplane on it, and ways to hurt both. */
import type { Ip, Runtime } from '@weft/core'
import type { SimRuntime } from '@weft/core/testing'
import type { Capabilities, Dataplane } from '@weft/dataplane'
import type { Foreign, LabNode } from '@weft/dataplane/compliance'
import { VXLAN_PORT } from '@weft/wire'
import type { ForwardingRules } from '../decide.ts'
import type { ForeignObject } from '../foreign-objects.ts'
import { mtuAt, wipe } from '../machine-wide.ts'
import type { SimOptions } from '../sim-dataplane.ts'
import { SimMachine } from '../sim-machine.ts'
import { CountedUnderlay } from './counted-underlay.ts'
import { damageMachine } from './damage.ts'
import { MortalRuntime } from './mortal-runtime.ts'
import { SimLabEndpoint } from './sim-lab-endpoint.ts'

/** Everything a host is made from. */
export interface SimLabNodeParts {
  readonly runtime: SimRuntime
  readonly ip: Ip
  /** MTU of its underlay interface, in bytes. */
  readonly mtuBytes: number
  readonly capabilities: Capabilities
  readonly auditIntervalMs: number
  readonly rules: ForwardingRules | undefined
  readonly openDataplane: (runtime: Runtime, options: SimOptions) => Promise<Dataplane>
}

/** A host. Its machine outlives the dataplanes that are opened on it. */
export interface SimLabNode extends LabNode {
  readonly machine: SimMachine
  readonly underlay: CountedUnderlay
  endpoint(...args: Parameters<LabNode['endpoint']>): Promise<SimLabEndpoint>
  /** Tear down what is open and name what is left. */
  close(): Promise<readonly string[]>
}

/** The process that owns the dataplane of a host. */
class Process {
  readonly #parts: SimLabNodeParts
  readonly #machine: SimMachine
  #life: MortalRuntime
  #dataplane: Dataplane | null = null
  crashed = false

  constructor(parts: SimLabNodeParts, machine: SimMachine) {
    this.#parts = parts
    this.#machine = machine
    this.#life = new MortalRuntime(parts.runtime)
  }

  get dataplane(): Dataplane {
    if (this.#dataplane === null) throw new Error('bug: the dataplane of the node is not open')
    return this.#dataplane
  }

  async open(): Promise<void> {
    const { capabilities, auditIntervalMs, runtime, openDataplane } = this.#parts
    this.#life = new MortalRuntime(runtime)
    this.crashed = false
    const options = { machine: this.#machine, capabilities, auditIntervalMs }
    this.#dataplane = await openDataplane(this.#life.runtime, options)
  }

  async crash(): Promise<void> {
    this.#life.kill()
    this.crashed = true
    if (!this.#parts.capabilities.persistent) await wipe(this.#machine)
  }
}

/** A host with an open dataplane. */
export async function openSimLabNode(name: string, parts: SimLabNodeParts): Promise<SimLabNode> {
  const underlay = new CountedUnderlay(parts.runtime.underlay)
  const mtuBytes = new Map([[parts.ip, parts.mtuBytes]])
  const rules = parts.rules === undefined ? {} : { rules: parts.rules }
  const machine = new SimMachine({ underlay, mtuBytes, ...rules })
  const process = new Process(parts, machine)
  await process.open()
  const endpoints: SimLabEndpoint[] = []
  const tunnel = { ip: parts.ip, port: VXLAN_PORT }
  return {
    name,
    tunnel,
    machine,
    underlay,
    get dataplane() {
      return process.dataplane
    },
    endpoint: async (of, face) => {
      const endpoint = new SimLabEndpoint(of, face, machine)
      endpoints.push(endpoint)
      return endpoint
    },
    missingAttachment: () => {
      const port = { present: false, deliver: () => undefined, connect: () => undefined }
      return { kind: 'port', port }
    },
    crash: () => process.crash(),
    reopen: () => process.open(),
    sabotage: (damage) => damageMachine(machine, damage, tunnel.port),
    plantForeign: async (foreign) => machine.foreign.add(foreignObject(foreign)),
    foreignIntact: async (foreign) => foreignIntact(machine, foreignObject(foreign)),
    inject: async (from, payload) => {
      const socket = await underlayOf(from).bind({ ...from.tunnel, port: 0 }, () => undefined)
      socket.send(payload, tunnel)
      await socket.close()
    },
    close: () => closeNode({ name, machine, underlay, process, endpoints }),
  }
}

function underlayOf(node: LabNode): CountedUnderlay {
  if ('underlay' in node && node.underlay instanceof CountedUnderlay) return node.underlay
  throw new Error('bug: a node of another lab')
}

function foreignObject(foreign: Foreign): ForeignObject {
  if (foreign.kind === 'vni') return foreign.vni
  const { attachment } = foreign
  if (attachment.kind !== 'port') throw new Error('bug: a simulated machine has only ports')
  return attachment.port
}

function foreignIntact(machine: SimMachine, object: ForeignObject): boolean {
  const ours = typeof object === 'number' ? null : mtuAt(machine, object)
  return machine.foreign.has(object) && ours === null
}

/** A crashed host is rebooted, and what that leaves behind is no leak. */
async function closeNode(parts: {
  readonly name: string
  readonly machine: SimMachine
  readonly underlay: CountedUnderlay
  readonly process: Process
  readonly endpoints: readonly SimLabEndpoint[]
}): Promise<readonly string[]> {
  const { name, machine, underlay, process, endpoints } = parts
  if (process.crashed) await wipe(machine)
  else await process.dataplane.close('teardown')
  const networks = [...machine.read().networks.keys()].map((id) => `network ${id}`)
  const cables = endpoints.filter(({ card }) => card.present && card.connected)
  const left = [...networks, ...cables.map((endpoint) => `cable to ${endpoint.name}`)]
  if (underlay.openSockets > 0) left.push(`${underlay.openSockets} sockets`)
  return left.map((what) => `${what} on ${name}`)
}
