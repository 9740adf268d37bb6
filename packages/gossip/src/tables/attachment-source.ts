/** The attachments of all active nodes as a set to be compared. */
import type { Instant } from '@weft/core'
import { decodeNetworkDb } from '../networkdb/decode.ts'
import { encodeNetworkDb } from '../networkdb/encode.ts'
import type { NetworkEntry } from '../networkdb/messages.ts'
import type { DigestIndex } from '../reconcile/digest-index.ts'
import type { DigestSource } from '../reconcile/digest-source.ts'
import type { DigestItem, DigestSums } from '../reconcile/digest-sums.ts'
import type { ItemHash } from '../reconcile/item-hash.ts'
import { entryOf, eventOf, type Attachment } from './attachment.ts'
import type { Road } from './table.ts'
import type { TablesContext } from './tables-context.ts'

/** Takes in what is told of any node, ourselves included. */
export type ReceiveAttachment = (now: Instant, told: NetworkEntry, road: Road) => void

/** Who is attached to what: rows are taken from nobody of whom this is not known (P2). */
export class AttachmentSource implements DigestSource {
  readonly id = 'a'
  readonly #context: TablesContext
  readonly #index: DigestIndex<Attachment>
  readonly #receive: ReceiveAttachment

  constructor(
    context: TablesContext,
    parts: { readonly index: DigestIndex<Attachment>; readonly receive: ReceiveAttachment },
  ) {
    this.#context = context
    this.#index = parts.index
    this.#receive = parts.receive
  }

  get sums(): DigestSums {
    return this.#index.sums
  }

  itemsOf(bucket: number): Iterable<DigestItem> {
    return this.#index.inBucket(bucket)
  }

  tell(_now: Instant, hashes: readonly ItemHash[]): readonly Uint8Array[] {
    const messages: Uint8Array[] = []
    for (const hash of hashes) {
      const item = this.#index.get(hash)
      if (item !== null) messages.push(encodeNetworkDb(eventOf(item)))
    }
    return messages
  }

  apply(now: Instant, message: Uint8Array): void {
    const { counts } = this.#context
    const event = decodeNetworkDb(message, (fault) => counts.fault(fault))
    if (typeof event === 'string') counts.fault(event)
    else if (event.kind === 'network') this.#receive(now, entryOf(event), 'digest')
    else counts.fault('bad-type')
  }
}
