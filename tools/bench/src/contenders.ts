/** The ways between two hosts that the suite `userspace` compares. */
import type { Encapsulation } from '@weft/dataplane'
import type { GivenUserspaceOptions } from '@weft/dataplane-userspace'
import { nthIp } from './desired.ts'
import { overlayByHand, type OverlayPath } from './overlay-by-hand.ts'
import type { BenchHost, TwoHosts } from './two-hosts.ts'
import { UserspaceHost } from './userspace-host.ts'

/** A way from one host to the other, and who carries packets on it. */
export interface Contender {
  readonly name: string
  readonly path: OverlayPath
  /** The processes that do; none where the kernel does. */
  readonly pids: readonly number[]
}

/** A VXLAN of the kernel's, with VXLAN's own port on every address of its hosts. */
export async function kernelVxlan(hosts: TwoHosts): Promise<Contender> {
  return { name: 'kernel-vxlan', path: await overlayByHand(hosts), pids: [] }
}

/** One of our dataplanes, which has one network. */
export interface OurKind {
  readonly name: string
  readonly encapsulation: Encapsulation
  /** Of VXLAN; others are on the same hosts. */
  readonly port: number
  readonly esp?: GivenUserspaceOptions['esp']
}

/** In clear; sealed in UDP, as all peers send it; sealed in IP, as Docker and kernels have it. */
export const OUR_KINDS = {
  clear: { name: 'clear', encapsulation: 'vxlan', port: 4790 },
  encrypted: {
    name: 'encrypted',
    encapsulation: 'vxlan-esp',
    port: 4791,
    esp: { path: 'udp' },
  },
  encryptedIp: {
    name: 'encrypted-ip',
    encapsulation: 'vxlan-esp',
    port: 4792,
    esp: { path: 'ip' },
  },
} as const satisfies Record<string, OurKind>

/** Our dataplane on both hosts. Invariant: both processes run. */
export class OurHosts implements AsyncDisposable {
  readonly processes: readonly UserspaceHost[]
  readonly contender: Contender

  private constructor(processes: readonly UserspaceHost[], contender: Contender) {
    this.processes = processes
    this.contender = contender
  }

  /** Start the processes and attach a container on each host. Throws what could not be had. */
  static async open(hosts: TwoHosts, kind: OurKind): Promise<OurHosts> {
    const places = [hosts.a, hosts.b]
    const containers = places.map((host) => hosts.namespace(`${kind.name}-${host.name}`))
    const processes: UserspaceHost[] = []
    try {
      for (const [n, host] of places.entries()) {
        const container = containers[n]?.path ?? ''
        processes.push(await openOne({ kind, host, container, n, other: places[1 - n] ?? host }))
      }
    } catch (error) {
      for (const each of processes) await each[Symbol.asyncDispose]()
      throw error
    }
    const [client = '', server = ''] = containers.map(({ name }) => name)
    const pids = processes.map(({ pid }) => pid)
    const path = { client, server, address: nthIp(1) }
    return new OurHosts(processes, { name: kind.name, path, pids })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.processes) await each[Symbol.asyncDispose]()
  }
}

interface OnePlan {
  readonly kind: OurKind
  readonly host: BenchHost
  readonly other: BenchHost
  readonly container: string
  readonly n: number
}

function openOne({ container, host, kind, n, other }: OnePlan): Promise<UserspaceHost> {
  const { encapsulation, esp, name, port } = kind
  const place = { instance: `${host.name}-${name}`, underlayNamespace: host.netns.path }
  return UserspaceHost.open({
    options: esp === undefined ? place : { ...place, esp },
    n,
    tunnel: { ip: host.tunnel.ip, port },
    peer: { ip: other.tunnel.ip, port },
    encapsulation,
    container,
  })
}
