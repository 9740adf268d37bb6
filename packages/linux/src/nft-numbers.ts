/** Numbers of nftables: linux/netfilter/nfnetlink.h, nf_tables.h and netfilter.h. */

/** The nftables subsystem of nfnetlink; its messages are `subsystem << 8 | message`. */
export const NFNL_SUBSYS_NFTABLES = 10

/** Group of notifications of nftables (NFNLGRP_NFTABLES, nfnetlink.h). */
export const NFNLGRP_NFTABLES = 7

/** First and last message of a transaction (nfnetlink.h). */
export const NFNL_MSG = { BATCH_BEGIN: 16, BATCH_END: 17 } as const

/** `struct nfgenmsg`: family, version, resource id in network order. */
export const NFGENMSG_BYTES = 4

/** Messages (enum nf_tables_msg_types). */
export const NFT_MSG = {
  NEWTABLE: 0,
  GETTABLE: 1,
  DELTABLE: 2,
  NEWCHAIN: 3,
  DELCHAIN: 5,
  NEWRULE: 6,
  GETRULE: 7,
  DELRULE: 8,
  NEWSET: 9,
  NEWSETELEM: 12,
  GETSETELEM: 13,
} as const

/** Families of tables (NFPROTO_…, netfilter.h). */
export const NFPROTO = { inet: 1, ip: 2, netdev: 5, bridge: 7, ip6: 10 } as const

/** Hook numbers (enum nf_inet_hooks, enum nf_dev_hooks). */
export const INET_HOOK = {
  prerouting: 0,
  input: 1,
  forward: 2,
  output: 3,
  postrouting: 4,
} as const
export const NETDEV_HOOK = { ingress: 0, egress: 1 } as const

/** Attributes, each enum by its name in nf_tables.h. */
export const NFTA_TABLE = { NAME: 1 } as const
export const NFTA_CHAIN = { TABLE: 1, NAME: 3, HOOK: 4, POLICY: 5, TYPE: 7 } as const
export const NFTA_HOOK = { HOOKNUM: 1, PRIORITY: 2, DEV: 3 } as const
export const NFTA_RULE = { TABLE: 1, CHAIN: 2, HANDLE: 3, EXPRESSIONS: 4, USERDATA: 7 } as const
export const NFTA_LIST_ELEM = 1
export const NFTA_EXPR = { NAME: 1, DATA: 2 } as const
export const NFTA_PAYLOAD = { DREG: 1, BASE: 2, OFFSET: 3, LEN: 4 } as const
export const NFTA_META = { DREG: 1, KEY: 2, SREG: 3 } as const
export const NFTA_RT = { DREG: 1, KEY: 2 } as const
export const NFTA_CMP = { SREG: 1, OP: 2, DATA: 3 } as const
export const NFTA_BITWISE = { SREG: 1, DREG: 2, LEN: 3, MASK: 4, XOR: 5 } as const
export const NFTA_LOOKUP = { SET: 1, SREG: 2, DREG: 3 } as const
export const NFTA_DYNSET = { SET_NAME: 1, OP: 3, SREG_KEY: 4, TIMEOUT: 6 } as const
export const NFTA_SET = {
  TABLE: 1,
  NAME: 2,
  FLAGS: 3,
  KEY_TYPE: 4,
  KEY_LEN: 5,
  DATA_TYPE: 6,
  DATA_LEN: 7,
  DESC: 9,
  ID: 10,
  TIMEOUT: 11,
} as const
export const NFTA_SET_DESC = { SIZE: 1 } as const
export const NFTA_SET_ELEM_LIST = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const
export const NFTA_SET_ELEM = { KEY: 1, DATA: 2 } as const
export const NFTA_COUNTER = { BYTES: 1, PACKETS: 2 } as const
export const NFTA_IMMEDIATE = { DREG: 1, DATA: 2 } as const
export const NFTA_DATA = { VALUE: 1, VERDICT: 2 } as const
export const NFTA_VERDICT_CODE = 1

/**
 * Registers (enum nft_registers): the verdict, the first two of 16 bytes, and the second word of
 * the first.
 */
export const NFT_REG = { VERDICT: 0, ONE: 1, TWO: 2, WORD_ONE: 9 } as const

/** Flags of sets (enum nft_set_flags): with values, with an end, filled by rules. */
export const NFT_SET = { MAP: 8, TIMEOUT: 16, EVAL: 32 } as const

/** What rules do to a set (enum nft_dynset_ops): put it in, or begin its time anew. */
export const NFT_DYNSET_UPDATE = 1

/** `nft` shows keys and values of this type as numbers (enum datatypes: TYPE_MARK). */
export const NFT_TYPE_MARK = 19
/** Bits of each type in the type of several in a row (TYPE_BITS). */
export const NFT_TYPE_BITS = 6

/** Keys of meta expressions (enum nft_meta_keys). */
export const NFT_META = {
  PROTOCOL: 1,
  MARK: 3,
  IIFNAME: 6,
  OIFNAME: 7,
  NFPROTO: 15,
  L4PROTO: 16,
  SECPATH: 25,
} as const

/** Key of a routing expression: whether the packet will be transformed (enum nft_rt_keys). */
export const NFT_RT_XFRM = 4

/** Bases of payload expressions (enum nft_payload_bases). */
export const NFT_PAYLOAD = { NETWORK: 1, TRANSPORT: 2 } as const

/** Comparison for equality (enum nft_cmp_ops). */
export const NFT_CMP_EQ = 0

/** Verdicts (netfilter.h). */
export const NF_VERDICT = { drop: 0, accept: 1 } as const

/** Type of a comment in a rule's user data (libnftnl, udata.h: NFTNL_UDATA_RULE_COMMENT). */
export const UDATA_COMMENT = 0
