/** The members of the ring as a set to be compared: who is there, as of which incarnation. */
import { ipBytes, type Instant } from '@weft/core'
import {
  decodePacketMessage,
  encodePacketMessage,
} from '../memberlist/packet-messages.ts'
import type { Alive, Dead, PushPullNode } from '../memberlist/messages.ts'
import type { Member } from '../membership/member.ts'
import { DigestIndex } from '../reconcile/digest-index.ts'
import type { DigestSource } from '../reconcile/digest-source.ts'
import type { DigestItem, DigestSums } from '../reconcile/digest-sums.ts'
import type { ItemHash } from '../reconcile/item-hash.ts'
import { versionOf, type MemberItem } from './member-item.ts'
import type { TablesContext } from './tables-context.ts'

/** All members that the tables know, ourselves included. */
export class MemberSource implements DigestSource {
  readonly id = 'm'
  readonly #context: TablesContext
  readonly #index = new DigestIndex<MemberItem>()

  constructor(context: TablesContext) {
    this.#context = context
  }

  get sums(): DigestSums {
    return this.#index.sums
  }

  /** Take note of what membership holds of a member, newly or by now. */
  note(now: Instant, item: MemberItem): void {
    this.#index.delete(now, item)
    item.version = versionOf(item.member)
    this.#index.put(now, item)
  }

  /** Nothing is known of it any more. */
  forget(now: Instant, item: MemberItem): void {
    this.#index.delete(now, item)
  }

  itemsOf(bucket: number): Iterable<DigestItem> {
    return this.#index.inBucket(bucket)
  }

  tell(_now: Instant, hashes: readonly ItemHash[]): readonly Uint8Array[] {
    const messages: Uint8Array[] = []
    for (const hash of hashes) {
      const item = this.#index.get(hash)
      if (item !== null) messages.push(encodePacketMessage(messageOf(item, this.#context.name)))
    }
    return messages
  }

  /** By the rules of a push/pull: whoever is called dead may say that it is not. */
  apply(now: Instant, message: Uint8Array): void {
    const told = decodePacketMessage(message, 0, message.length)
    if (typeof told === 'string') {
      this.#context.counts.fault(told)
      return
    }
    const { roster } = this.#context.lines
    if (told.kind === 'alive') {
      const { node, kind: _, ...rest } = told
      roster.merge(now, [{ ...rest, name: node, state: 'alive' }])
    } else if (told.kind === 'dead') {
      const known = roster.get(told.node)
      if (known !== null) roster.merge(now, [goneNode(told, known)])
    } else {
      this.#context.counts.fault('bad-type')
    }
  }
}

function messageOf({ member, isLive }: MemberItem, teller: string): Alive | Dead {
  const { name, incarnation, address, meta, vsn, state } = member
  if (!isLive) {
    return { kind: 'dead', incarnation, node: name, from: state === 'left' ? name : teller }
  }
  const { ip, port } = address
  return { kind: 'alive', incarnation, node: name, addr: ipBytes(ip), port, meta, vsn }
}

function goneNode(told: Dead, { address, meta, vsn }: Member): PushPullNode {
  return {
    name: told.node,
    addr: ipBytes(address.ip),
    port: address.port,
    meta,
    vsn,
    incarnation: told.incarnation,
    state: told.from === told.node ? 'left' : 'dead',
  }
}
