/** A member of the ring as digests speak of it. */
import type { Member } from '../membership/member.ts'
import type { DigestItem } from '../reconcile/digest-sums.ts'
import { itemHash, type ItemHash } from '../reconcile/item-hash.ts'

/** Changed by MemberSource only, but for `member`, a view that changes as membership hears news. */
export class MemberItem implements DigestItem {
  readonly high: number
  readonly low: number
  /** As membership told of it last. */
  member: Member
  /** As of when note was taken of it last. */
  version: number

  constructor(member: Member) {
    const { high, low } = memberHash(member.name)
    this.high = high
    this.low = low
    this.member = member
    this.version = versionOf(member)
  }

  get name(): string {
    return this.member.name
  }

  /** The dead have odd versions. */
  get isLive(): boolean {
    return this.version % 2 === 0
  }
}

/**
 * A death outranks a life of the same incarnation and loses to the next, as in memberlist: so the
 * version is twice the incarnation, and one more for the dead. A suspect is alive until it is not.
 */
export function versionOf({ incarnation, state }: Member): number {
  const isLive = state === 'alive' || state === 'suspect'
  return 2 * incarnation + (isLive ? 0 : 1)
}

/** What identifies a member in a digest. */
export function memberHash(name: string): ItemHash {
  return itemHash(name, '', '')
}
