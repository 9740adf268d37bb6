/** The attachments of all active nodes as a set to be compared. */
import type { Instant } from '@weft/core'
import { decodeNetworkDb } from '../networkdb/decode.ts'
import { encodeNetworkDb } from '../networkdb/encode.ts'
import type { DigestSource } from '../reconcile/digest-source.ts'
import type { DigestItem, DigestSums } from '../reconcile/digest-sums.ts'
import type { ItemHash } from '../reconcile/item-hash.ts'
import type { Attachments } from './attachments.ts'
import type { TablesContext } from './tables-context.ts'

/** Who is attached to what: rows are taken from nobody of whom this is not known (P2). */
export class AttachmentSource implements DigestSource {
  readonly id = 'a'
  readonly #context: TablesContext
  readonly #attachments: Attachments

  constructor(context: TablesContext, attachments: Attachments) {
    this.#context = context
    this.#attachments = attachments
  }

  get sums(): DigestSums {
    return this.#attachments.index.sums
  }

  itemsOf(bucket: number): Iterable<DigestItem> {
    return this.#attachments.index.inBucket(bucket)
  }

  tell(_now: Instant, hashes: readonly ItemHash[]): readonly Uint8Array[] {
    const messages: Uint8Array[] = []
    for (const hash of hashes) {
      const item = this.#attachments.index.get(hash)
      if (item === null) continue
      const { networkId, nodeName, version, isLive } = item
      const type = isLive ? 'join' : 'leave'
      const event = { kind: 'network', type, lTime: version, nodeName, networkId } as const
      messages.push(encodeNetworkDb(event))
    }
    return messages
  }

  apply(now: Instant, message: Uint8Array): void {
    const { counts } = this.#context
    const event = decodeNetworkDb(message, (fault) => counts.fault(fault))
    if (typeof event === 'string') counts.fault(event)
    else if (event.kind === 'network') this.#attachments.receive(now, event, 'digest')
    else counts.fault('bad-type')
  }
}
