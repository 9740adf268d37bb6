/** The parts of a node's tables, put together. */
import type { Instant, Random, SocketAddress } from '@weft/core'
import type { GossipProfile } from '../profile.ts'
import { Reconciler } from '../reconcile/reconciler.ts'
import { AttachmentSource } from './attachment-source.ts'
import { Attachments } from './attachments.ts'
import { BulkSync } from './bulk-sync.ts'
import { DigestLines } from './digest-lines.ts'
import { EventQueue } from './event-queue.ts'
import { ForeignSync } from './foreign-sync.ts'
import { HeldEvents } from './held-events.ts'
import { LamportClock } from './lamport-clock.ts'
import type { LocalNetwork } from './local-network.ts'
import { MemberSource } from './member-source.ts'
import type { NodeRecord } from './node-record.ts'
import { Nodes } from './nodes.ts'
import { Reaper } from './reaper.ts'
import { Reconnect } from './reconnect.ts'
import { Rows } from './rows.ts'
import { TableGossip } from './table-gossip.ts'
import type { MembershipLines, TablesContext } from './tables-context.ts'
import { TablesCounts } from './tables-counts.ts'
import { Watchers } from './watchers.ts'

/** Who the node is and how it behaves. Complete: nothing is defaulted inside. */
export interface TablesOptions {
  /** This node's, as its membership has it. */
  readonly name: string
  readonly profile: GossipProfile
  /** What a user message in a datagram may hold, in bytes, after all that is put around it. */
  readonly payloadBytesMax: number
  /** Where the ring begins: tried again when none of them is in sight (docker-wire §3.8). */
  readonly bootstrap: readonly SocketAddress[]
}

/** What tables draw on. */
export interface TablesEnvironment {
  readonly random: Random
  /** The membership below; used only once `delegate.begin` was called. */
  readonly lines: MembershipLines
}

/** Everything that a node's tables are made of. */
export interface TablesParts {
  readonly context: TablesContext
  readonly nodes: Nodes
  readonly attachments: Attachments
  readonly rows: Rows
  readonly gossip: TableGossip
  readonly bulk: BulkSync
  readonly foreign: ForeignSync
  readonly reconnect: Reconnect
  readonly reaper: Reaper
  readonly memberSource: MemberSource
  readonly digestLines: DigestLines
  readonly reconciler: Reconciler
  /** Attached networks that have not been caught up with: nobody was there to ask. */
  readonly behind: Set<LocalNetwork>
}

/** Make the parts and tell them of each other. */
export function createParts(
  now: Instant,
  options: TablesOptions,
  environment: TablesEnvironment,
): TablesParts {
  const context = createContext(now, options, environment)
  const behind = new Set<LocalNetwork>()
  const nodes: Nodes = new Nodes(context, {
    nodeActivated: (at, node) => activated(at, node),
    nodeFailed: (at, node) => failed(at, node),
    nodeLeft: (at, node) => left(at, node),
    nodeForgotten: (at, node) => memberSource.forget(at, node.name),
  })
  const attachments: Attachments = new Attachments(context, nodes, {
    peerAttached: (at, network, node) => {
      rows.restore(at, network, node)
      replayHeld(at, node.name)
      gossip.arm(at, network)
    },
    peerSuspended: (at, network, node) => rows.suspend(at, network, node),
    peerDetached: (at, network, node, road) => {
      rows.drop(at, network, { owner: node.name, road })
    },
  })
  const rows: Rows = new Rows(context, () => ({ nodes, attachments, gossip }))
  const bulk: BulkSync = new BulkSync(context, { nodes, attachments, rows })
  const foreign = new ForeignSync(context, { nodes, attachments, bulk })
  const gossip: TableGossip = new TableGossip(context, (at, network, own) => {
    foreign.tell(at, network, own)
  })
  const memberSource = new MemberSource(context)
  const attachmentSource = new AttachmentSource(context, attachments)
  const digestLines = new DigestLines(context, {
    nodes,
    attachments,
    rows,
    memberSource,
    attachmentSource,
  })
  const { profile, name, payloadBytesMax } = context
  const { digestIntervalMs, digestPeers } = profile
  const reconciler = new Reconciler(
    now,
    {
      name,
      digestIntervalMs,
      digestPeers,
      messageBytesMax: payloadBytesMax,
      random: context.random.fork('digest'),
    },
    digestLines,
  )
  const reconnect = new Reconnect(context, { nodes, bulk, bootstrap: options.bootstrap })
  const reaper = new Reaper(context, { nodes, attachments })

  /** What waited for this node may be said now. Held events may wait again for something else. */
  function replayHeld(at: Instant, owner: string): void {
    const held = context.held.take(owner)
    for (const { event, road } of held) {
      if (event.kind === 'network') attachments.receive(at, event, road)
    }
    for (const { event, road } of held) if (event.kind === 'table') rows.receive(at, event, road)
  }

  function activated(at: Instant, node: NodeRecord): void {
    attachments.nodeActivated(at, node)
    replayHeld(at, node.name)
    if (!node.isWeft) foreign.arm(at)
  }

  function failed(at: Instant, node: NodeRecord): void {
    attachments.nodeFailed(at, node)
    bulk.forget(at, node)
    reconnect.arm(at)
  }

  function left(at: Instant, node: NodeRecord): void {
    attachments.nodeLeft(at, node)
    bulk.forget(at, node)
  }

  return {
    context,
    nodes,
    attachments,
    rows,
    gossip,
    bulk,
    foreign,
    reconnect,
    reaper,
    memberSource,
    digestLines,
    reconciler,
    behind,
  }
}

function createContext(
  now: Instant,
  { name, profile, payloadBytesMax }: TablesOptions,
  { random, lines }: TablesEnvironment,
): TablesContext {
  return {
    name,
    startedAt: now,
    profile,
    payloadBytesMax,
    random,
    lines,
    networkClock: new LamportClock(),
    tableClock: new LamportClock(),
    held: new HeldEvents(),
    watchers: new Watchers(),
    counts: new TablesCounts(),
    events: new EventQueue(profile, () => lines.roster.activeCount),
  }
}
