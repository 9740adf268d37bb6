/** A gossip node in a process of its own, on loopback, as its parent orders. */
import { assert, describeError, parseIp, type SocketAddress } from '@weft/core'
import { dockerProfile, KeyRing, lanProfile, openGossip, type GossipHandle } from '@weft/gossip'
import { nodeRuntime } from '@weft/runtime-node'

/** Which timing: Docker's, or ours. */
export type ProfileName = 'docker' | 'lan'

/** What a parent says. */
export type Order =
  | {
      readonly kind: 'open'
      readonly name: string
      readonly address: string
      readonly profile: ProfileName
    }
  | { readonly kind: 'join'; readonly address: string }
  | { readonly kind: 'write'; readonly key: string }
  | { readonly kind: 'look' }

/** What a node answers and tells. Times are of the machine's monotonic clock, in milliseconds. */
export type News =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'row'; readonly key: string; readonly atMs: number }
  | { readonly kind: 'look'; readonly look: Look }

/** How a node is. */
export interface Look {
  /** Members that it sees, and nodes attached to the network, itself included. */
  readonly members: number
  readonly attached: number
  /** Of processor time so far, and held by the process. */
  readonly cpuMs: number
  readonly residentBytes: number
  readonly sentBytes: number
}

/** Where every node listens. */
export const GOSSIP_PORT = 7946

const NETWORK = 'bench-network'
const TABLE = 'bench'
const KEY = Uint8Array.from({ length: 16 }, (_, i) => i)
const VALUE = new Uint8Array(100)

/** The machine's monotonic clock, which all processes share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

let opened: GossipHandle | null = null

function handle(): GossipHandle {
  assert(opened !== null, 'a node is opened first')
  return opened
}

function at(address: string): SocketAddress {
  return { ip: parseIp(address), port: GOSSIP_PORT }
}

async function open({ name, address, profile }: Order & { kind: 'open' }): Promise<void> {
  const about = {
    name,
    bind: at(address),
    advertise: null,
    meta: new Uint8Array(0),
    label: '',
    keys: new KeyRing([{ tag: 'bench', bytes: KEY }]),
    profile: profile === 'docker' ? dockerProfile() : lanProfile(),
    bootstrap: [],
    known: [],
    knownAttachments: [],
  }
  opened = await openGossip(about, nodeRuntime())
  opened.gossip.tables.watchRows({ networkId: NETWORK }, ({ row }) => {
    tell({ kind: 'row', key: row.key, atMs: monotonicMs() })
  })
  opened.run((gossip, now) => gossip.tables.attach(now, NETWORK))
}

function look(): Look {
  const { membership, tables } = handle().gossip
  const [network] = tables.networks()
  const { user, system } = process.cpuUsage()
  const { packetBytesSent, streamBytesSent } = membership.counters()
  return {
    members: membership.roster.activeCount,
    attached: network?.nodes.length ?? 0,
    cpuMs: (user + system) / 1000,
    residentBytes: process.memoryUsage.rss(),
    sentBytes: packetBytesSent + streamBytesSent,
  }
}

async function obey(order: Order): Promise<void> {
  switch (order.kind) {
    case 'open':
      return open(order)
    case 'join':
      return handle().join([at(order.address)])
    case 'write': {
      const row = { networkId: NETWORK, table: TABLE, key: order.key, value: VALUE }
      handle().run((gossip, now) => gossip.tables.put(now, row))
      return
    }
    case 'look':
      tell({ kind: 'look', look: look() })
  }
}

function tell(news: News): void {
  process.send?.(news)
}

process.on('message', (order: Order) => {
  obey(order).then(
    () => tell({ kind: 'done' }),
    (error: unknown) => tell({ kind: 'failed', why: describeError(error) }),
  )
})
// Whoever ordered is gone.
process.on('disconnect', () => process.exit())
