/** A node as the tables know it: NetworkDB's active, failed and left lists (docker-wire §3.5). */
import type { SocketAddress } from '@weft/core'
import type { Member } from '../membership/member.ts'
import type { Attachment } from './attachment.ts'
import { isWeftMeta } from './capability.ts'
import { MemberItem } from './member-item.ts'

/** `failed`: membership calls it dead; what it owns is suspended. `left`: it said goodbye. */
export type NodeStatus = 'active' | 'failed' | 'left'

/** Up to so many attachments are looked through; only those of nodes with more are in a map. */
const SCANNED_ATTACHMENTS = 8

/**
 * One other node. There is one for each node of the ring, so it is small: nearly all have but a few
 * attachments. Changed by Nodes only, but for its attachments, which Attachments keeps.
 */
export class NodeRecord extends MemberItem {
  status: NodeStatus = 'left'
  /** Lamport time of the newest node event heard; 0 when none was. */
  lTime = 0
  /** What Nodes finds it by. */
  address: SocketAddress
  /** Where it stands in the list of Nodes that it is on. */
  place = 0
  #attachments: readonly Attachment[] | Map<string, Attachment> = NONE

  constructor(member: Member) {
    super(member)
    this.address = member.address
  }

  /** Its metadata says that it compares digests. */
  get isWeft(): boolean {
    return isWeftMeta(this.member.meta)
  }

  /** Those that it is leaving too. */
  get attachments(): Iterable<Attachment> {
    return this.#attachments.values()
  }

  get attachmentCount(): number {
    return isList(this.#attachments) ? this.#attachments.length : this.#attachments.size
  }

  /** What is known of it on this network, or null. */
  attachmentTo(networkId: string): Attachment | null {
    const known = this.#attachments
    if (!isList(known)) return known.get(networkId) ?? null
    for (const attachment of known) if (attachment.networkId === networkId) return attachment
    return null
  }

  /** In the place of what was known of it on this network. */
  putAttachment(attachment: Attachment): void {
    if (!isList(this.#attachments)) {
      this.#attachments.set(attachment.networkId, attachment)
      return
    }
    const { networkId } = attachment
    const isNew = this.attachmentTo(networkId) === null
    const known = this.#attachments
    const others = isNew ? known : known.filter((one) => one.networkId !== networkId)
    const all = others.concat(attachment)
    this.#attachments =
      all.length <= SCANNED_ATTACHMENTS ? all : new Map(all.map((one) => [one.networkId, one]))
  }

  /** False when nothing is known of it on this network. */
  forgetAttachment(networkId: string): boolean {
    const known = this.#attachments
    if (!isList(known)) return known.delete(networkId)
    this.#attachments = known.filter((one) => one.networkId !== networkId)
    return this.#attachments.length < known.length
  }

  forgetAttachments(): void {
    this.#attachments = NONE
  }
}

const NONE: readonly Attachment[] = []

function isList(
  attachments: readonly Attachment[] | Map<string, Attachment>,
): attachments is readonly Attachment[] {
  return Array.isArray(attachments)
}
