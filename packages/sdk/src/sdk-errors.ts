/** Why a node cannot be opened: what only whoever composes one can find. */
import { defineErrors } from '@weft/core'

/** Errors of opening a node. */
export type SdkErrors = {
  /** A file of the state directory does not read; it was left as it is. `remedy` is what to do. */
  ERR_STATE_CORRUPT: { readonly file: string; readonly problem: string; readonly remedy: string }
  /** The dataplane cannot work on this machine. */
  ERR_DATAPLANE_UNUSABLE: { readonly backend: string; readonly reason: string }
  /** The node was closed. */
  ERR_NODE_CLOSED: { readonly operation: string }
}

/** Makes errors of opening a node. */
export const sdkError = defineErrors<SdkErrors>()
