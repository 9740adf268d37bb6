/** Why something from the network was refused: data that is counted, never an exception. */

/** Reasons, each a counter of its own. */
export type GossipFault =
  /** Ends before its format allows. */
  | 'short'
  /** A message type that is unknown, or not allowed on this transport. */
  | 'bad-type'
  /** Not the msgpack that is expected here. */
  | 'bad-msgpack'
  /** Not the protobuf that is expected here. */
  | 'bad-protobuf'
  /** Another cluster's label, or none where one is expected. */
  | 'bad-label'
  /** In the clear where a key ring is in use. */
  | 'not-sealed'
  /** An envelope version that nobody speaks. */
  | 'bad-version'
  /** No key of the ring opens it: forged, damaged, or an unknown key. */
  | 'cannot-open'
  | 'bad-checksum'
  /** Not LZW, or an unknown algorithm. */
  | 'bad-compression'
  /** Larger than its limit, before or after decompression. */
  | 'oversized'
  /** Nested deeper than LAYER_DEPTH_MAX. */
  | 'too-deep'
  /** More parts, nodes or events than their limit. */
  | 'too-many'
  /** Well-formed, with a value that cannot be: a port of 0, an address of 5 bytes. */
  | 'bad-value'
  /** A stream that said too little for too long, or ended in the middle of a message. */
  | 'stream-cut'
  /** More streams at once than STREAMS_MAX. */
  | 'too-many-streams'

/** How often each reason occurred; reasons that never did may be absent. */
export type FaultCounts = Readonly<Partial<Record<GossipFault, number>>>
