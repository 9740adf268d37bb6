/** A process with a userspace dataplane and nothing else, so that its costs are the dataplane's. */
import type { Worker } from 'node:worker_threads'
import { assert, describeError, silentLogger, vni, type SocketAddress } from '@weft/core'
import type { Dataplane, DesiredState, Encapsulation, NetworkSpec } from '@weft/dataplane'
import { userspaceBackend, userspaceOptions } from '@weft/dataplane-userspace'
import { NetworkKey } from '@weft/encryption'
import { nodeRuntime } from '@weft/runtime-node'
import { benchNetwork, nthIp, nthMac } from './desired.ts'

/** A network with a container here, and one on the other host. */
export interface Attached {
  readonly encapsulation: Encapsulation
  readonly vni: number
  /** Path of the container's namespace. */
  readonly container: string
}

/** One of two hosts, as its process is told. */
export interface HostPlan {
  readonly instance: string
  readonly underlayNamespace: string
  /** 0 or 1: which addresses its containers have. */
  readonly n: number
  readonly tunnel: SocketAddress
  readonly peer: SocketAddress
  /** By the name of the network. */
  readonly attached: ReadonlyMap<string, Attached>
}

/** What a parent says. */
export type Order = { readonly kind: 'open'; readonly plan: HostPlan } | { readonly kind: 'look' }

/** Numbers of the dataplane so far. */
export interface Look {
  /** Bytes that the switch's thread has put on its heap, collected since or not. */
  readonly allocatedBytes: number
  /** Datagrams sent and received. */
  readonly packets: number
}

/** What the process answers. */
export type Answer =
  /** Items that could not be had, with the reason. */
  | { readonly kind: 'opened'; readonly failures: ReadonlyMap<string, string> }
  | { readonly kind: 'look'; readonly look: Look }
  | { readonly kind: 'failed'; readonly why: string }

const KEY_BYTES = 16

let dataplane: Dataplane | null = null
let thread: Worker | null = null

process.on('worker', (worker: Worker) => (thread = worker))
process.on('message', (order: Order) => {
  obey(order).then(
    (answer) => process.send?.(answer),
    (error: unknown) => process.send?.({ kind: 'failed', why: describeError(error) }),
  )
})
// Whoever ordered is gone.
process.on('disconnect', () => process.exit())

async function obey(order: Order): Promise<Answer> {
  if (order.kind === 'look') return { kind: 'look', look: await look() }
  const { instance, underlayNamespace } = order.plan
  const options = userspaceOptions({ instance, underlayNamespace })
  dataplane = await userspaceBackend.open({ ...nodeRuntime(), log: silentLogger }, options)
  const { failures } = await dataplane.apply(desiredOf(order.plan))
  const told = failures.map(({ error, item }) => [item, describeError(error)] as const)
  return { kind: 'opened', failures: new Map(told) }
}

async function look(): Promise<Look> {
  assert(dataplane !== null && thread !== null, 'a dataplane is opened first')
  // The thread may be waiting for packets; being asked for counters wakes it.
  const statistics = thread.getHeapStatistics()
  const { received, transmitted } = await dataplane.counters()
  const { total_allocated_bytes: allocatedBytes } = await statistics
  return { allocatedBytes, packets: received + transmitted }
}

function desiredOf({ attached, n, peer, tunnel }: HostPlan): DesiredState {
  const networks = new Map<string, NetworkSpec>()
  const there = { mac: nthMac(1 - n), addresses: [nthIp(1 - n)], node: 'other' }
  for (const [name, { container: path, encapsulation, vni: number }] of attached) {
    const attachment = { kind: 'netns', path, ifname: 'eth0' } as const
    const local = new Map([['here', { mac: nthMac(n), addresses: [nthIp(n)], attachment }]])
    const remote = new Map([['there', there]])
    networks.set(name, benchNetwork({ encapsulation, vni: vni(number), local, remote }))
  }
  const key = new NetworkKey({ lamportTime: 1n, bytes: new Uint8Array(KEY_BYTES).fill(1) })
  const peers = new Map([['other', { tunnel: peer }]])
  return { generation: 1, tunnel, peers, networks, keys: [key] }
}
