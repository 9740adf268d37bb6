/** The ways between two hosts that the suite `userspace` compares. */
import { nthIp } from './desired.ts'
import { overlayByHand, type OverlayPath } from './overlay-by-hand.ts'
import type { BenchHost, TwoHosts } from './two-hosts.ts'
import { UserspaceHost } from './userspace-host.ts'
import type { Attached } from './userspace-process.ts'

/** A way from one host to the other, and who carries packets on it. */
export interface Contender {
  readonly name: string
  readonly path: OverlayPath
  /** The processes that do; none where the kernel does. */
  readonly pids: readonly number[]
}

/** The hand-built tunnel has VXLAN's own port on every address of its host. */
const PORT = 4790
const NETWORKS = {
  clear: { encapsulation: 'vxlan', vni: 4097 },
  encrypted: { encapsulation: 'vxlan-esp', vni: 4099 },
} as const

/** A VXLAN of the kernel's. */
export async function kernelVxlan(hosts: TwoHosts): Promise<Contender> {
  return { name: 'kernel-vxlan', path: await overlayByHand(hosts), pids: [] }
}

/** Our dataplane on both hosts, with a network of each kind. Invariant: both processes run. */
export class OurHosts implements AsyncDisposable {
  readonly processes: readonly UserspaceHost[]
  readonly clear: Contender
  /** Where there can be none: why. */
  readonly encrypted: Contender | string

  private constructor(processes: readonly UserspaceHost[], paths: Record<Network, OverlayPath>) {
    const pids = processes.map(({ pid }) => pid)
    const refusals = processes.flatMap(({ failures }) => [...failures])
    const basic = refusals.find(([item]) => !item.includes('encrypted'))
    if (basic !== undefined) throw new Error(`could not be built: ${basic.join(': ')}`)
    this.processes = processes
    this.clear = { name: 'clear', path: paths.clear, pids }
    const [refusal] = refusals
    this.encrypted = refusal?.[1] ?? { name: 'encrypted', path: paths.encrypted, pids }
  }

  /** Start the processes; on each host each network gets a container, named with `label`. */
  static async open(hosts: TwoHosts, label = 'ours'): Promise<OurHosts> {
    const sides = [sideOf(hosts, hosts.a, label), sideOf(hosts, hosts.b, label)] as const
    const processes: UserspaceHost[] = []
    try {
      for (const [n, { attached, host }] of sides.entries()) {
        const other = sides[1 - n]?.host ?? host
        processes.push(
          await UserspaceHost.open({
            instance: host.name,
            underlayNamespace: host.netns.path,
            n,
            tunnel: { ip: host.tunnel.ip, port: PORT },
            peer: { ip: other.tunnel.ip, port: PORT },
            attached,
          }),
        )
      }
      const [a, b] = sides
      const address = nthIp(1)
      return new OurHosts(processes, {
        clear: { client: a.names.clear, server: b.names.clear, address },
        encrypted: { client: a.names.encrypted, server: b.names.encrypted, address },
      })
    } catch (error) {
      for (const each of processes) await each[Symbol.asyncDispose]()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.processes) await each[Symbol.asyncDispose]()
  }
}

type Network = keyof typeof NETWORKS

interface Side {
  readonly host: BenchHost
  readonly attached: ReadonlyMap<string, Attached>
  /** Of its containers' namespaces. */
  readonly names: Record<Network, string>
}

function sideOf(hosts: TwoHosts, host: BenchHost, label: string): Side {
  const clear = hosts.namespace(`${label}-clear-${host.name}`)
  const encrypted = hosts.namespace(`${label}-encrypted-${host.name}`)
  return {
    host,
    attached: new Map([
      ['clear', { ...NETWORKS.clear, container: clear.path }],
      ['encrypted', { ...NETWORKS.encrypted, container: encrypted.path }],
    ]),
    names: { clear: clear.name, encrypted: encrypted.name },
  }
}
