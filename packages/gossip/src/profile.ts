/** The timing of a gossip ring: complete profiles, to be overridden field by field. */

/** Failure detection and dissemination of membership (docker-wire §2.8, §2.9). */
export interface MembershipProfile {
  readonly probeIntervalMs: number
  readonly probeTimeoutMs: number
  /** Relays asked when a ping goes unanswered. */
  readonly indirectChecks: number
  /** Also try a ping over a stream, which firewalls and small MTUs may let through. */
  readonly streamPings: boolean
  readonly suspicionMult: number
  /**
   * Members whose word brings a suspicion down to its shortest time; memberlist has suspicionMult
   * less 2. Rings that cannot have so many do without.
   */
  readonly suspicionConfirmations: number
  /** The suspicion timeout without confirmations, over the one with all of them. 1: it is fixed. */
  readonly suspicionTimeoutMultMax: number
  /** Scores above 0 slow the prober down (Lifeguard). 1: there is no score. */
  readonly awarenessMultMax: number
  /** Tell a suspect that it is one with the ping itself, so that it can refute (Lifeguard). */
  readonly tellSuspects: boolean
  /**
   * Timers that expired while the whole process stood still for longer than this start anew, and
   * what waits in the sockets is heard first. 0: off, as in memberlist.
   */
  readonly stallMs: number
  readonly retransmitMult: number
  readonly gossipIntervalMs: number
  readonly gossipNodes: number
  /** How long the dead are still told that they are. */
  readonly gossipToTheDeadMs: number
  readonly pushPullIntervalMs: number
  /** A dead node's name may be taken from another address after this long. 0: never. */
  readonly deadNodeReclaimMs: number
  readonly streamTimeoutMs: number
  /** What fits a packet, wrappers included, in bytes of UDP payload; PACKET_BYTES_MIN or more. */
  readonly packetBytesMax: number
  readonly compress: boolean
  /** Send new things after `eagerMs` instead of at the next gossip tick. 0: wait for the tick. */
  readonly eagerMs: number
}

/** Replication of tables (docker-wire §3.8). */
export interface TablesProfile {
  readonly tableGossipIntervalMs: number
  readonly tableGossipNodes: number
  readonly tableRetransmitMult: number
  /** Packets a network may send to each chosen peer at one tick; Docker has 1. */
  readonly tableGossipPacketsMax: number
  readonly tableEagerMs: number
  readonly bulkSyncIntervalMs: number
  readonly bulkSyncPeers: number
  readonly reapIntervalMs: number
  /** How long a deleted row is remembered. */
  readonly tombstoneMs: number
  /** How long a left network attachment is remembered. */
  readonly leaveMemoryMs: number
  readonly reconnectIntervalMs: number
  readonly deadNodeForgetMs: number
  /** How often it is looked whether a node that the ring begins with is there, to join it again. */
  readonly rejoinIntervalMs: number
  /**
   * Compare digests with this many peers at this interval (docs/decisions, anti-entropy). 0: off,
   * as in Docker.
   */
  readonly digestIntervalMs: number
  readonly digestPeers: number
  /**
   * Peers that know no digests (dockerd) are asked for everything at this interval at most, longer
   * in proportion when there is much. 0: off.
   */
  readonly foreignSyncIntervalMs: number
}

/** Everything there is to time. */
export interface GossipProfile extends MembershipProfile, TablesProfile {}

const PACKET_BYTES = 1400

/** Exactly what Docker passes to memberlist and what NetworkDB does (docker-wire §2.8, §3.8). */
export function dockerProfile(): GossipProfile {
  return {
    probeIntervalMs: 1000,
    probeTimeoutMs: 500,
    indirectChecks: 3,
    streamPings: true,
    suspicionMult: 4,
    suspicionConfirmations: 2,
    suspicionTimeoutMultMax: 6,
    awarenessMultMax: 8,
    tellSuspects: true,
    stallMs: 0,
    retransmitMult: 4,
    gossipIntervalMs: 200,
    gossipNodes: 3,
    gossipToTheDeadMs: 30_000,
    pushPullIntervalMs: 30_000,
    deadNodeReclaimMs: 0,
    streamTimeoutMs: 10_000,
    packetBytesMax: PACKET_BYTES,
    compress: true,
    eagerMs: 0,
    tableGossipIntervalMs: 200,
    tableGossipNodes: 3,
    tableRetransmitMult: 4,
    tableGossipPacketsMax: 1,
    tableEagerMs: 0,
    bulkSyncIntervalMs: 30_000,
    bulkSyncPeers: 1,
    reapIntervalMs: 5000,
    tombstoneMs: 1_800_000,
    leaveMemoryMs: 1_825_000,
    reconnectIntervalMs: 1000,
    deadNodeForgetMs: 86_400_000,
    rejoinIntervalMs: 60_000,
    digestIntervalMs: 0,
    digestPeers: 0,
    foreignSyncIntervalMs: 0,
  }
}

/** Ours, for hosts a few milliseconds apart. */
export function lanProfile(): GossipProfile {
  return {
    ...dockerProfile(),
    suspicionMult: 3,
    stallMs: 250,
    gossipIntervalMs: 100,
    eagerMs: 10,
    tableGossipIntervalMs: 100,
    tableGossipPacketsMax: 4,
    tableEagerMs: 10,
    // A manager that restarts alone knows nobody, and engines look for it once a minute.
    rejoinIntervalMs: 3000,
    digestIntervalMs: 1000,
    digestPeers: 2,
    foreignSyncIntervalMs: 4000,
  }
}

/** Ours, for hosts tens or hundreds of milliseconds apart. */
export function wanProfile(): GossipProfile {
  return {
    ...lanProfile(),
    probeIntervalMs: 5000,
    probeTimeoutMs: 3000,
    suspicionMult: 6,
    suspicionConfirmations: 4,
    gossipIntervalMs: 500,
    gossipNodes: 4,
    gossipToTheDeadMs: 60_000,
    pushPullIntervalMs: 60_000,
    streamTimeoutMs: 30_000,
    eagerMs: 50,
    tableGossipIntervalMs: 500,
    tableGossipNodes: 4,
    tableEagerMs: 50,
  }
}
