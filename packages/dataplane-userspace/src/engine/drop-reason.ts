/** Why a switch does not forward. */

/** `frame-` names frames, `datagram-` what arrives on the underlay and is no frame of ours. */
export const DROP_REASONS = [
  /** Not Ethernet, or IP that is wrong where it has to be read. */
  'frame-malformed',
  /** More than the network's MTU. */
  'frame-too-long',
  /** Something is left to be done about it that makes no sense: see PacketView. */
  'frame-bad-offload',
  /** Nobody has the MAC here, and no entry names a peer. */
  'frame-unknown-destination',
  /** For the gateway, which answers echo requests and routes, and nothing else. */
  'frame-for-gateway',
  /** For another subnet, where nobody has the address, or for no subnet. */
  'frame-unroutable',
  /** Routed once too often: no time to live is left. */
  'frame-expired',
  /** For oneself. */
  'frame-for-sender',
  /** From a port that is in no subnet. */
  'frame-unplugged',
  /** In a network whose frames are to be sealed, and they cannot be: never sent in clear. */
  'frame-not-sealed',
  /** Every sequence number under the key that seals is used. */
  'frame-sequence-exhausted',
  /** From an address that is no peer's. */
  'datagram-unknown-peer',
  /** Not VXLAN. */
  'datagram-short',
  'datagram-bad-flags',
  /** No subnet has this VNI here. */
  'datagram-unknown-vni',
  /** In clear, for a subnet whose datagrams are sealed. */
  'datagram-not-sealed',
  /** Sealed, for a subnet whose datagrams are in clear. */
  'datagram-not-clear',
  /** No association with the sender has this SPI: it has a key that we lack. */
  'datagram-unknown-spi',
  /** Received before; too old to know whether it was. */
  'datagram-replayed',
  'datagram-late',
  /** The tag does not hold: forged, damaged, under another key or in another suite. */
  'datagram-bad-icv',
  /** Authentic, but its padding or its protocol is none that a sender may write. */
  'datagram-bad-padding',
  'datagram-bad-protocol',
  /** Authentic, and to be dropped: cover traffic (RFC 4303 §2.6). */
  'datagram-dummy',
  /** Authentic, but no UDP datagram for our tunnel's port. */
  'datagram-wrong-port',
] as const

/** Why a frame or datagram was not forwarded. */
export type DropReason = (typeof DROP_REASONS)[number]
