/** The demo's world in the kernel: hosts and containers are namespaces, owners are processes. */
import { readFileSync } from 'node:fs'
import { Underlay, type LabHost } from '@weft/lab'
import { VXLAN_PORT } from '@weft/wire'
import { KernelContainers } from './kernel-containers.ts'
import { KernelOwners } from './kernel-owners.ts'
import { kernelTables, leftovers } from './kernel-tables.ts'
import { UnderlayRecorder } from './underlay-recorder.ts'
import type { World, WorldHost } from './world.ts'

/** What may be chosen. */
export interface KernelWorldOptions {
  /** The owners, and so the world, outlive this process. */
  readonly keep: boolean
  /** All that crosses the underlay is kept, not only what crosses in the windows of the checks. */
  readonly record: boolean
}

/**
 * Build the underlay and open a dataplane on each host. Rejects with what the lab or the kernel
 * refused; nothing is left then.
 */
export async function openKernelWorld(hosts: number, options: KernelWorldOptions): Promise<World> {
  const world = new KernelWorld(Underlay.open({ hosts, layout: 'routed' }), options)
  try {
    await world.open()
    return world
  } catch (error) {
    await world.close()
    throw error
  }
}

class KernelWorld implements World {
  readonly backend = 'kernel'
  readonly material = 'hosts and containers are network namespaces of this machine'
  readonly control = new KernelOwners()
  readonly containers = new KernelContainers()
  readonly tables = kernelTables
  readonly capture: UnderlayRecorder
  readonly #underlay: Underlay
  readonly #options: KernelWorldOptions

  constructor(underlay: Underlay, options: KernelWorldOptions) {
    this.#underlay = underlay
    this.#options = options
    this.capture = new UnderlayRecorder(underlay.hosts, options)
  }

  get hosts(): readonly WorldHost[] {
    return this.#underlay.hosts.map(({ ips, name, subnet }) => ({
      name,
      vtep: { ip: ips[4], port: VXLAN_PORT },
      subnet: this.#underlay.plan.subnets[subnet]?.prefixes[4] ?? '',
    }))
  }

  async open(): Promise<void> {
    await this.control.open(this.#underlay.hosts, this.#options.keep)
  }

  now(): number {
    return performance.now()
  }

  async close(): Promise<readonly string[]> {
    const processes = await this.control.close()
    await this.capture.close()
    await this.containers.close()
    const devices = this.#underlay.hosts.flatMap(leftoverDevices)
    this.#underlay.close()
    return [...processes, ...devices, ...leftovers()]
  }

  async keep(): Promise<readonly string[]> {
    await this.capture.close()
    await this.containers.abandon()
    for (const { netns } of this.#underlay.hosts) netns.abandon()
    this.#underlay.router.abandon()
    const pids = this.control.pids()
    return [
      'The lab stays up, held by the processes that own its dataplanes.',
      `  enter    nsenter --target ${pids[0] ?? ''} ${namespaceFlags()}`,
      '  inside   ip netns list; ip netns exec blue-1.host-1 ping 10.0.1.12',
      `  remove   kill ${pids.join(' ')}`,
    ]
  }
}

/** A private world that was made without root has a user namespace too. */
function namespaceFlags(): string {
  const mapped = !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'))
  return `${mapped ? '--user --preserve-credentials ' : ''}--mount --net`
}

/** Devices on a host beside its own two. */
function leftoverDevices(host: LabHost): string[] {
  const own = ['lo', host.ifname]
  const names = host.netns.kernel.links.list().map((link) => link.name)
  return names.filter((name) => !own.includes(name)).map((name) => `${host.name}: ${name}`)
}
