/** What can go wrong in a lab, apart from what the kernel refuses (@weft/linux says that). */
import { defineErrors } from '@weft/core'

/** Errors of building and using a lab. */
export type LabErrors = {
  /** This machine cannot run the tier; `missing` says what it lacks, one fact an entry. */
  ERR_TIER_UNAVAILABLE: { readonly tier: string; readonly missing: readonly string[] }
  /** Something did not become true in time; `last` is why it was not when last looked at. */
  ERR_NOT_EVENTUALLY: {
    readonly what: string
    readonly withinMs: number
    readonly attempts: number
    readonly last: string
  }
  /** The lab was asked for something that it cannot be or do. */
  ERR_LAB_REQUEST: { readonly problem: string; readonly expected: string }
  /** The process that owns a dataplane is gone, and with it the answer to this call. */
  ERR_PROCESS_GONE: { readonly operation: string; readonly ending: string }
  /** A program on a machine of the lab did not end with 0. */
  ERR_COMMAND: {
    readonly machine: string
    readonly command: string
    /** Null: a signal ended it, or it took too long. */
    readonly code: number | null
    readonly stderr: string
    readonly stdout: string
  }
  /** A TCP transfer between containers broke off or delivered other bytes than were sent. */
  ERR_TRANSFER: { readonly from: string; readonly to: string; readonly problem: string }
}

/** Makes the lab's errors. */
export const labError = defineErrors<LabErrors>()
