/** What an agent is made from: who the node is, and everything that is not computation. */
import type { Aead, Clock, Entropy, Files, Ip, Logger, Random, Streams, Underlay } from '@weft/core'
import type { Dataplane } from '@weft/dataplane'
import type { GossipProfile } from '@weft/gossip'
import type { Certificates, ManagerDialer, NodeIdentity } from '@weft/swarm'
import type { NamespaceHolder } from './attachments/attachment.ts'

/** What a node tells its managers of itself (`docker node inspect`). */
export interface NodeFacts {
  readonly hostname: string
  /** As `uname -m` says. */
  readonly architecture: string
  readonly os: string
  /** 1,000,000,000 for each core. */
  readonly nanoCpus: number
  readonly memoryBytes: number
  readonly engineVersion: string
  readonly labels: Readonly<Record<string, string>>
}

/** Where a node is on the underlay; may change while it runs (P25). */
export interface NodeAddresses {
  /** What gossip is bound to; a wildcard is fine. */
  readonly bindIp: Ip
  /** Where others reach gossip. */
  readonly advertiseIp: Ip
  /** Our VTEP's address: what peers send tunnelled frames to. */
  readonly dataPathIp: Ip
}

/** Who a node is and how it behaves. Complete: nothing is defaulted inside. */
export interface AgentOptions extends NodeAddresses {
  readonly identity: NodeIdentity
  /** `host:port` of managers to begin with; what a manager says replaces them. */
  readonly managers: readonly string[]
  readonly facts: NodeFacts
  /** Docker's is 7946 and cannot be another among engines (docker-wire §1.2). */
  readonly gossipPort: number
  readonly profile: GossipProfile
  readonly tunables: AgentTunables
}

/** Everything that an agent waits for, in ms. */
export interface AgentTunables {
  /** The first message of a session must have come (docker-wire §7.6). */
  readonly sessionMsMax: number
  /** Other calls to a manager must have been answered. */
  readonly callMsMax: number
  readonly backoffMsMin: number
  readonly backoffMsMax: number
  /** An attach must be over: Docker's command waits for so long (docker-wire §1.5). */
  readonly attachMsMax: number
  /** Failed items of the dataplane are tried again after this long, doubled up to the maximum. */
  readonly repairMsMin: number
  readonly repairMsMax: number
  /** What gossip knows is written down this often at most. */
  readonly snapshotIntervalMs: number
  /** How often certificate and clock are looked at. */
  readonly certificateCheckMs: number
}

/** Docker's timing where Docker has one. */
export function defaultTunables(): AgentTunables {
  return {
    sessionMsMax: 5000,
    callMsMax: 5000,
    backoffMsMin: 100,
    backoffMsMax: 8000,
    attachMsMax: 20_000,
    repairMsMin: 250,
    repairMsMax: 30_000,
    snapshotIntervalMs: 1000,
    certificateCheckMs: 60_000,
  }
}

/** Everything that is not computation. */
export interface AgentPorts {
  readonly dialer: ManagerDialer
  readonly certificates: Certificates
  /** Open already; the agent closes it. */
  readonly dataplane: Dataplane
  /** A directory of the agent's own. */
  readonly files: Files
  readonly clock: Clock
  readonly random: Random
  readonly entropy: Entropy
  readonly underlay: Underlay
  readonly streams: Streams
  readonly aead: Aead
  readonly log: Logger
  /**
   * The process that a path in /proc means: its number may come to be another's. Null for other
   * paths, and when there is none. Never rejects.
   */
  readonly holderOf: (path: string) => Promise<NamespaceHolder | null>
  /** A renewed identity is written down by this before it is used. */
  readonly saveIdentity: (identity: NodeIdentity) => Promise<void>
}
