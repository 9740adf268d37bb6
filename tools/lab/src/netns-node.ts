/** A host as compliance cases see it: its namespace, and the process that owns its dataplane. */
import { describeError, type Mac, type SocketAddress } from '@weft/core'
import type { Attachment, Dataplane } from '@weft/dataplane'
import type { Damage, Foreign, LabInterface, LabNode } from '@weft/dataplane/compliance'
import { namespaceName } from '@weft/dataplane-kernel'
import type { EspOptions } from '@weft/dataplane-userspace'
import { deleteNamespace, listNamespaces, NAMESPACE_DIRECTORY } from '@weft/linux'
import { atExit } from './at-exit.ts'
import { DataplaneProcess, type OwnerSource } from './dataplane-process.ts'
import { ForeignObjects } from './foreign-objects.ts'
import { hostDataplane, type HostBackend } from './host-dataplane.ts'
import { injectDatagram } from './inject-datagram.ts'
import { openNetnsEndpoint, type NetnsEndpoint } from './netns-endpoint.ts'
import { sabotage } from './sabotage.ts'
import { sabotageSealing } from './sabotage-sealing.ts'
import type { LabHost } from './underlay.ts'

/** The way from node to node. */
export interface LabMap {
  hostOf(node: LabNode): LabHost
  /** The MAC of who takes frames from one host to another: itself, or the router. */
  nextHop(from: LabHost, to: LabHost): Mac
}

/** What a node is made of. */
export interface NetnsNodeParts {
  /** What the case calls it. */
  readonly name: string
  readonly host: LabHost
  readonly backend: HostBackend
  readonly esp: EspOptions
  readonly tunnel: SocketAddress
  /** Put before the names of namespaces. */
  readonly prefix: string
  readonly source: OwnerSource
  /** Where other nodes of the lab are, and the way there. */
  readonly map: LabMap
}

/** Open a host's dataplane in a process. Rejects with what the backend throws. */
export async function openNetnsNode(parts: NetnsNodeParts): Promise<NetnsNode> {
  const { backend, esp, host, source } = parts
  const place = { instance: host.namespace, underlayNamespace: host.netns.path, esp }
  const dataplane = hostDataplane(backend, place)
  return new NetnsNode(parts, await DataplaneProcess.open({ dataplane, source }))
}

/**
 * One host with its dataplane and containers. Invariant: after `close` nothing that it or its
 * dataplane made is left, and what the dataplane failed to remove has been named.
 */
export class NetnsNode implements LabNode {
  readonly name: string
  readonly tunnel: SocketAddress
  readonly #host: LabHost
  readonly #prefix: string
  readonly #map: LabMap
  readonly #backend: HostBackend
  readonly #process: DataplaneProcess
  readonly #endpoints: NetnsEndpoint[] = []
  readonly #foreign: ForeignObjects
  readonly #guard: Disposable

  constructor(parts: NetnsNodeParts, owned: DataplaneProcess) {
    this.name = parts.name
    this.#host = parts.host
    this.#map = parts.map
    this.tunnel = parts.tunnel
    this.#prefix = parts.prefix
    this.#backend = parts.backend
    this.#process = owned
    const { host, tunnel } = parts
    this.#foreign = new ForeignObjects({ host, tunnel, isPortFree: parts.backend === 'kernel' })
    this.#guard = atExit(() => this.#abandon())
  }

  get dataplane(): Dataplane {
    return this.#process.dataplane
  }

  async endpoint(_name: string, face: LabInterface): Promise<NetnsEndpoint> {
    const namespace = `${this.#prefix}${this.#host.name}-c${this.#endpoints.length + 1}`
    const endpoint = openNetnsEndpoint(namespace, face)
    this.#endpoints.push(endpoint)
    return endpoint
  }

  missingAttachment(): Attachment {
    const path = `${NAMESPACE_DIRECTORY}/${this.#prefix}missing`
    return { kind: 'netns', path, ifname: 'eth0' }
  }

  async crash(): Promise<void> {
    await this.#process.kill('SIGKILL')
  }

  async reopen(): Promise<void> {
    await this.#process.restart()
  }

  async sabotage(damage: Damage): Promise<void> {
    // A switch in a process can only be damaged from within; it is down when its owner is.
    if (this.#backend === 'userspace') return this.#process.damage(damage)
    if (!('network' in damage)) {
      sabotageSealing(this.#host.netns.path, damage)
      return
    }
    const instance = this.#host.namespace
    const directory = NAMESPACE_DIRECTORY
    const nameOf = (network: string): string => namespaceName(instance, network)
    // Damage of several steps is to be seen as one: repair in the middle of it would be undone.
    const pid = this.#process.running ? this.#process.pid : null
    if (pid !== null) process.kill(pid, 'SIGSTOP')
    try {
      sabotage({ directory, nameOf }, damage)
    } finally {
      if (pid !== null) process.kill(pid, 'SIGCONT')
    }
  }

  async plantForeign(foreign: Foreign): Promise<void> {
    this.#foreign.plant(foreign)
  }

  async foreignIntact(foreign: Foreign): Promise<boolean> {
    return this.#foreign.intact(foreign)
  }

  async inject(from: LabNode, payload: Uint8Array): Promise<void> {
    const sender = this.#map.hostOf(from)
    const nextHop = this.#map.nextHop(sender, this.#host)
    const source = { ip: from.tunnel.ip, port: 0 }
    injectDatagram({ from: sender, source, to: this.tunnel, nextHop }, payload)
  }

  /** Close what is open, and say what the dataplane left behind. Never rejects. */
  async close(): Promise<readonly string[]> {
    const leaked: string[] = []
    const note = (what: string): void => void leaked.push(`${this.name}: ${what}`)
    try {
      await this.#closeDataplane()
      for (const what of await this.#process.release()) note(`descriptor ${what}`)
    } catch (error) {
      note(`teardown failed: ${describeError(error)}`)
      await this.#process.kill()
    }
    for (const what of this.#leftovers()) note(what)
    await Promise.all(this.#endpoints.map((endpoint) => endpoint.close()))
    this.#removeNetworks()
    this.#guard[Symbol.dispose]()
    return leaked
  }

  /** What a killed or detached dataplane left on purpose, a successor removes. */
  async #closeDataplane(): Promise<void> {
    const { closed } = this.#process.dataplane
    if (closed === 'teardown') return
    if (closed === 'detach' || !this.#process.running) await this.#process.restart()
    await this.#process.dataplane.close('teardown')
  }

  #leftovers(): string[] {
    const foreign = this.#foreign.names()
    const onHost = this.#host.netns.kernel.links.list().map((link) => link.name)
    const kept = new Set(['lo', this.#host.ifname, ...foreign])
    const inside = this.#endpoints.flatMap((endpoint) =>
      endpoint.leftInside().map((name) => `${name} in ${endpoint.container.name}`),
    )
    return [
      ...this.#networkNames().map((name) => `namespace ${name}`),
      ...onHost.filter((name) => !kept.has(name)).map((name) => `device ${name} on the host`),
      ...inside.filter((what) => !foreign.includes(what)).map((what) => `device ${what}`),
    ]
  }

  #networkNames(): string[] {
    const prefix = namespaceName(this.#host.namespace, '')
    return listNamespaces().filter((name) => name.startsWith(prefix))
  }

  /** We are ending: a living owner would make again what is removed. */
  #abandon(): void {
    if (this.#process.running) process.kill(this.#process.pid, 'SIGKILL')
    this.#removeNetworks()
  }

  #removeNetworks(): void {
    for (const name of this.#networkNames()) deleteNamespace({ name })
  }
}
