/** Errors of opening a gossip node and of joining others. */
import { defineErrors, type ErrorFactory } from '@weft/core'

/** Errors of opening and joining. */
export type OpenGossipErrors = {
  /** Nobody answered; `reasons` says why, by address. */
  ERR_JOIN_FAILED: { readonly reasons: Readonly<Record<string, string>> }
  /** Others cannot reach a wildcard address: say which one they can. */
  ERR_ADVERTISE_WILDCARD: { readonly bind: string }
}

/** Makes the errors of opening and joining. */
export const openGossipError: ErrorFactory<OpenGossipErrors> = defineErrors<OpenGossipErrors>()
