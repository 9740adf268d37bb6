/** A process with a few gossip nodes on loopback, which do what the parent orders. */
import { assert, describeError, parseIp, type SocketAddress } from '@weft/core'
import { dockerProfile, KeyRing, lanProfile, openGossip, type GossipHandle } from '@weft/gossip'
import { nodeRuntime } from '@weft/runtime-node'

/** Which timing: Docker's, or ours. */
export type ProfileName = 'docker' | 'lan'

/** What a parent says. */
export type Order =
  | { readonly kind: 'open'; readonly profile: ProfileName }
  | { readonly kind: 'join'; readonly to: string }
  | { readonly kind: 'write'; readonly key: string }
  | { readonly kind: 'look' }

/** Who is meant: the node at this address of the loopback network. */
export interface Addressed {
  readonly address: string
}

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
  /** Its share of the process's processor time so far. */
  readonly cpuMs: number
  /** Held by the process. */
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

const opened = new Map<string, GossipHandle>()

function handle(address: string): GossipHandle {
  const node = opened.get(address)
  assert(node !== undefined, 'a node is opened first')
  return node
}

function at(address: string): SocketAddress {
  return { ip: parseIp(address), port: GOSSIP_PORT }
}

async function open(address: string, profile: ProfileName): Promise<void> {
  const about = {
    name: `node-${address}`,
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
  const node = await openGossip(about, nodeRuntime())
  opened.set(address, node)
  node.gossip.tables.watchRows({ networkId: NETWORK }, ({ row }) => {
    tell(address, { kind: 'row', key: row.key, atMs: monotonicMs() })
  })
  node.run((gossip, now) => gossip.tables.attach(now, NETWORK))
}

function look(address: string): Look {
  const { membership, tables } = handle(address).gossip
  const [network] = tables.networks()
  const { user, system } = process.cpuUsage()
  const { packetBytesSent, streamBytesSent } = membership.counters()
  return {
    members: membership.roster.activeCount,
    attached: network?.nodes.length ?? 0,
    cpuMs: (user + system) / 1000 / opened.size,
    residentBytes: process.memoryUsage.rss(),
    sentBytes: packetBytesSent + streamBytesSent,
  }
}

async function obey(order: Order, address: string): Promise<void> {
  switch (order.kind) {
    case 'open':
      return open(address, order.profile)
    case 'join':
      return handle(address).join([at(order.to)])
    case 'write': {
      const row = { networkId: NETWORK, table: TABLE, key: order.key, value: VALUE }
      handle(address).run((gossip, now) => gossip.tables.put(now, row))
      return
    }
    case 'look':
      tell(address, { kind: 'look', look: look(address) })
  }
}

function tell(address: string, news: News): void {
  process.send?.({ ...news, address })
}

process.on('message', (order: Order & Addressed) => {
  const { address } = order
  obey(order, address).then(
    () => tell(address, { kind: 'done' }),
    (error: unknown) => tell(address, { kind: 'failed', why: describeError(error) }),
  )
})
// Whoever ordered is gone.
process.on('disconnect', () => process.exit())
