/** A process with a userspace dataplane and nothing else, so that its costs are the dataplane's. */
import type { Worker } from 'node:worker_threads'
import { assert, describeError, silentLogger, type SocketAddress } from '@weft/core'
import type { Dataplane, DesiredState, Encapsulation } from '@weft/dataplane'
import {
  userspaceBackend,
  userspaceOptions,
  type GivenUserspaceOptions,
} from '@weft/dataplane-userspace'
import { NetworkKey } from '@weft/encryption'
import { nodeRuntime } from '@weft/runtime-node'
import { BENCH_VNI, benchNetwork, nthIp, nthMac } from './desired.ts'

/** One of two hosts, as its process is told: it has one network, with a container on each host. */
export interface HostPlan {
  readonly options: GivenUserspaceOptions
  /** 0 or 1: which address its container has. */
  readonly n: number
  readonly tunnel: SocketAddress
  readonly peer: SocketAddress
  readonly encapsulation: Encapsulation
  /** Path of the container's namespace. */
  readonly container: string
}

/** What a parent says. */
export type Order = { readonly kind: 'open'; readonly plan: HostPlan } | { readonly kind: 'look' }

/** Numbers of the dataplane so far. */
export interface Look {
  /** Bytes on the heap of the switch's thread: exact, and less after a collection. */
  readonly usedBytes: number
  /**
   * Bytes that it has put there, collected since or not. V8 counts with them what is left of a page
   * of its memory whenever it is asked.
   */
  readonly allocatedBytes: number
  /** Datagrams sent and received. */
  readonly packets: number
}

/** What the process answers. */
export type Answer =
  | { readonly kind: 'opened' }
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
  const runtime = { ...nodeRuntime(), log: silentLogger }
  dataplane = await userspaceBackend.open(runtime, userspaceOptions(order.plan.options))
  const { failures } = await dataplane.apply(desiredOf(order.plan))
  for (const { error } of failures) throw error
  return { kind: 'opened' }
}

async function look(): Promise<Look> {
  assert(dataplane !== null && thread !== null, 'a dataplane is opened first')
  // The thread may be waiting for packets; being asked for counters wakes it.
  const statistics = thread.getHeapStatistics()
  const { received, transmitted } = await dataplane.counters()
  const { total_allocated_bytes: allocatedBytes, used_heap_size: usedBytes } = await statistics
  return { allocatedBytes, usedBytes, packets: received + transmitted }
}

function desiredOf(plan: HostPlan): DesiredState {
  const { container: path, encapsulation, n, peer, tunnel } = plan
  const attachment = { kind: 'netns', path, ifname: 'eth0' } as const
  const local = new Map([['here', { mac: nthMac(n), addresses: [nthIp(n)], attachment }]])
  const there = { mac: nthMac(1 - n), addresses: [nthIp(1 - n)], node: 'other' }
  const remote = new Map([['there', there]])
  const network = benchNetwork({ encapsulation, vni: BENCH_VNI, local, remote })
  const key = new NetworkKey({ lamportTime: 1n, bytes: new Uint8Array(KEY_BYTES).fill(1) })
  const peers = new Map([['other', { tunnel: peer }]])
  return { generation: 1, tunnel, peers, networks: new Map([['bench', network]]), keys: [key] }
}
