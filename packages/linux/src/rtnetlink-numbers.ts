/** Numbers of rtnetlink: linux/rtnetlink.h, if_link.h, if_addr.h, neighbour.h, net_namespace.h. */

/** Message types (rtnetlink.h, enum after RTM_BASE). */
export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
  NEWNSID: 88,
  DELNSID: 89,
  GETNSID: 90,
} as const

/** Bytes of the fixed parts: ifinfomsg, ifaddrmsg, rtmsg, ndmsg, rtgenmsg. */
export const IFINFOMSG_BYTES = 16
export const IFADDRMSG_BYTES = 8
export const RTMSG_BYTES = 12
export const NDMSG_BYTES = 12
export const RTGENMSG_BYTES = 1

/** Link attributes (if_link.h). */
export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  TXQLEN: 13,
  OPERSTATE: 16,
  LINKINFO: 18,
  IFALIAS: 20,
  STATS64: 23,
  NET_NS_FD: 28,
  LINK_NETNSID: 37,
} as const

/** Attributes inside IFLA_LINKINFO. */
export const IFLA_INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4, SLAVE_DATA: 5 } as const

/** Flags of a link (linux/if.h). */
export const IFF = { UP: 0x1, RUNNING: 0x40, LOWER_UP: 0x10000 } as const

/** Peer of a veth: an ifinfomsg, then link attributes (veth.h). */
export const VETH_INFO_PEER = 1

/** VXLAN attributes (if_link.h). */
export const IFLA_VXLAN = {
  ID: 1,
  GROUP: 2,
  LINK: 3,
  LOCAL: 4,
  TTL: 5,
  TOS: 6,
  LEARNING: 7,
  AGEING: 8,
  LIMIT: 9,
  PORT_RANGE: 10,
  PROXY: 11,
  RSC: 12,
  L2MISS: 13,
  L3MISS: 14,
  PORT: 15,
  GROUP6: 16,
  LOCAL6: 17,
  UDP_CSUM: 18,
  UDP_ZERO_CSUM6_TX: 19,
  UDP_ZERO_CSUM6_RX: 20,
  GBP: 23,
  COLLECT_METADATA: 25,
  LABEL: 26,
  TTL_INHERIT: 28,
  DF: 29,
} as const

/** Bridge attributes (if_link.h). */
export const IFLA_BR = {
  FORWARD_DELAY: 1,
  HELLO_TIME: 2,
  MAX_AGE: 3,
  AGEING_TIME: 4,
  STP_STATE: 5,
  PRIORITY: 6,
  VLAN_FILTERING: 7,
  GROUP_FWD_MASK: 9,
  MCAST_SNOOPING: 23,
  MCAST_QUERIER: 25,
  NF_CALL_IPTABLES: 36,
  NF_CALL_IP6TABLES: 37,
  NF_CALL_ARPTABLES: 38,
  VLAN_DEFAULT_PVID: 39,
} as const

/** Bridge port attributes (if_link.h). */
export const IFLA_BRPORT = {
  STATE: 1,
  PRIORITY: 2,
  COST: 3,
  MODE: 4,
  GUARD: 5,
  LEARNING: 8,
  UNICAST_FLOOD: 9,
  PROXYARP: 10,
  MCAST_FLOOD: 27,
  BCAST_FLOOD: 30,
  NEIGH_SUPPRESS: 32,
  ISOLATED: 33,
} as const

/** Address attributes and flags (if_addr.h). */
export const IFA = { ADDRESS: 1, LOCAL: 2, BROADCAST: 4, FLAGS: 8 } as const
export const IFA_F = { NODAD: 0x02, TENTATIVE: 0x40, NOPREFIXROUTE: 0x200 } as const

/** Route attributes (rtnetlink.h). */
export const RTA = {
  DST: 1,
  OIF: 4,
  GATEWAY: 5,
  PRIORITY: 6,
  PREFSRC: 7,
  METRICS: 8,
  TABLE: 15,
  VIA: 18,
} as const

/** Metrics inside RTA_METRICS (rtnetlink.h). */
export const RTAX_MTU = 2

/** Flag of a route: the gateway is on the link whatever the addresses say (rtnetlink.h). */
export const RTNH_F_ONLINK = 4

/** Main table, and who made a route (rtnetlink.h). */
export const RT_TABLE_MAIN = 254
export const RTPROT_STATIC = 4

/** Scopes (rtnetlink.h). */
export const RT_SCOPE = { UNIVERSE: 0, LINK: 253, HOST: 254, NOWHERE: 255 } as const

/** Neighbour and forwarding attributes (neighbour.h). */
export const NDA = {
  DST: 1,
  LLADDR: 2,
  VLAN: 5,
  PORT: 6,
  VNI: 7,
  IFINDEX: 8,
  MASTER: 9,
  SRC_VNI: 11,
} as const

/** Flags of neighbours and forwarding entries (neighbour.h). */
export const NTF = {
  USE: 0x01,
  SELF: 0x02,
  MASTER: 0x04,
  PROXY: 0x08,
  EXT_LEARNED: 0x10,
  STICKY: 0x40,
  ROUTER: 0x80,
} as const

/** Namespace id attributes (net_namespace.h). */
export const NETNSA = { NSID: 1, PID: 2, FD: 3 } as const

/** Multicast groups (rtnetlink.h, enum rtnetlink_groups). */
export const RTNLGRP = {
  LINK: 1,
  NEIGH: 3,
  IPV4_IFADDR: 5,
  IPV4_ROUTE: 7,
  IPV6_IFADDR: 9,
  IPV6_ROUTE: 11,
  NSID: 28,
} as const
