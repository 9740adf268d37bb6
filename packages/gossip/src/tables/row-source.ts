/** The rows of one network as a set to be compared. */
import type { Instant } from '@weft/core'
import { decodeNetworkDb } from '../networkdb/decode.ts'
import { encodeTableEvent } from '../networkdb/encode.ts'
import type { DigestSource } from '../reconcile/digest-source.ts'
import type { DigestItem, DigestSums } from '../reconcile/digest-sums.ts'
import type { ItemHash } from '../reconcile/item-hash.ts'
import type { LocalNetwork } from './local-network.ts'
import type { Rows } from './rows.ts'
import type { TablesContext } from './tables-context.ts'

/** What a set's id begins with; the network's id follows. */
export const ROWS_SET_PREFIX = 'r:'

/** The rows of owners that are there; suspended ones and tombstones are told, not summed. */
export class RowSource implements DigestSource {
  readonly id: string
  readonly #context: TablesContext
  readonly #network: LocalNetwork
  readonly #rows: Rows

  constructor(context: TablesContext, network: LocalNetwork, rows: Rows) {
    this.id = ROWS_SET_PREFIX + network.id
    this.#context = context
    this.#network = network
    this.#rows = rows
  }

  get sums(): DigestSums {
    return this.#network.rows.index.sums
  }

  itemsOf(bucket: number): Iterable<DigestItem> {
    return this.#network.rows.index.inBucket(bucket)
  }

  tell(now: Instant, hashes: readonly ItemHash[]): readonly Uint8Array[] {
    const messages: Uint8Array[] = []
    for (const hash of hashes) {
      const stored = this.#network.rows.index.get(hash)
      const event = stored === null ? null : this.#rows.eventOf(now, stored)
      if (event !== null) messages.push(encodeTableEvent(event))
    }
    return messages
  }

  apply(now: Instant, message: Uint8Array): void {
    const { counts } = this.#context
    const event = decodeNetworkDb(message, (fault) => counts.fault(fault))
    if (typeof event === 'string') counts.fault(event)
    else if (event.kind === 'table' && event.networkId === this.#network.id) {
      this.#rows.receive(now, event, 'digest')
    } else counts.fault('bad-type')
  }
}
