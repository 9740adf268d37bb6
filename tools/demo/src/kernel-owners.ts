/** The owners of the hosts' dataplanes: a process for each, opened through the public API. */
import type { ApplyReport, DesiredState, ObservedState } from '@weft/dataplane'
import { kernelOptions } from '@weft/dataplane-kernel'
import { DataplaneProcess, type LabHost } from '@weft/lab'
import type { WorldControl } from './world.ts'

/** One process a host. */
export class KernelOwners implements WorldControl {
  readonly #owners = new Map<string, DataplaneProcess>()

  /** Start all; with `stay` they outlive this process. Rejects with what the backend threw. */
  async open(hosts: readonly LabHost[], stay: boolean): Promise<void> {
    const opened = hosts.map(async ({ name, netns }) => {
      const kernel = kernelOptions({ instance: name, underlayNamespace: netns.path })
      this.#owners.set(name, await DataplaneProcess.open({ kernel, stay }))
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
