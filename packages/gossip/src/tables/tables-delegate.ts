/** The tables' side towards the membership below and the node around them. */
import type { Instant } from '@weft/core'
import type { MembershipDelegate } from '../membership/membership-delegate.ts'
import type { Member } from '../membership/member.ts'
import type { NetworkEntry } from '../networkdb/messages.ts'

/** What a membership calls, and what a node does with its tables at start and end. */
export interface TablesDelegate extends MembershipDelegate {
  /** Begin with what is known from before: members as they are, attachments as they were. */
  begin(
    now: Instant,
    known: {
      readonly members: Iterable<Member>
      readonly self: Member
      readonly attachments: Iterable<NetworkEntry>
    },
  ): void
  /** Tell everybody that this node leaves the cluster. */
  announceLeave(now: Instant): void
  /** True once that was told as often as it is to be, or nobody is there. */
  hasAnnouncedLeave(): boolean
  /** All attachments that are known, for `begin` after a restart. */
  attachments(): readonly NetworkEntry[]
}
