/** One host of a simulated world: a machine, the dataplane on it, and ways to hurt both. */
import type { Ip, Mac, Runtime, SocketAddress, Vni } from '@weft/core'
import type { SimRuntime } from '@weft/core/testing'
import type { Attachment, Capabilities, Dataplane, NetworkId } from '@weft/dataplane'
import type { Damage, Foreign, LabInterface, LabNode } from '@weft/dataplane/compliance'
import { VXLAN_PORT } from '@weft/wire'
import type { ForwardingRules } from '../decide.ts'
import type { SimOptions } from '../sim-dataplane.ts'
import { SimMachine } from '../sim-machine.ts'
import type { SimSubnet } from '../sim-subnet.ts'
import { CountedUnderlay } from './counted-underlay.ts'
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
export class SimLabNode implements LabNode {
  readonly name: string
  readonly tunnel: SocketAddress
  readonly machine: SimMachine
  readonly #parts: SimLabNodeParts
  readonly #underlay: CountedUnderlay
  readonly #endpoints: SimLabEndpoint[] = []
  #process: MortalRuntime
  #dataplane: Dataplane | null = null
  #crashed = false

  private constructor(name: string, parts: SimLabNodeParts) {
    this.name = name
    this.tunnel = { ip: parts.ip, port: VXLAN_PORT }
    this.#parts = parts
    this.#underlay = new CountedUnderlay(parts.runtime.underlay)
    this.#process = new MortalRuntime(parts.runtime)
    const mtuBytes = new Map([[parts.ip, parts.mtuBytes]])
    const rules = parts.rules === undefined ? {} : { rules: parts.rules }
    this.machine = new SimMachine({ underlay: this.#underlay, mtuBytes, ...rules })
  }

  /** A host with an open dataplane. */
  static async open(name: string, parts: SimLabNodeParts): Promise<SimLabNode> {
    const node = new SimLabNode(name, parts)
    await node.reopen()
    return node
  }

  get dataplane(): Dataplane {
    if (this.#dataplane === null) throw new Error('bug: the dataplane of the node is not open')
    return this.#dataplane
  }

  async endpoint(name: string, face: LabInterface): Promise<SimLabEndpoint> {
    const endpoint = new SimLabEndpoint(name, face, this.machine)
    this.#endpoints.push(endpoint)
    return endpoint
  }

  missingAttachment(): Attachment {
    const port = { present: false, deliver: () => undefined, connect: () => undefined }
    return { kind: 'port', port }
  }

  async crash(): Promise<void> {
    this.#process.kill()
    this.#crashed = true
    if (!this.#parts.capabilities.persistent) await this.machine.wipe()
  }

  async reopen(): Promise<void> {
    const { capabilities, auditIntervalMs, runtime, openDataplane } = this.#parts
    this.#process = new MortalRuntime(runtime)
    this.#crashed = false
    const options = { machine: this.machine, capabilities, auditIntervalMs }
    this.#dataplane = await openDataplane(this.#process.runtime, options)
  }

  async sabotage(damage: Damage): Promise<void> {
    const { network } = damage
    switch (damage.kind) {
      case 'delete-network':
        return this.machine.removeNetwork(network)
      case 'delete-endpoint':
        return this.machine.unplug(network, damage.endpoint)
      case 'delete-neighbour':
        for (const { neighbours } of this.#subnets(network)) neighbours.delete(damage.ip)
        return
      case 'delete-forwarding':
        for (const { forwarding } of this.#subnets(network)) forwarding.delete(damage.mac)
        return
      case 'add-forwarding':
      case 'misdirect-forwarding':
        return this.#point(network, damage.mac, { ...this.tunnel, ip: damage.to })
    }
  }

  #subnets(network: NetworkId): readonly SimSubnet[] {
    const vnis: readonly Vni[] = [
      ...(this.machine.read().networks.get(network)?.subnets.keys() ?? []),
    ]
    return vnis.flatMap((vni) => this.machine.entriesOf(network, vni) ?? [])
  }

  /** The first subnet will do: the cases that damage have one. */
  #point(network: NetworkId, mac: Mac, to: SocketAddress): void {
    this.#subnets(network)[0]?.forwarding.set(mac, to)
  }

  async plantForeign(foreign: Foreign): Promise<void> {
    this.machine.addForeign(foreignObject(foreign))
  }

  async foreignIntact(foreign: Foreign): Promise<boolean> {
    return this.machine.hasForeign(foreignObject(foreign))
  }

  async inject(from: LabNode, payload: Uint8Array): Promise<void> {
    if (!(from instanceof SimLabNode)) throw new Error('bug: a node of another lab')
    const socket = await from.#underlay.bind({ ip: from.tunnel.ip, port: 0 }, () => undefined)
    socket.send(payload, this.tunnel)
    await socket.close()
  }

  /** Tear down what is open and name what is left. A crashed host is rebooted: that is no leak. */
  async close(): Promise<readonly string[]> {
    if (this.#crashed) await this.machine.wipe()
    else await this.dataplane.close('teardown')
    const networks = [...this.machine.read().networks.keys()].map((id) => `network ${id}`)
    const cables = this.#endpoints.filter((e) => e.present && e.connected)
    const sockets = this.#underlay.openSockets
    const left = [...networks, ...cables.map(({ name }) => `cable to ${name}`)]
    if (sockets > 0) left.push(`${sockets} sockets`)
    return left.map((what) => `${what} on ${this.name}`)
  }
}

function foreignObject(foreign: Foreign): Parameters<SimMachine['addForeign']>[0] {
  if (foreign.kind === 'vni') return { vni: foreign.vni }
  const { attachment } = foreign
  if (attachment.kind !== 'port') throw new Error('bug: a simulated machine has only ports')
  return { port: attachment.port }
}
