/** A container to be: a namespace that an endpoint can be attached to, with tools inside. */
import { ipFamily, type Ip, type IpFamily } from '@weft/core'
import type { Attachment } from '@weft/dataplane'
import { neighbourState, type Link, type LinkAddress, type Route } from '@weft/linux'
import { EchoSocket, type EchoOptions, type EchoOutcome } from './echo.ts'
import { FrameTap } from './frame-tap.ts'
import { LabNamespace } from './lab-namespace.ts'

/** Name of the first interface in a container, as Docker has it. */
export const CONTAINER_IFNAME = 'eth0'

/** Each container has its own namespace, so one identifier does for all. */
const ECHO_IDENTIFIER = 0x5745

/** What is known of an interface inside a container. */
export interface InterfaceFacts {
  readonly link: Link
  readonly addresses: readonly LinkAddress[]
}

/** What may be chosen. */
export interface ContainerOptions {
  /** Name of the interface that an endpoint gets; `eth0` when left out. */
  readonly ifname?: string
  /** Network settings inside (`net.…`, as sysctl names them). */
  readonly settings?: { readonly [key: string]: string }
}

/** One namespace with an echo socket for each family, opened at first use. */
export class Container implements AsyncDisposable {
  readonly netns: LabNamespace
  readonly ifname: string
  readonly #echoes = new Map<IpFamily, EchoSocket>()

  private constructor(netns: LabNamespace, ifname: string) {
    this.netns = netns
    this.ifname = ifname
  }

  /** Make the namespace; its interface comes with the attachment. Throws ERR_KERNEL. */
  static open(name: string, options: ContainerOptions = {}): Container {
    const { ifname = CONTAINER_IFNAME, settings = {} } = options
    return new Container(LabNamespace.create(name, settings), ifname)
  }

  get name(): string {
    return this.netns.name
  }

  /** What to give a dataplane so that it plugs this container in. */
  get attachment(): Attachment & { readonly kind: 'netns' } {
    return { kind: 'netns', path: this.netns.path, ifname: this.ifname }
  }

  /** Ask an address for an ICMP echo. Never fragmented. Never rejects. */
  async echo(to: Ip, options: EchoOptions = {}): Promise<EchoOutcome> {
    const outcome = await this.#echoSocket(ipFamily(to)).ask(to, options)
    if (outcome.ok || outcome.reason !== 'too-long' || outcome.mtuBytes !== null) return outcome
    // The kernel refused to send: then it is the interface's own MTU, unless the path had spoken.
    return { ...outcome, mtuBytes: this.facts()?.link.mtuBytes ?? null }
  }

  /** The interface as it is now; null while not attached. */
  facts(): InterfaceFacts | null {
    const { addresses, links } = this.netns.kernel
    const link = links.get(this.ifname)
    return link === null ? null : { link, addresses: addresses.list(link.index) }
  }

  /** Routes of the main table, both families. */
  routes(): readonly Route[] {
    return this.netns.kernel.routes.list()
  }

  /** Forget learnt neighbours, so that the next packet asks again. Static entries stay. */
  flushNeighbours(): void {
    const { neighbours } = this.netns.kernel
    for (const { linkIndex, ip, mac, state } of neighbours.list()) {
      const learnt = (state & (neighbourState.permanent | neighbourState.noArp)) === 0
      if (mac !== null && learnt) neighbours.apply('delete', { linkIndex, ip, mac })
    }
  }

  /** Listen to frames that arrive on any interface, also one that comes later. */
  listen(): FrameTap {
    const namespace = this.netns.kernel.namespace.fd
    return FrameTap.open({ namespace, incomingOnly: true })
  }

  /** Remove the namespace and all in it. Idempotent. */
  async close(): Promise<void> {
    const echoes = [...this.#echoes.values()]
    this.#echoes.clear()
    await Promise.all(echoes.map((socket) => socket.close()))
    this.netns.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #echoSocket(family: IpFamily): EchoSocket {
    const found = this.#echoes.get(family)
    if (found !== undefined) return found
    const socket = new EchoSocket(this.netns.kernel.namespace.fd, family, ECHO_IDENTIFIER)
    this.#echoes.set(family, socket)
    return socket
  }
}
