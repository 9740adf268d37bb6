/** The pcapng capture format (draft-ietf-opsawg-pcapng): its vocabulary, for writer and reader. */

/** Block types. */
export const PCAPNG_BLOCK = {
  section: 0x0a0d_0d0a,
  interface: 1,
  simplePacket: 3,
  packet: 6,
} as const

/** Option codes, by the block they belong to. */
export const PCAPNG_OPTION = {
  end: 0,
  comment: 1,
  interfaceName: 2,
  timestampResolution: 9,
  timestampOffset: 14,
  packetFlags: 2,
} as const

/** The number that tells a reader which byte order a section is in. */
export const PCAPNG_BYTE_ORDER = 0x1a2b_3c4d

/** LINKTYPE_ETHERNET. */
export const LINK_TYPE_ETHERNET = 1

/** Which way a packet crossed its interface. */
export type PacketDirection = 'unknown' | 'inbound' | 'outbound'

/** An interface packets were captured on. */
export interface PcapngInterface {
  readonly name: string | null
  /** One of the LINKTYPE numbers. */
  readonly linkType: number
  /** Bytes captured of each packet at most; 0 means all. */
  readonly snapBytes: number
}

/** A captured packet. */
export interface PcapngPacket {
  /** Index into the section's interfaces. */
  readonly interfaceId: number
  /** Nanoseconds since 1970 UTC; null when the capture does not say. */
  readonly timestampNs: bigint | null
  /** What was captured. */
  readonly bytes: Uint8Array
  /** Bytes on the wire: more than were captured when the packet was cut. */
  readonly originalLength: number
  readonly direction: PacketDirection
  readonly comment: string | null
}

/** One section: its interfaces number from 0. */
export interface PcapngSection {
  readonly comment: string | null
  readonly interfaces: readonly PcapngInterface[]
  readonly packets: readonly PcapngPacket[]
}
