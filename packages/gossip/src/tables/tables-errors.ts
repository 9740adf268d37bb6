/** What can go wrong with an operation on tables. */
import { defineErrors, type ErrorFactory } from '@weft/core'

/** Errors of tables; each names the row. */
export type TablesErrors = {
  /** This node is not attached to the network: attach first, then write. */
  ERR_NOT_ATTACHED: { readonly networkId: string }
  /** An event of this row would not fit a datagram, and gossip goes by datagram. */
  ERR_ROW_TOO_LARGE: {
    readonly networkId: string
    readonly table: string
    readonly key: string
    readonly bytes: number
    readonly bytesMax: number
  }
  /** The row is another node's. */
  ERR_NOT_OWNER: {
    readonly networkId: string
    readonly table: string
    readonly key: string
    readonly owner: string
  }
  /** There is no such row to be removed. */
  ERR_NO_SUCH_ROW: { readonly networkId: string; readonly table: string; readonly key: string }
  /** A name is empty, or longer than peers accept. */
  ERR_NAME_LENGTH: { readonly field: string; readonly bytes: number; readonly bytesMax: number }
}

/** Makes the errors of tables. */
export const tablesError: ErrorFactory<TablesErrors> = defineErrors<TablesErrors>()
