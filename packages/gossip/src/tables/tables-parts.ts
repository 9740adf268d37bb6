/** The parts of a node's tables, put together. */
import type { Instant, Random, SocketAddress } from '@weft/core'
import type { GossipProfile } from '../profile.ts'
import { DigestIndex } from '../reconcile/digest-index.ts'
import { Reconciler } from '../reconcile/reconciler.ts'
import { AttachmentSource, type ReceiveAttachment } from './attachment-source.ts'
import { entryOf, type Attachment } from './attachment.ts'
import { Attachments } from './attachments.ts'
import { BulkSync } from './bulk-sync.ts'
import { DigestLines } from './digest-lines.ts'
import { EventQueue } from './event-queue.ts'
import { ForeignSync } from './foreign-sync.ts'
import { HeldEvents } from './held-events.ts'
import { LamportClock } from './lamport-clock.ts'
import type { LocalNetwork } from './local-network.ts'
import { MemberSource } from './member-source.ts'
import { Networks } from './networks.ts'
import { Nodes } from './nodes.ts'
import { OwnAttachments } from './own-attachments.ts'
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
  readonly networks: Networks
  readonly own: OwnAttachments
  readonly attachments: Attachments
  /** Passes what is told to `own` or to `attachments`. */
  readonly receiveAttachment: ReceiveAttachment
  readonly rows: Rows
  readonly gossip: TableGossip
  readonly bulk: BulkSync
  readonly foreign: ForeignSync
  readonly reconnect: Reconnect
  readonly reaper: Reaper
  readonly memberSource: MemberSource
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
  const index = new DigestIndex<Attachment>()
  const networks = new Networks(context)
  // Parts that need each other find each other here, when they are first called.
  const parts = (): TablesParts => made
  const memberSource = new MemberSource(context)
  const nodes = createNodes(context, memberSource, parts)
  const own = new OwnAttachments(context, {
    networks,
    index,
    onDefended: (at, network) => parts().rows.restamp(at, network),
  })
  const attachments = createAttachments(context, parts, { nodes, networks, index })
  const receiveAttachment: ReceiveAttachment = (at, told, road) => {
    if (told.nodeName !== context.name) attachments.receive(at, told, road)
    else own.receive(at, told)
  }
  const rows = new Rows(context, parts)
  const bulk = new BulkSync(context, { nodes, networks, rows })
  const foreign = new ForeignSync(context, { nodes, attachments, own, bulk })
  const made: TablesParts = {
    context,
    nodes,
    networks,
    own,
    attachments,
    receiveAttachment,
    rows,
    bulk,
    foreign,
    memberSource,
    gossip: new TableGossip(context, (at, network, event) => foreign.tell(at, network, event)),
    reconnect: new Reconnect(context, { nodes, bulk, bootstrap: options.bootstrap }),
    reaper: new Reaper(context, { nodes, networks, attachments, own, rows }),
    reconciler: createReconciler(now, context, {
      nodes,
      networks,
      rows,
      memberSource,
      attachmentSource: new AttachmentSource(context, { index, receive: receiveAttachment }),
    }),
    behind: new Set(),
  }
  return made
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

function createNodes(
  context: TablesContext,
  memberSource: MemberSource,
  parts: () => TablesParts,
): Nodes {
  return new Nodes(context, memberSource, {
    nodeActivated(now, node) {
      parts().attachments.nodeActivated(now, node)
      replayHeld(now, parts(), node.name)
      if (!node.isWeft) parts().foreign.arm(now)
    },
    nodeFailed(now, node) {
      parts().attachments.nodeFailed(now, node)
      parts().bulk.forget(now, node)
      parts().reconnect.arm(now)
    },
    nodeLeft(now, node) {
      parts().attachments.nodeLeft(now, node)
      parts().bulk.forget(now, node)
    },
    weAreDefended: (now) => parts().own.announceAll(now),
  })
}

function createAttachments(
  context: TablesContext,
  parts: () => TablesParts,
  needed: { nodes: Nodes; networks: Networks; index: DigestIndex<Attachment> },
): Attachments {
  return new Attachments(context, {
    ...needed,
    listener: {
      peerAttached(now, network, node) {
        parts().rows.restore(now, network, node)
        replayHeld(now, parts(), node.name)
        parts().gossip.arm(now, network)
      },
      peerSuspended: (now, network, node) => parts().rows.suspend(now, network, node),
      peerDetached(now, { network, node, road }) {
        parts().rows.drop(now, network, { owner: node.name, road })
      },
    },
  })
}

/** What waited for this node may be said now; it may have to wait again, for something else. */
function replayHeld(now: Instant, parts: TablesParts, owner: string): void {
  const held = parts.context.held.take(owner)
  for (const { event, road } of held) {
    if (event.kind === 'network') parts.attachments.receive(now, entryOf(event), road)
  }
  for (const { event, road } of held) {
    if (event.kind === 'table') parts.rows.receive(now, event, road)
  }
}

function createReconciler(
  now: Instant,
  context: TablesContext,
  needed: ConstructorParameters<typeof DigestLines>[1],
): Reconciler {
  const { name, payloadBytesMax, random } = context
  const { digestIntervalMs, digestPeers } = context.profile
  const options = {
    name,
    digestIntervalMs,
    digestPeers,
    messageBytesMax: payloadBytesMax,
    random: random.fork('digest'),
  }
  return new Reconciler(now, options, new DigestLines(context, needed))
}
