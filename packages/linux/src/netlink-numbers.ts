/** Numbers of netlink framing, from linux/netlink.h. */

/** Message types below NLMSG_MIN_TYPE. */
export const NLMSG = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4 } as const

/** Message flags; those of GET, NEW and DELETE requests share bits. */
export const NLM_F = {
  REQUEST: 0x01,
  MULTI: 0x02,
  ACK: 0x04,
  DUMP_INTR: 0x10,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
  ACK_TLVS: 0x200,
  CAPPED: 0x100,
} as const

/** Bytes of `struct nlmsghdr`: length, type, flags, sequence, port. */
export const NLMSG_HEADER_BYTES = 16

/** Bytes of `struct nlattr`: length and type. */
export const ATTRIBUTE_HEADER_BYTES = 4

/** Largest attribute with its header: the length has 16 bits. */
export const ATTRIBUTE_BYTES_MAX = 65_535

/** Bit of an attribute's type that says it holds attributes. */
export const NLA_F_NESTED = 0x8000

/** Bits of an attribute's type that are the type (NLA_TYPE_MASK). */
export const NLA_TYPE_MASK = 0x3fff

/** Attributes of an extended acknowledgement (enum nlmsgerr_attrs). */
export const NLMSGERR_ATTR_MSG = 1
