/** DRAFT of the codec's doors; the owner of memberlist/ replaces this file by real modules. */
import type { Aead, Entropy } from '@weft/core'
import type { GossipFault } from './faults.ts'
import type { KeyRing } from './key-ring.ts'
import type { PacketMessage, StreamMessage } from './messages.ts'

/** What wraps messages of one cluster; shared by packets and streams. */
export interface WrapOptions {
  /** Empty: none. At most LABEL_BYTES_MAX bytes. */
  readonly label: string
  /** Null, or a ring without keys: in the clear. */
  readonly keys: KeyRing | null
  readonly aead: Aead
  readonly entropy: Entropy
  /** Compress what gets shorter by it (packets), or everything (streams, as memberlist does). */
  readonly compress: boolean
}

/** memberlist/packet-codec.ts */
export declare class PacketCodec {
  constructor(options: WrapOptions)
  /**
   * Take a datagram apart: label, envelope, checksum, compounds, compression. `onMessage` is called
   * for each message in order of appearance, `onFault` for each thing refused. A compound cut short
   * still yields its complete leading parts. Never throws.
   */
  open(
    bytes: Uint8Array,
    onMessage: (message: PacketMessage) => void,
    onFault: (fault: GossipFault) => void,
  ): void
  /**
   * One datagram of these encoded messages: a compound when there are several (at most
   * COMPOUND_PARTS_MAX = 127, asserted), compressed if that is shorter, with a CRC if `checksum`,
   * sealed under the primary key when there is one, labelled.
   */
  wrap(parts: readonly Uint8Array[], checksum: boolean): Uint8Array
  /** Bytes that label and envelope add: what a sender subtracts from its packet budget. */
  readonly overhead: number
}

/** memberlist/stream-codec.ts: one per direction of a stream. */
export declare class StreamReader {
  constructor(options: WrapOptions)
  /**
   * The next message that is complete, or null: more bytes are needed, or a fault was found (then
   * `fault` says so and everything later is ignored). Linear in the bytes given, however they are
   * cut up. Bounded: STREAM_BYTES_MAX = 20 MiB sealed, DECOMPRESSED_BYTES_MAX = 40 MiB.
   */
  push(bytes: Uint8Array): StreamMessage | null
  readonly fault: GossipFault | null
  /** Bytes were given and no complete message came of them. */
  readonly isPartial: boolean
}

/** The bytes of one stream message, compressed and sealed as the options say. */
export declare function wrapStreamMessage(options: WrapOptions, message: StreamMessage): Uint8Array

/** memberlist/packet-messages.ts: a message with its type byte. */
export declare function encodePacketMessage(message: PacketMessage): Uint8Array
export declare function decodePacketMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
): PacketMessage | GossipFault
