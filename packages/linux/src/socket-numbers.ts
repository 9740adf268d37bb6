/** Numbers of the socket interface: asm-generic/socket.h, linux/netlink.h, linux/if_packet.h. */

/** Address families (linux/socket.h). */
export const AF = {
  UNSPEC: 0,
  UNIX: 1,
  INET: 2,
  BRIDGE: 7,
  INET6: 10,
  NETLINK: 16,
  PACKET: 17,
} as const

/** Socket types and the flags that may be added to them. */
export const SOCK = {
  STREAM: 1,
  DGRAM: 2,
  RAW: 3,
  NONBLOCK: 0o4000,
  CLOEXEC: 0o2000000,
} as const

/** Flags of send and receive. */
export const MSG = { TRUNC: 0x20, DONTWAIT: 0x40 } as const

/** Option levels. */
export const SOL = { SOCKET: 1, IP: 0, UDP: 17, IPV6: 41, PACKET: 263, NETLINK: 270 } as const

/** Options at level SOL_SOCKET. */
export const SO = {
  REUSEADDR: 2,
  ERROR: 4,
  BROADCAST: 6,
  SNDBUF: 7,
  RCVBUF: 8,
  REUSEPORT: 15,
  ATTACH_FILTER: 26,
  SNDBUFFORCE: 32,
  RCVBUFFORCE: 33,
  TIMESTAMPNS: 35,
} as const

/** Netlink families (linux/netlink.h). */
export const NETLINK = { ROUTE: 0, XFRM: 6, NETFILTER: 12, GENERIC: 16 } as const

/** Options at level SOL_NETLINK (linux/netlink.h). */
export const NETLINK_OPTION = {
  ADD_MEMBERSHIP: 1,
  CAP_ACK: 10,
  EXT_ACK: 11,
  GET_STRICT_CHK: 12,
} as const

/** Options at level SOL_PACKET and packet types (linux/if_packet.h). */
export const PACKET = {
  RX_RING: 5,
  STATISTICS: 6,
  AUXDATA: 8,
  VERSION: 10,
  IGNORE_OUTGOING: 23,
  OUTGOING: 4,
} as const

/** Flags of open (asm-generic/fcntl.h). */
export const O = {
  RDONLY: 0,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  NONBLOCK: 0o4000,
  CLOEXEC: 0o2000000,
} as const

/** Events of poll (asm-generic/poll.h). */
export const POLL = { IN: 1, OUT: 4, ERR: 8, HUP: 16, NVAL: 32 } as const

/** Flags of eventfd. */
export const EFD = { NONBLOCK: 0o4000, CLOEXEC: 0o2000000 } as const

/** Options at level SOL_UDP, and the types of their control messages (linux/udp.h). */
export const UDP = { SEGMENT: 103, GRO: 104 } as const
