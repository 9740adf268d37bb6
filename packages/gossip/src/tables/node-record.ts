/** A node as the tables know it: NetworkDB's active, failed and left lists (docker-wire §3.5). */
import type { Instant } from '@weft/core'
import type { Member } from '../membership/member.ts'
import type { Attachment } from './attachment.ts'

/** `failed`: membership calls it dead; what it owns is suspended. `left`: it said goodbye. */
export type NodeStatus = 'active' | 'failed' | 'left'

/** One other node. Changed by Nodes only, but for its attachments, which Attachments keeps. */
export interface NodeRecord {
  readonly name: string
  /** As membership told of it last. */
  member: Member
  status: NodeStatus
  /** Lamport time of the newest node event heard; 0 when none was. */
  lTime: number
  /** Since when it is failed or left. */
  statusSince: Instant
  /** Its metadata says that it compares digests. */
  isWeft: boolean
  /** By network id; those that are leaving too. */
  readonly attachments: Map<string, Attachment>
}
