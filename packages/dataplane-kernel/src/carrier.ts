/** Making a device pass packets at once after its carrier came. */
import type { Kernel } from '@weft/linux'

/**
 * A device whose carrier just came sends nothing, and its bridge forwards nothing to it, until the
 * kernel's link watch gets round to it, which may take a second. Asking for one device makes it
 * look at once (Linux 6.8, rtnl_getlink); elsewhere the question does no harm.
 */
export function settleCarrier(kernel: Kernel, linkIndex: number): void {
  kernel.links.get(linkIndex)
}
