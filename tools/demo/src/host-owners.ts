/** The owners of the hosts' dataplanes: a process for each, opened through the public API. */
import type { Mac } from '@weft/core'
import type { ApplyReport, DesiredState, ObservedState } from '@weft/dataplane'
import { DataplaneProcess, hostDataplane, type HostBackend, type LabHost } from '@weft/lab'
import type { NetworkPlace, WorldControl } from './world.ts'

/** How the processes are started. */
export interface OwnersOptions {
  /** They outlive this process. */
  readonly stay: boolean
  /** Backends of the hosts, in turn. */
  readonly backends: readonly [HostBackend, ...HostBackend[]]
}

/** One process a host. */
export class HostOwners implements WorldControl {
  readonly #owners = new Map<string, DataplaneProcess>()
  readonly #backends = new Map<string, HostBackend>()

  /** Start all. Rejects with what a backend threw. */
  async open(hosts: readonly LabHost[], { backends, stay }: OwnersOptions): Promise<void> {
    const opened = hosts.map(async ({ name, netns }, i) => {
      const backend = backends[i % backends.length] ?? backends[0]
      this.#backends.set(name, backend)
      const place = { instance: name, underlayNamespace: netns.path }
      const dataplane = hostDataplane(backend, place)
      this.#owners.set(name, await DataplaneProcess.open({ dataplane, stay }))
    })
    await Promise.all(opened)
  }

  apply(host: string, desired: DesiredState): Promise<ApplyReport> {
    return this.#owner(host).dataplane.apply(desired)
  }

  observe(host: string): Promise<ObservedState> {
    return this.#owner(host).dataplane.observe()
  }

  killOwner(host: string): Promise<void> {
    return this.#owner(host).kill('SIGKILL')
  }

  succeed(host: string): Promise<void> {
    return this.#owner(host).restart()
  }

  isPersistent(host: string): boolean {
    return this.#owner(host).dataplane.capabilities.persistent
  }

  /** Which backend a host has. */
  backendOf(host: string): HostBackend {
    return this.#backends.get(host) ?? 'kernel'
  }

  /** Delete an entry inside a userspace switch: only its own process can. */
  deleteForwarding({ host, network }: NetworkPlace, mac: Mac): Promise<void> {
    return this.#owner(host).damage({ kind: 'delete-forwarding', network, mac })
  }

  /** Ids of the processes. */
  pids(): string[] {
    return [...this.#owners.values()].map((owner) => String(owner.pid))
  }

  /** Tear all down; the processes that still run. */
  async close(): Promise<readonly string[]> {
    for (const owner of this.#owners.values()) await owner.close('teardown')
    const running = [...this.#owners.values()].filter((owner) => owner.running)
    return running.map((owner) => `process ${owner.pid}`)
  }

  #owner(host: string): DataplaneProcess {
    const owner = this.#owners.get(host)
    if (owner === undefined) throw new Error(`bug: no host ${host}`)
    return owner
  }
}
