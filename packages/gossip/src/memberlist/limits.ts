/** How large, how many and how deep things from the network may be, each with its unit. */

/**
 * Bytes of a node's name. memberlist has no limit; Docker's names have 12. 255 holds every DNS name
 * (RFC 1035 §2.3.4), and an alive with such a name and all the metadata still fits one packet.
 */
export const NAME_BYTES_MAX = 255

/** Bytes of a node's metadata (docker-wire §2.2). */
export const META_BYTES_MAX = 512

/**
 * What a profile's packets hold at least, in bytes of UDP payload: an alive with the longest name,
 * metadata and label, sealed. News that fits no packet would wait for ever. IPv6 carries 1,232.
 */
export const PACKET_BYTES_MIN = 1200

/** Bytes of what an ack may carry for the layer above; Docker sends nothing. */
export const ACK_PAYLOAD_BYTES_MAX = 4096

/** Bytes of the text with which a responder refuses a stream; memberlist's have about 60. */
export const ERROR_BYTES_MAX = 1024

/** Bytes of a label: its length is one byte on the wire (§2.1). */
export const LABEL_BYTES_MAX = 255

/**
 * Parts of a compound that we send: memberlist 0.2.2 computes with 8 bits and misreads more (§2.4).
 * What we receive may have 255, which is all that the format can say.
 */
export const COMPOUND_PARTS_MAX = 127

/** Compounds and compressions within each other; no sender is known to nest more than two. */
export const LAYER_DEPTH_MAX = 4

/** Messages in one datagram, good and bad: as many as one full compound has. */
export const PACKET_MESSAGES_MAX = 255

/** Bytes to which the compressed parts of one datagram may grow: together one UDP payload. */
export const PACKET_DECOMPRESSED_BYTES_MAX = 65_536

/** Bytes of one message on a stream as they arrive; memberlist's limit for sealed ones (§2.7). */
export const STREAM_BYTES_MAX = 20 * 1024 * 1024

/** Bytes of one message on a stream after decompression; memberlist's limit (§2.5). */
export const DECOMPRESSED_BYTES_MAX = 40 * 1024 * 1024

/** Nodes in one push/pull: several times the largest cluster that we aim at. */
export const PUSH_PULL_NODES_MAX = 65_536

/** Fields of one message; memberlist's largest has eight, and unknown ones are passed over. */
export const MAP_ENTRIES_MAX = 64

/** Values that one unknown value may still owe while it is passed over, however they nest. */
export const OWED_VALUES_MAX = 1024
