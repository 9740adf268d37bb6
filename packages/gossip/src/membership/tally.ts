/** What a membership core counts. */
import type { FaultCounts, GossipFault } from '../memberlist/faults.ts'

/** Counters of a node, all since its start. */
export interface MembershipCounters {
  readonly packetsReceived: number
  readonly packetsSent: number
  readonly packetBytesReceived: number
  readonly packetBytesSent: number
  readonly streamBytesReceived: number
  readonly streamBytesSent: number
  readonly faults: FaultCounts
  /** Messages thrown away: stale, about unknown nodes, or for others. */
  readonly ignored: number
  readonly probesFailed: number
  readonly suspected: number
  readonly declaredDead: number
  readonly refuted: number
  /** Stalls of this process that were noticed (`stallMs`). */
  readonly stalls: number
}

/** Counters, as they grow. */
export class Tally {
  readonly faults: Partial<Record<GossipFault, number>> = {}
  packets = 0
  packetBytes = 0
  streamBytesReceived = 0
  streamBytesSent = 0
  ignored = 0
  probesFailed = 0
  suspected = 0
  declaredDead = 0
  refuted = 0

  /** Something was refused. */
  fault(fault: GossipFault): void {
    this.faults[fault] = (this.faults[fault] ?? 0) + 1
  }
}
