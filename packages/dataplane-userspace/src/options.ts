/** What a userspace dataplane is told when it is opened: a complete value from one function. */
import { hostOptions, type GivenOptions, type HostOptions } from '@weft/dataplane'

/** Options of the userspace backend. Complete: nothing is filled in later. */
export type UserspaceOptions = HostOptions

/** Options for a host; see `hostOptions` for what is usual, and for what it throws. */
export function userspaceOptions(given: GivenOptions<UserspaceOptions>): UserspaceOptions {
  return hostOptions(given, {})
}
