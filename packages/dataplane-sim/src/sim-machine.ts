/** The simulated kernel of one host: what is programmed in it outlives who programmed it. */
import {
  assert,
  formatSocketAddress,
  type Ip,
  type SocketAddress,
  type Underlay,
  type Vni,
} from '@weft/core'
import {
  dataplaneError,
  itemPath,
  type Encapsulation,
  type EndpointId,
  type NetworkCounters,
  type NetworkId,
  type NetworkShape,
  type PlacedEndpoint,
  type ProgrammedState,
} from '@weft/dataplane'
import { vxlan } from '@weft/wire'
import { ForeignObjects } from './foreign-objects.ts'
import { forwardingRules, type Decision, type ForwardingRules } from './decide.ts'
import { SimSubnet, type Plug, type SubnetFrame } from './sim-subnet.ts'
import { SimTunnel } from './sim-tunnel.ts'

/** Everything a machine is made from. */
export interface SimMachineOptions {
  readonly underlay: Underlay
  /** MTU of each underlay interface, in bytes, by address. */
  readonly mtuBytes: ReadonlyMap<Ip, number>
  /** How frames are forwarded; `forwardingRules`, unless a test plants a bug. */
  readonly rules?: ForwardingRules
}

interface SimNetwork {
  encapsulation: Encapsulation
  mtu: number
  readonly subnets: Map<Vni, SimSubnet>
  readonly plugs: Map<EndpointId, Plug>
  readonly counters: { transmitted: number; received: number }
}

/** Counters of a machine; they only grow. */
export interface MachineCounters {
  readonly transmitted: number
  readonly received: number
  readonly dropped: ReadonlyMap<string, number>
  readonly networks: ReadonlyMap<NetworkId, NetworkCounters>
}

/**
 * Subnets, entries and plugged endpoints, changed one at a time as a kernel would. A subnet is
 * known by its VNI on the port of its tunnel; no two may share them.
 */
export class SimMachine {
  readonly #underlay: Underlay
  readonly #mtuBytes: ReadonlyMap<Ip, number>
  readonly #rules: ForwardingRules
  readonly #networks = new Map<NetworkId, SimNetwork>()
  readonly #tunnels = new Map<string, SimTunnel>()
  readonly #dropped = new Map<string, number>()
  readonly #foreign = new ForeignObjects()
  #transmitted = 0
  #received = 0
  #version = 0

  constructor(options: SimMachineOptions) {
    this.#underlay = options.underlay
    this.#mtuBytes = options.mtuBytes
    this.#rules = options.rules ?? forwardingRules
  }

  /** Things of somebody else's on this machine. */
  get foreign(): ForeignObjects {
    return this.#foreign
  }

  /** Grows whenever something programmed changes, whoever changes it. */
  get version(): number {
    this.#reap()
    return this.#version
  }

  /** MTU of the underlay interface with this address, in bytes; null when there is none. */
  underlayMtuBytes(ip: Ip): number | null {
    return this.#mtuBytes.get(ip) ?? null
  }

  /** Read everything back. Endpoints whose card is gone went with it. */
  read(): ProgrammedState {
    this.#reap()
    const networks = [...this.#networks].map(([id, network]) => {
      const { encapsulation, mtu, subnets, plugs } = network
      const local = [...plugs].map(([name, plug]) => {
        const { mac, addresses, port } = plug
        const vni = subnets.has(plug.vni) ? plug.vni : null
        return [name, { vni, mac, addresses, attachment: { kind: 'port', port } }] as const
      })
      const read = [...subnets].map(([vni, subnet]) => [vni, subnet.read()] as const)
      return [id, { encapsulation, mtu, subnets: new Map(read), local: new Map(local) }] as const
    })
    return { networks: new Map(networks) }
  }

  /** A cable into a card that is gone is gone too. */
  #reap(): void {
    for (const [id, { plugs }] of this.#networks) {
      for (const [name, { port }] of plugs) if (!port.present) this.unplug(id, name)
    }
  }

  /** Add a network, or change its shape. */
  setNetwork(id: NetworkId, { encapsulation, mtu }: NetworkShape): void {
    this.#version++
    const known = this.#networks.get(id)
    if (known === undefined) {
      const counters = { transmitted: 0, received: 0 }
      const network = { encapsulation, mtu, subnets: new Map(), plugs: new Map(), counters }
      this.#networks.set(id, network)
    } else Object.assign(known, { encapsulation, mtu })
  }

  /** Remove a network with all that is in it. */
  async removeNetwork(id: NetworkId): Promise<void> {
    const network = this.#networks.get(id)
    if (network === undefined) return
    for (const name of [...network.plugs.keys()]) this.unplug(id, name)
    for (const vni of [...network.subnets.keys()]) await this.removeSubnet(id, vni)
    this.#networks.delete(id)
    this.#version++
  }

  /** Add a subnet or change its shape. Rejects with ERR_CONFLICT for a VNI or port in use. */
  async setSubnet(id: NetworkId, frame: SubnetFrame): Promise<void> {
    const network = this.#networkOf(id)
    const item = itemPath.subnet(id, frame.vni)
    if (this.#foreign.has(frame.vni)) {
      throw dataplaneError('ERR_CONFLICT', 'the VNI is taken', {
        item,
        owner: `foreign tunnel with vni ${frame.vni}`,
      })
    }
    const before = network.subnets.get(frame.vni) ?? null
    const tunnel = await this.#tunnelFor(frame.tunnel, item)
    if (before !== null) await this.#leaveTunnel(before, item, tunnel)
    tunnel.users.add(item)
    network.subnets.set(frame.vni, new SimSubnet(frame, before))
    this.#version++
  }

  /** Remove a subnet with its entries; what was plugged in hangs in the air. */
  async removeSubnet(id: NetworkId, vni: Vni): Promise<void> {
    const subnet = this.#networks.get(id)?.subnets.get(vni)
    if (subnet === undefined) return
    this.#networks.get(id)?.subnets.delete(vni)
    this.#version++
    await this.#leaveTunnel(subnet, itemPath.subnet(id, vni), null)
  }

  /** Plug an endpoint in, or replace how it is plugged in. Throws when its card cannot be used. */
  plug(id: NetworkId, endpoint: EndpointId, placed: PlacedEndpoint): void {
    const { attachment, mac, addresses, vni } = placed
    assert(attachment.kind === 'port', 'only ports can be plugged into a simulated machine')
    const { port } = attachment
    const item = itemPath.local(id, endpoint)
    const network = this.#networkOf(id)
    if (!port.present) {
      const details = { item, attachment: 'port' }
      throw dataplaneError('ERR_ATTACHMENT_MISSING', 'the port is gone', details)
    }
    if (this.#foreign.has(port)) {
      throw dataplaneError('ERR_CONFLICT', 'the port is in use', { item, owner: 'foreign cable' })
    }
    if (network.plugs.get(endpoint)?.port !== port) this.unplug(id, endpoint)
    const plug: Plug = { endpoint, mac, addresses, vni, port }
    network.plugs.set(endpoint, plug)
    port.connect((frame) => this.#fromEndpoint(id, plug, frame))
    this.#version++
  }

  unplug(id: NetworkId, endpoint: EndpointId): void {
    const plugs = this.#networks.get(id)?.plugs
    const plug = plugs?.get(endpoint)
    if (plugs === undefined || plug === undefined) return
    plugs.delete(endpoint)
    plug.port.connect(null)
    this.#version++
  }

  /** The subnet whose entries are to be changed; undefined when it is not there. */
  entriesOf(id: NetworkId, vni: Vni): SimSubnet | undefined {
    this.#version++
    return this.#networks.get(id)?.subnets.get(vni)
  }

  /** Datagrams and drops since the machine was made. */
  counters(): MachineCounters {
    const networks = [...this.#networks].map(([id, { counters }]) => [id, { ...counters }] as const)
    return {
      transmitted: this.#transmitted,
      received: this.#received,
      dropped: new Map(this.#dropped),
      networks: new Map(networks),
    }
  }

  #networkOf(id: NetworkId): SimNetwork {
    const network = this.#networks.get(id)
    assert(network !== undefined, 'a network is made before what is in it')
    return network
  }

  async #tunnelFor(local: SocketAddress, item: string): Promise<SimTunnel> {
    const key = formatSocketAddress(local)
    const known = this.#tunnels.get(key)
    if (known !== undefined) return known
    try {
      const onDatagram = (bytes: Uint8Array): void => this.#fromUnderlay(local, bytes)
      const tunnel = await SimTunnel.open(this.#underlay, local, onDatagram)
      this.#tunnels.set(key, tunnel)
      return tunnel
    } catch (error) {
      const details = { item, owner: `socket on ${key}` }
      throw dataplaneError('ERR_CONFLICT', 'the tunnel port is taken', details, error)
    }
  }

  async #leaveTunnel(subnet: SimSubnet, item: string, next: SimTunnel | null): Promise<void> {
    const key = formatSocketAddress(subnet.tunnel)
    const tunnel = this.#tunnels.get(key)
    if (tunnel === undefined || tunnel === next) return
    tunnel.users.delete(item)
    if (tunnel.users.size > 0) return
    this.#tunnels.delete(key)
    await tunnel.close()
  }

  #fromEndpoint(id: NetworkId, plug: Plug, frame: Uint8Array): void {
    const network = this.#networks.get(id)
    if (network?.plugs.get(plug.endpoint) !== plug) return this.#drop('frame-unplugged')
    const subnet = network.subnets.get(plug.vni)
    if (subnet === undefined) return this.#drop('frame-unplugged')
    const passage = { subnet, plugs: plugsIn(network, subnet), mtuBytes: network.mtu, frame }
    const decision = this.#rules.fromEndpoint(passage, plug)
    this.#carryOut(decision, { network, subnet, frame, sender: plug })
  }

  #fromUnderlay(local: SocketAddress, bytes: Uint8Array): void {
    const fault = vxlan.check(bytes, 0, bytes.length)
    if (fault !== null) return this.#drop(`datagram-${fault}`)
    const found = this.#subnetFor(vxlan.vni(bytes, 0), local)
    if (found === null) return this.#drop('datagram-unknown-vni')
    const { network, subnet } = found
    this.#received++
    network.counters.received++
    const frame = bytes.slice(vxlan.payloadStart(bytes, 0))
    const passage = { subnet, plugs: plugsIn(network, subnet), mtuBytes: network.mtu, frame }
    this.#carryOut(this.#rules.fromTunnel(passage), { network, subnet, frame, sender: null })
  }

  #subnetFor(vni: Vni, local: SocketAddress): { network: SimNetwork; subnet: SimSubnet } | null {
    for (const network of this.#networks.values()) {
      const subnet = network.subnets.get(vni)
      if (subnet !== undefined && subnet.tunnel.port === local.port) return { network, subnet }
    }
    return null
  }

  #carryOut(
    decision: Decision,
    at: { network: SimNetwork; subnet: SimSubnet; frame: Uint8Array; sender: Plug | null },
  ): void {
    const { network, subnet, frame, sender } = at
    switch (decision.kind) {
      case 'deliver':
        for (const { port } of decision.to) port.deliver(frame.slice())
        return
      case 'answer':
        return sender?.port.deliver(decision.frame)
      case 'tunnel':
        this.#transmitted++
        network.counters.transmitted++
        this.#tunnels.get(formatSocketAddress(subnet.tunnel))?.send(frame, subnet.vni, decision.to)
        return
      case 'drop':
        return this.#drop(decision.reason)
    }
  }

  #drop(reason: string): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1)
  }
}

function plugsIn(network: SimNetwork, subnet: SimSubnet): ReadonlyMap<Plug['mac'], Plug> {
  const here = [...network.plugs.values()].filter(({ vni }) => vni === subnet.vni)
  return new Map(here.map((plug) => [plug.mac, plug]))
}
