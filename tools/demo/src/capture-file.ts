/** What crossed the underlay, as a pcapng file with an interface for each host. */
import { LINK_TYPE_ETHERNET, writePcapng, type PcapngPacket } from '@weft/wire'
import type { UnderlayFrame } from './world.ts'

/** The bytes of the file; tshark reads it. */
export function captureFile(frames: readonly UnderlayFrame[], omitted: number): Uint8Array {
  const hosts = [...new Set(frames.map((frame) => frame.host))].sort()
  const packets = frames.map(
    (frame): PcapngPacket => ({
      interfaceId: hosts.indexOf(frame.host),
      timestampNs: frame.timestampNs,
      bytes: frame.bytes,
      originalLength: frame.originalLength,
      direction: 'outbound',
      comment: null,
    }),
  )
  const interfaces = hosts.map((name) => ({ name, linkType: LINK_TYPE_ETHERNET, snapBytes: 0 }))
  const comment = `the underlay of npm run demo; ${omitted} frames of bulk traffic left out`
  return writePcapng({ comment, interfaces, packets })
}
