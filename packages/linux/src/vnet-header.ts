/** What stands before each frame of a TAP, in both directions. */

/** Bytes of `struct virtio_net_hdr` (linux/virtio_net.h). */
export const VNET_HEADER_BYTES = 10
