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
  /** From an address that is no peer's. */
  'datagram-unknown-peer',
  /** Not VXLAN. */
  'datagram-short',
  'datagram-bad-flags',
  /** No subnet has this VNI here. */
  'datagram-unknown-vni',
  /** In clear, for a subnet whose datagrams are sealed. */
  'datagram-not-sealed',
] as const

/** Why a frame or datagram was not forwarded. */
export type DropReason = (typeof DROP_REASONS)[number]
