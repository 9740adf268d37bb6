/** What is attached to a cluster's networks, as the commands that did it were told and answered. */
import { parseIp, type Ip } from '@weft/core'
import { EchoSocket, eventually, runOn, type NamespaceMachine, type TrafficEnd } from '@weft/lab'
import type { WeftHost } from '@weft/lab'
import { Kernel } from '@weft/linux'

/** A host of the cluster: a machine, and the daemon on it. */
export interface ClusterHost {
  readonly machine: NamespaceMachine
  readonly weft: WeftHost
}

/** What is said of an endpoint when it is made. */
export interface EndpointFacts {
  readonly network: string
  /** Of the attachment, and of its namespace. */
  readonly name: string
  readonly ip: Ip
}

const ECHO_IDENTIFIER = 0x5757
const ECHO_WITHIN_MS = 500
const REACHED_WITHIN_MS = 5_000

/** A namespace on a network. */
export class Endpoint implements TrafficEnd {
  readonly name: string
  readonly network: string
  readonly host: ClusterHost
  readonly ip: Ip
  readonly kernel: Kernel
  #echo: EchoSocket | null = null

  constructor(host: ClusterHost, { ip, name, network }: EndpointFacts) {
    this.host = host
    this.network = network
    this.name = name
    this.ip = ip
    this.kernel = Kernel.open(host.machine.path(`/run/netns/${name}`))
  }

  /** True when one ping was answered. */
  async pings(to: Ip, withinMs = ECHO_WITHIN_MS): Promise<boolean> {
    this.#echo ??= new EchoSocket(this.kernel.namespace.fd, 4, ECHO_IDENTIFIER)
    return (await this.#echo.ask(to, { withinMs })).ok
  }

  /** Ping until it is answered; resolves to the ms that took. */
  async reaches(to: Endpoint, withinMs = REACHED_WITHIN_MS): Promise<number> {
    const began = performance.now()
    const check = async (): Promise<void> => {
      if (!(await this.pings(to.ip))) throw new Error('no answer')
    }
    await eventually(check, { withinMs, what: `${this.name} reaches ${to.name} at ${to.ip}` })
    return performance.now() - began
  }

  /** Let go of it; what is attached stays so. */
  async close(): Promise<void> {
    await this.#echo?.close()
    this.kernel.close()
  }
}

/** All of them. Invariant: they are what the commands made, and nothing else is there. */
export class Endpoints implements AsyncDisposable {
  readonly all = new Set<Endpoint>()
  #named = 0

  /** Attach a new namespace of a host to a network. */
  async attach(host: ClusterHost, network: string, address?: Ip): Promise<Endpoint> {
    this.#named += 1
    const name = `c${this.#named}`
    await runOn(host.machine, ['ip', 'netns', 'add', name])
    const words = ['attach', '--network', network, '--name', name, '--netns', `/run/netns/${name}`]
    await host.weft.weft(...words, ...(address === undefined ? [] : ['--ip', address]))
    return this.add(host, { network, name, ip: await addressOf(host, name) })
  }

  /** One that somebody attached. */
  add(host: ClusterHost, facts: EndpointFacts): Endpoint {
    const endpoint = new Endpoint(host, facts)
    this.all.add(endpoint)
    return endpoint
  }

  /** Detach it and remove its namespace. */
  async detach(endpoint: Endpoint): Promise<void> {
    await endpoint.host.weft.weft('detach', `${endpoint.network}/${endpoint.name}`)
    await this.forget(endpoint)
  }

  /** It has been detached, by whatever means: its namespace goes too. */
  async forget(endpoint: Endpoint): Promise<void> {
    this.all.delete(endpoint)
    await endpoint.close()
    await runOn(endpoint.host.machine, ['ip', 'netns', 'delete', endpoint.name])
  }

  /** Every endpoint of a network reaches every other, within a time. */
  async allReach(network: string, withinMs = REACHED_WITHIN_MS): Promise<void> {
    const ends = [...this.all].filter((one) => one.network === network)
    // A container's own address would need its loopback.
    const pairs = ends
      .flatMap((from) => ends.map((to) => ({ from, to })))
      .filter(({ from, to }) => from !== to)
    await Promise.all(pairs.map(({ from, to }) => from.reaches(to, withinMs)))
  }

  /** Let go of all; what is attached stays so. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const endpoint of this.all) await endpoint.close()
  }
}

/** The address of an attachment, as its daemon shows it. */
async function addressOf({ weft }: ClusterHost, name: string): Promise<Ip> {
  const all = JSON.parse(await weft.weft('attachments', '--json')) as AttachmentRow[]
  const [address = ''] = all.find((one) => one.name === name)?.addresses ?? []
  return parseIp(address.replace(/\/.*/, ''))
}

/** As much as is read of an attachment. */
interface AttachmentRow {
  readonly name: string
  readonly addresses: readonly string[]
}
