/** Hosts in namespaces with a weftd on each, and what is on them as the commands have it. */
import { assert, describeError, parseIp, type Ip } from '@weft/core'
import {
  EchoSocket,
  eventually,
  LabWires,
  NamespaceMachine,
  runOn,
  Traffic,
  Underlay,
  WeftHost,
  type Client,
  type TrafficEnd,
} from '@weft/lab'
import { Kernel } from '@weft/linux'
import { checkCluster } from './invariants.ts'

/** A host of the cluster. */
export interface ClusterHost {
  readonly machine: NamespaceMachine
  readonly weft: WeftHost
}

const ECHO_IDENTIFIER = 0x5757
const REACHED_WITHIN_MS = 5_000
const SETTLED_WITHIN_MS = 10_000
/** Characters of a daemon's log in an error. */
const LOG_SHOWN = 3_000

/** Something attached, as the command that did it was told and answered. */
export class Endpoint implements TrafficEnd {
  readonly name: string
  readonly network: string
  readonly host: ClusterHost
  readonly ip: Ip
  readonly kernel: Kernel
  #echo: EchoSocket | null = null

  constructor(host: ClusterHost, facts: { network: string; name: string; ip: Ip }) {
    this.host = host
    this.network = facts.network
    this.name = facts.name
    this.ip = facts.ip
    this.kernel = Kernel.open(host.machine.path(`/run/netns/${facts.name}`))
  }

  /** True when one ping was answered. */
  async pings(to: Ip, withinMs = 500): Promise<boolean> {
    this.#echo ??= new EchoSocket(this.kernel.namespace.fd, 4, ECHO_IDENTIFIER)
    return (await this.#echo.ask(to, { withinMs })).ok
  }

  async close(): Promise<void> {
    await this.#echo?.close()
    this.kernel.close()
  }
}

/** Three machines. Invariant: `endpoints` is what the commands made, and nothing else is there. */
export class Cluster implements AsyncDisposable {
  readonly client: Client
  readonly hosts: readonly ClusterHost[]
  readonly wires: LabWires
  readonly traffic = new Traffic()
  readonly endpoints = new Set<Endpoint>()
  readonly #underlay: Underlay
  #named = 0

  private constructor(client: Client, underlay: Underlay, machines: readonly NamespaceMachine[]) {
    this.client = client
    this.#underlay = underlay
    this.hosts = machines.map((machine) => ({ machine, weft: new WeftHost(machine) }))
    this.wires = new LabWires(underlay)
  }

  /** Three hosts with a daemon each, in no swarm yet. */
  static async open(client: Client): Promise<Cluster> {
    const underlay = Underlay.open({ hosts: 3, prefix: `${client}-` })
    const machines = await Promise.all(underlay.hosts.map((host) => NamespaceMachine.open(host)))
    const cluster = new Cluster(client, underlay, machines)
    await Promise.all(cluster.hosts.map(({ weft }) => weft.start()))
    return cluster
  }

  /** Host 1 is the manager. */
  host(number: number): ClusterHost {
    const host = this.hosts[number - 1]
    assert(host !== undefined, `there is no host ${number}`)
    return host
  }

  /** A command that both clients have, on a host; resolves to what it printed. */
  type(number: number, ...words: readonly string[]): Promise<string> {
    return this.host(number).weft.run(this.client, words)
  }

  /** Let a host join as a worker. */
  async join(number: number): Promise<void> {
    const token = await this.type(1, 'swarm', 'join-token', '--quiet', 'worker')
    await this.type(number, 'swarm', 'join', '--token', token, `${this.host(1).machine.ip}:2377`)
  }

  /** Status of each node by host name, as `node ls` on the manager has it. */
  async nodes(): Promise<ReadonlyMap<string, string>> {
    const lines = await this.type(1, 'node', 'ls', '--format', '{{.Hostname}} {{.Status}}')
    return new Map(lines.split('\n').map((line) => line.split(' ') as [string, string]))
  }

  /** An empty namespace of a host, by a new name. */
  async namespace(number: number): Promise<string> {
    this.#named += 1
    const name = `c${this.#named}`
    await runOn(this.host(number).machine, ['ip', 'netns', 'add', name])
    return name
  }

  /** Attach a new namespace to a network. */
  async attach(number: number, network: string, address?: Ip): Promise<Endpoint> {
    const name = await this.namespace(number)
    const host = this.host(number)
    const words = ['attach', '--network', network, '--name', name, '--netns', `/run/netns/${name}`]
    await host.weft.weft(...words, ...(address === undefined ? [] : ['--ip', address]))
    const ip = await this.addressOf(host, name)
    const endpoint = new Endpoint(host, { name, network, ip })
    this.endpoints.add(endpoint)
    return endpoint
  }

  /** The address of an attachment, as the daemon shows it. */
  async addressOf({ weft }: ClusterHost, name: string): Promise<Ip> {
    const all = JSON.parse(await weft.weft('attachments', '--json')) as AttachmentRow[]
    const [address = ''] = all.find((one) => one.name === name)?.addresses ?? []
    return parseIp(address.replace(/\/.*/, ''))
  }

  /** Detach it and remove its namespace. */
  async detach(endpoint: Endpoint): Promise<void> {
    const { host, name, network } = endpoint
    await host.weft.weft('detach', `${network}/${name}`)
    await this.forget(endpoint)
    await runOn(host.machine, ['ip', 'netns', 'delete', name])
  }

  /** It has gone by itself, with its host's leaving. */
  async forget(endpoint: Endpoint): Promise<void> {
    this.endpoints.delete(endpoint)
    await endpoint.close()
  }

  /** Every endpoint of a network reaches every other, within a time. */
  async allReach(network: string, withinMs = REACHED_WITHIN_MS): Promise<void> {
    const ends = [...this.endpoints].filter((one) => one.network === network)
    // A container's own address would need its loopback.
    const pairs = ends.flatMap((from) => ends.map((to) => ({ from, to })))
      .filter(({ from, to }) => from !== to)
    await Promise.all(pairs.map(({ from, to }) => this.reaches(from, to, withinMs)))
  }

  /** Ping until it is answered; resolves to the ms that took. */
  async reaches(from: Endpoint, to: Endpoint, withinMs = REACHED_WITHIN_MS): Promise<number> {
    const began = performance.now()
    const check = async (): Promise<void> => {
      if (!(await from.pings(to.ip))) throw new Error('no answer')
    }
    await eventually(check, { withinMs, what: `${from.name} reaches ${to.name} at ${to.ip}` })
    return performance.now() - began
  }

  /** The kernels of all hosts hold what the endpoints need, and nothing else. */
  async holds(withinMs = SETTLED_WITHIN_MS): Promise<void> {
    await eventually(() => checkCluster(this), { withinMs, what: 'a cluster as it should be' })
  }

  /** Do something; when it fails, the error says what the daemons said. */
  async account(body: () => Promise<void>): Promise<void> {
    try {
      await body()
    } catch (error) {
      const logs = this.hosts.map(({ weft }) => `${weft.name}:\n${weft.log().slice(-LOG_SHOWN)}`)
      throw new Error(`${describeError(error)}\n${logs.join('\n')}`, { cause: error })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const endpoint of this.endpoints) await endpoint.close()
    await this.traffic[Symbol.asyncDispose]()
    await this.wires.close()
    for (const { machine } of this.hosts) await machine.close()
    this.#underlay.close()
  }
}

/** As much as is read of an attachment. */
interface AttachmentRow {
  readonly name: string
  readonly addresses: readonly string[]
}
