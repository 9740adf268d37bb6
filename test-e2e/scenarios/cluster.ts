/** Hosts in namespaces with a weftd on each, and what is on them as the commands have it. */
import { assert, describeError } from '@weft/core'
import {
  eventually,
  LabWires,
  NamespaceMachine,
  Traffic,
  Underlay,
  WeftHost,
  type Client,
} from '@weft/lab'
import { Endpoints, type ClusterHost } from './endpoints.ts'
import { checkCluster } from './invariants.ts'

const SETTLED_WITHIN_MS = 10_000
/** Characters of a daemon's log in an error. */
const LOG_SHOWN = 3_000

/** Three machines, on which commands are typed. */
export class Cluster implements AsyncDisposable {
  readonly client: Client
  readonly hosts: readonly ClusterHost[]
  readonly endpoints = new Endpoints()
  readonly wires: LabWires
  readonly traffic = new Traffic()
  readonly #underlay: Underlay

  private constructor(client: Client, underlay: Underlay, hosts: readonly ClusterHost[]) {
    this.client = client
    this.#underlay = underlay
    this.hosts = hosts
    this.wires = new LabWires(underlay)
  }

  /** Three hosts with a daemon each, in no swarm yet; by number, the dataplane it is to have. */
  static async open(
    client: Client,
    dataplanes: Readonly<Record<number, 'userspace'>> = {},
  ): Promise<Cluster> {
    const underlay = Underlay.open({ hosts: 3, prefix: `${client}-` })
    const machines = await Promise.all(underlay.hosts.map((host) => NamespaceMachine.open(host)))
    const hosts = machines.map((machine, i) => {
      const dataplane = dataplanes[i + 1] ?? 'kernel'
      return { machine, weft: new WeftHost(machine, ['--dataplane', dataplane]) }
    })
    const cluster = new Cluster(client, underlay, hosts)
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

  /** The kernels of all hosts hold what the endpoints need, and nothing else. */
  async holds(withinMs = SETTLED_WITHIN_MS): Promise<void> {
    const check = (): Promise<void> => checkCluster(this.hosts, [...this.endpoints.all])
    await eventually(check, { withinMs, what: 'a cluster as it should be' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endpoints[Symbol.asyncDispose]()
    await this.traffic[Symbol.asyncDispose]()
    await this.wires.close()
    for (const { machine } of this.hosts) await machine.close()
    this.#underlay.close()
  }
}

/** Do something; when it fails, the error says what the daemons said. */
export async function withAccount({ hosts }: Cluster, body: () => Promise<void>): Promise<void> {
  try {
    await body()
  } catch (error) {
    const logs = hosts.map(({ weft }) => `${weft.name}:\n${weft.log().slice(-LOG_SHOWN)}`)
    throw new Error(`${describeError(error)}\n${logs.join('\n')}`, { cause: error })
  }
}
