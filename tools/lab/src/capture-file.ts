/** Captured frames as a pcapng file that tshark and Wireshark read. */
import type { CaptureCounters, CapturedFrame } from '@weft/linux'
import { LINK_TYPE_ETHERNET, writePcapng, type PcapngPacket } from '@weft/wire'
import { FRAME_SNAP_BYTES } from './frame-tap.ts'

/** What was captured at one place. */
export interface CaptureSource {
  /** Name of the place, like `host-1 eth0`. */
  readonly name: string
  readonly frames: readonly CapturedFrame[]
  /** From the tap's `counters()`: frames it lost are told in the file. */
  readonly counters: CaptureCounters
}

/** A pcapng file with an interface for each source, and all frames in the kernel's order. */
export function captureFile(sources: readonly CaptureSource[]): Uint8Array {
  const packets = sources.flatMap(({ frames }, interfaceId) =>
    frames.map((frame) => packetOf(frame, interfaceId)),
  )
  return writePcapng({
    comment: commentOf(sources),
    interfaces: sources.map(({ name }) => ({
      name,
      linkType: LINK_TYPE_ETHERNET,
      snapBytes: FRAME_SNAP_BYTES,
    })),
    packets: packets.sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : timeOf(a) > timeOf(b) ? 1 : 0)),
  })
}

function packetOf(frame: CapturedFrame, interfaceId: number): PcapngPacket {
  const { bytes, nanoseconds, originalLength, outgoing, seconds } = frame
  return {
    interfaceId,
    timestampNs: BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds),
    bytes,
    originalLength,
    direction: outgoing ? 'outbound' : 'inbound',
    comment: null,
  }
}

function timeOf(packet: PcapngPacket): bigint {
  return packet.timestampNs ?? 0n
}

function commentOf(sources: readonly CaptureSource[]): string {
  const lost = sources.reduce((sum, { counters }) => sum + counters.dropped, 0)
  const note = lost === 0 ? 'no frame was lost' : `${lost} frames were lost: there are holes`
  return `captured in a lab of network namespaces; ${note}`
}
