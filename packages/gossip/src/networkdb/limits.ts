/** How much of anything a NetworkDB message may hold; each far beyond what Docker makes. */

/** Bytes of a node's, network's or table's name; Docker's have 12, 25 and up to 18. */
export const NETWORKDB_NAME_BYTES_MAX = 255

/** Bytes of a row's key; Docker's have 64, the hexadecimal identifier of an endpoint. */
export const ROW_KEY_BYTES_MAX = 512

/** Bytes of a row's value: no larger one fits a datagram, and gossip goes by datagram. */
export const ROW_VALUE_BYTES_MAX = 65_507

/**
 * Parts of one compound, bulk syncs included. A bulk sync holds the rows of all networks that two
 * nodes share; this many fill the 20 MiB that a sealed stream message may have (docker-wire §2.7).
 */
export const EVENTS_MAX = 100_000

/**
 * Parts of one message that are no protobuf at all. One odd row must not keep a node from all
 * others, but to find out costs microseconds each: what has more of them is refused as a whole.
 */
export const BROKEN_PARTS_MAX = 256

/** Attachments in one push/pull: every network of every node, as a thousand nodes on a hundred. */
export const NETWORK_ENTRIES_MAX = 100_000

/** Networks in one bulk sync: as many as there are VNIs below the ones that Docker hands out. */
export const BULK_NETWORKS_MAX = 4096

/** Seconds for which a peer may ask to remember a deleted row; Docker asks for 1,800. */
export const RESIDUAL_REAP_SECONDS_MAX = 86_400

/** Names that one endpoint or its service goes by, of each kind. */
export const ALIASES_MAX = 1024

/** Ports that one service publishes. */
export const INGRESS_PORTS_MAX = 4096

/** Bytes of a name or an address in a record; a DNS name has at most 253 (RFC 1035 §2.3.4). */
export const RECORD_TEXT_BYTES_MAX = 1024
