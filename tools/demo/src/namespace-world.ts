/** The demo's real world: hosts and containers are namespaces, owners are processes. */
import { readFileSync } from 'node:fs'
import { Underlay, type HostBackend, type LabHost } from '@weft/lab'
import { Features, TUNNEL_CHECKSUM_FEATURES } from '@weft/linux'
import { VXLAN_PORT } from '@weft/wire'
import { KernelContainers } from './kernel-containers.ts'
import { HostOwners } from './host-owners.ts'
import { leftovers } from './kernel-tables.ts'
import { tablesOf } from './switch-tables.ts'
import { UnderlayRecorder } from './underlay-recorder.ts'
import type { World, WorldHost, WorldTables } from './world.ts'

/** What may be chosen. */
export interface NamespaceWorldOptions {
  /** How the world calls itself. */
  readonly backend: string
  /** Backends of the hosts, in turn. */
  readonly backends: readonly [HostBackend, ...HostBackend[]]
  /** The owners, and so the world, outlive this process. */
  readonly keep: boolean
  /** All that crosses the underlay is kept, not only what crosses in the windows of the checks. */
  readonly record: boolean
}

/**
 * Build the underlay and open a dataplane on each host. Rejects with what the lab or the kernel
 * refused; nothing is left then.
 */
export async function openNamespaceWorld(
  hosts: number,
  options: NamespaceWorldOptions,
): Promise<World> {
  const world = new NamespaceWorld(Underlay.open({ hosts, layout: 'routed' }), options)
  try {
    await world.open()
    return world
  } catch (error) {
    await world.close()
    throw error
  }
}

class NamespaceWorld implements World {
  readonly backend: string
  readonly material = 'hosts and containers are network namespaces of this machine'
  readonly control = new HostOwners()
  readonly containers = new KernelContainers()
  readonly tables: WorldTables
  readonly capture: UnderlayRecorder
  readonly #underlay: Underlay
  readonly #options: NamespaceWorldOptions

  constructor(underlay: Underlay, options: NamespaceWorldOptions) {
    this.#underlay = underlay
    this.#options = options
    this.backend = options.backend
    this.tables = tablesOf(this.control)
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
    const { backends, keep: stay } = this.#options
    if (backends.length > 1) for (const host of this.#underlay.hosts) finishChecksums(host)
    await this.control.open(this.#underlay.hosts, { backends, stay })
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

/**
 * A veth hands on checksums inside tunnels that a network card would finish, and only a kernel at
 * the other end can tell. With others beside kernels each kernel finishes its own.
 */
function finishChecksums({ ifname, netns }: LabHost): void {
  using features = Features.open(netns.kernel.namespace.fd)
  const off = TUNNEL_CHECKSUM_FEATURES.map((name) => [name, false] as const)
  features.change(ifname, Object.fromEntries(off))
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
