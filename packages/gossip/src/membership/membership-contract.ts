/** DRAFT: the names of the membership's door, for those who still import them from here. */
export type { GossipPorts, MembershipOptions } from './membership-options.ts'
export type { MembershipDelegate } from './membership-delegate.ts'
export type { MembershipCounters } from './tally.ts'
export type { StreamInputs } from './stream-inputs.ts'
export type { Roster } from './roster.ts'
export type { Membership } from './membership.ts'
