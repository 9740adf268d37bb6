/** The stage of the kernel benchmarks: two hosts on one wire, and containers to attach. */
import type { SocketAddress } from '@weft/core'
import { kernelBackend, kernelOptions } from '@weft/dataplane-kernel'
import type { Dataplane } from '@weft/dataplane'
import { LabNamespace, Underlay } from '@weft/lab'
import { nodeRuntime } from '@weft/runtime-node'
import { VXLAN_PORT } from '@weft/wire'

/** One host: a namespace with an underlay address. */
export interface BenchHost {
  readonly name: string
  readonly netns: LabNamespace
  readonly tunnel: SocketAddress
}

/** Two hosts joined by a bridge with MTU 1500; disposing removes all that was made on them. */
export class TwoHosts implements AsyncDisposable {
  readonly a: BenchHost
  readonly b: BenchHost
  readonly #underlay: Underlay
  readonly #namespaces: LabNamespace[] = []
  readonly #dataplanes: Dataplane[] = []

  constructor() {
    this.#underlay = Underlay.open({ hosts: 2, layout: 'flat', prefix: 'bench-' })
    const [a, b] = this.#underlay.hosts.map(
      ({ name, netns, ips }): BenchHost => ({
        name,
        netns,
        tunnel: { ip: ips[4], port: VXLAN_PORT },
      }),
    )
    if (a === undefined || b === undefined) throw new Error('bug: an underlay of two has two hosts')
    this.a = a
    this.b = b
  }

  /** An empty namespace with `lo` up. */
  namespace(name: string): LabNamespace {
    const made = LabNamespace.create(`bench-${name}`)
    this.#namespaces.push(made)
    return made
  }

  /** Open the kernel dataplane on a host. */
  async dataplane(host: BenchHost): Promise<Dataplane> {
    const options = kernelOptions({ instance: host.name, underlayNamespace: host.netns.path })
    const dataplane = await kernelBackend.open(nodeRuntime({}), options)
    this.#dataplanes.push(dataplane)
    return dataplane
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const dataplane of this.#dataplanes) await dataplane.close('teardown')
    for (const namespace of this.#namespaces) namespace.close()
    this.#underlay.close()
  }
}
