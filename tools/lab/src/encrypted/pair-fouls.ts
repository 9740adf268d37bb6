/** Packets of ESP over IPv4, as somebody repeats, forges and cuts them who saw one on the wire. */
import { setU16, setU32, u32 } from '@weft/core'
import { ethernet, internetChecksum, ipv4, IPV4_OFFSET, udp, UDP_CHECKSUM_OFFSET } from '@weft/wire'

const IP_START = ethernet.headerLength
const IP_END = IP_START + ipv4.headerLength
const UDP_LENGTH_AT = IP_END + 4
/** Cut from the end: less than a tag, and all behind the header of ESP. */
const CUTS_BYTES = [5, Number.POSITIVE_INFINITY] as const
const ESP_HEADER_BYTES = 8
const SEQUENCE = 4
/** Packets that a forger is ahead: inside of any window, and not sent yet. */
const FORGED_AHEAD = 16

/** The very same; without the checksum of UDP, which a capture sees before a card has made it. */
export function sealedFrame(frame: Uint8Array, isInUdp: boolean): Uint8Array {
  const same = frame.slice()
  if (isInUdp) setU16(same, IP_END + UDP_CHECKSUM_OFFSET, 0)
  return same
}

/** One that nobody has seen before: its number is new, and so its tag is wrong. */
export function forgedFrame(frame: Uint8Array, isInUdp: boolean): Uint8Array {
  const forged = sealedFrame(frame, isInUdp)
  const at = espStart(isInUdp) + SEQUENCE
  setU32(forged, at, u32(forged, at) + FORGED_AHEAD)
  return forged
}

/** Packets that are shorter, and say so. */
export function cutFrames(frame: Uint8Array, isInUdp: boolean): readonly Uint8Array[] {
  return CUTS_BYTES.map((cut) => cutFrame(frame, isInUdp, cut))
}

function cutFrame(frame: Uint8Array, isInUdp: boolean, bytes: number): Uint8Array {
  const end = Math.max(espStart(isInUdp) + ESP_HEADER_BYTES, frame.length - bytes)
  const cut = frame.slice(0, end)
  if (isInUdp) setU16(cut, UDP_LENGTH_AT, end - IP_END)
  setU16(cut, IP_START + IPV4_OFFSET.totalLength, end - IP_START)
  setU16(cut, IP_START + IPV4_OFFSET.checksum, 0)
  const sum = internetChecksum(cut, IP_START, IP_END)
  setU16(cut, IP_START + IPV4_OFFSET.checksum, sum)
  return cut
}

function espStart(isInUdp: boolean): number {
  return isInUdp ? IP_END + udp.headerLength : IP_END
}
