/** Checksums that a sender left to its network card (virtio 1.2 §5.1.6.2, NEEDS_CHECKSUM). */
import { setU16 } from '@weft/core'
import { finishChecksum } from '@weft/wire'
import type { ByteSum } from './byte-sum.ts'
import { NEEDS_CHECKSUM, type PacketView } from './packet-view.ts'

/** Whether the checksum that is to be finished, if any, stands inside the frame. */
export function isChecksumInside(packet: PacketView): boolean {
  if ((packet.flags & NEEDS_CHECKSUM) === 0) return true
  const { start, end, checksumStart, checksumOffset } = packet
  return start + checksumStart + checksumOffset + 2 <= end
}

/**
 * Finish the checksum of a frame where it stands, if that is left to be done. Its field holds the
 * sum of the pseudo header, and counts in the sum like every other word. A result of zero is
 * written as all ones: the same number, and in UDP zero would mean that there is none (RFC 768);
 * the kernel does so for every protocol.
 */
export function finishPacket(packet: PacketView, sums: ByteSum): void {
  if ((packet.flags & NEEDS_CHECKSUM) === 0) return
  const from = packet.start + packet.checksumStart
  const checksum = finishChecksum(sums.of(packet.bytes, from, packet.end))
  setU16(packet.bytes, from + packet.checksumOffset, checksum === 0 ? 0xffff : checksum)
  packet.clearOffloads()
}
