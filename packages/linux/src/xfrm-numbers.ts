/** Numbers and layouts of the kernel's IPsec: linux/xfrm.h. */

/** Messages (XFRM_MSG_…). */
export const XFRM_MSG = {
  NEWSA: 0x10,
  DELSA: 0x11,
  GETSA: 0x12,
  NEWPOLICY: 0x13,
  DELPOLICY: 0x14,
  GETPOLICY: 0x15,
  ACQUIRE: 0x17,
  EXPIRE: 0x18,
  UPDPOLICY: 0x19,
  UPDSA: 0x1a,
} as const

/** Attributes (enum xfrm_attr_type_t). */
export const XFRMA = {
  ENCAP: 4,
  TMPL: 5,
  SRCADDR: 13,
  ALG_AEAD: 18,
  MARK: 21,
  REPLAY_ESN_VAL: 23,
  SET_MARK: 29,
  SET_MARK_MASK: 30,
} as const

/** Groups of notifications (XFRMNLGRP_…). */
export const XFRMNLGRP = { ACQUIRE: 1, EXPIRE: 2 } as const

/** IP protocols whose states there are. */
export const IPPROTO_ESP = 50

/** `struct xfrm_selector`. */
export const SELECTOR_BYTES = 56
export const SELECTOR = {
  DESTINATION: 0,
  SOURCE: 16,
  DESTINATION_PORT: 32,
  SOURCE_PORT: 36,
  FAMILY: 40,
  DESTINATION_PREFIX: 42,
  SOURCE_PREFIX: 43,
  PROTOCOL: 44,
} as const

/** `struct xfrm_usersa_info`; `xfrm_user_expire` is one with a byte behind it. */
export const STATE_BYTES = 224
export const STATE = {
  DESTINATION: 56,
  SPI: 72,
  PROTOCOL: 76,
  SOURCE: 80,
  LIMITS: 96,
  USED_BYTES: 160,
  USED_PACKETS: 168,
  REPLAY_WINDOW_MISSES: 192,
  REPLAYS: 196,
  INTEGRITY_FAILURES: 200,
  REQID: 208,
  FAMILY: 212,
  MODE: 214,
  REPLAY_WINDOW: 215,
  FLAGS: 216,
} as const

/** `struct xfrm_usersa_id`. */
export const STATE_ID_BYTES = 24
export const STATE_ID = { DESTINATION: 0, SPI: 16, FAMILY: 20, PROTOCOL: 22 } as const

/** Flag of a state: sequence numbers of 64 bits (RFC 4304). */
export const XFRM_STATE_ESN = 128

/** `struct xfrm_lifetime_cfg`: eight numbers of 64 bits. */
export const LIMIT = {
  SOFT_BYTES: 0,
  HARD_BYTES: 8,
  SOFT_PACKETS: 16,
  HARD_PACKETS: 24,
  SOFT_SECONDS: 32,
  HARD_SECONDS: 40,
} as const

/** `struct xfrm_userpolicy_info` and `xfrm_userpolicy_id`, both from a selector on. */
export const POLICY_BYTES = 168
export const POLICY = { LIMITS: 56, PRIORITY: 152, DIRECTION: 160, ACTION: 161 } as const
export const POLICY_ID_BYTES = 64
export const POLICY_ID_DIRECTION = 60

/** `struct xfrm_user_tmpl`. */
export const TEMPLATE_BYTES = 64
export const TEMPLATE = {
  DESTINATION: 0,
  SPI: 16,
  PROTOCOL: 20,
  FAMILY: 24,
  SOURCE: 28,
  REQID: 44,
  MODE: 48,
  OPTIONAL: 50,
  ALGORITHMS: 52,
} as const

/** `struct xfrm_algo_aead`: a name of 64 bytes, key and ICV lengths in bits, then the key. */
export const AEAD = { NAME_BYTES: 64, KEY_BITS: 64, ICV_BITS: 68, KEY: 72 } as const

/** `struct xfrm_encap_tmpl`, and its type for RFC 3948 (UDP_ENCAP_ESPINUDP). */
export const UDP_TEMPLATE_BYTES = 24
export const UDP_TEMPLATE_ESP = 2

/** `struct xfrm_replay_state_esn`, before its bitmap of words. */
export const REPLAY_ESN = { BITMAP_WORDS: 0, WINDOW: 20, BITMAP: 24 } as const
