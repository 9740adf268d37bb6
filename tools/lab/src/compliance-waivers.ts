/** Which promise which pair of backends does not keep, and why: the case must fail there. */
import type { Waivers } from '@weft/dataplane/compliance'

/** Where the first host has the kernel dataplane, and the second the userspace one. */
export const KERNEL_BESIDE_USERSPACE: Waivers = {
  'adopt/crash-keeps-forwarding':
    'the case crashes the second node too, and a userspace switch ends with its process',
}
