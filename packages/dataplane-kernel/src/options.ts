/** What a kernel dataplane must be told when it is opened: a complete value from one function. */
import { hostOptions, type GivenOptions, type HostOptions } from '@weft/dataplane'

/** Options of the kernel backend. Complete: nothing is filled in later. */
export interface KernelOptions extends HostOptions {
  /** Where named network namespaces live; `ip netns` knows only `/run/netns`. */
  readonly namespaceDirectory: string
}

/** Options for a host; see `hostOptions` for what is usual, and for what it throws. */
export function kernelOptions(given: GivenOptions<KernelOptions>): KernelOptions {
  return hostOptions(given, { namespaceDirectory: '/run/netns' })
}
