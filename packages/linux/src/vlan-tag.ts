/** The outer VLAN tag, which the kernel takes off a frame before a capture sees it. */
import { setU16, u16le, u32 } from '@weft/core'

/** Status bits that say which fields hold something (if_packet.h). */
const TP_STATUS_VLAN_VALID = 0x10
const TP_STATUS_VLAN_TPID_VALID = 0x40

/** The protocol of a tag whose kernel does not say (IEEE 802.1Q). */
const TAG_PROTOCOL = 0x8100

const ADDRESSES_BYTES = 12
const TAG_BYTES = 4

/** The tag's 32 bits, or 0: the tag control stands at `at` in host order, its protocol behind. */
export function vlanTagOf(status: number, bytes: Uint8Array, at: number): number {
  if ((status & TP_STATUS_VLAN_VALID) === 0) return 0
  const given = (status & TP_STATUS_VLAN_TPID_VALID) !== 0
  const tag = new Uint8Array(TAG_BYTES)
  setU16(tag, 0, given ? u16le(bytes, at + 2) : TAG_PROTOCOL)
  setU16(tag, 2, u16le(bytes, at))
  return u32(tag, 0)
}

/** The frame with the tag where it was: behind the addresses. */
export function restoreVlanTag(frame: Uint8Array, vlanTag: number): Uint8Array {
  if (vlanTag === 0 || frame.length < ADDRESSES_BYTES) return frame
  const tagged = new Uint8Array(frame.length + TAG_BYTES)
  tagged.set(frame.subarray(0, ADDRESSES_BYTES))
  setU16(tagged, ADDRESSES_BYTES, vlanTag >>> 16)
  setU16(tagged, ADDRESSES_BYTES + 2, vlanTag & 0xffff)
  tagged.set(frame.subarray(ADDRESSES_BYTES), ADDRESSES_BYTES + TAG_BYTES)
  return tagged
}
