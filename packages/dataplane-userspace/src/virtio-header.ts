/** The virtio-net header before each frame of a TAP (linux/virtio_net.h), little-endian. */
import { setU16le, setU8, u16le, u8 } from '@weft/core'
import { VNET_HEADER_BYTES } from '@weft/linux/packets'
import type { PacketView } from './engine/packet-view.ts'

/** `struct virtio_net_hdr`: flags 0, gso_type 1, hdr_len 2, gso_size 4, csum_start 6, offset 8. */
const FIELD = { flags: 0, type: 1, length: 2, segment: 4, start: 6, offset: 8 } as const

/** Read the header at `at` and make the view a window of the frame behind it, up to `end`. */
export function readVirtioHeader(view: PacketView, bytes: Uint8Array, at: number): void {
  view.bytes = bytes
  view.start = at + VNET_HEADER_BYTES
  view.sourcePort = 0
  view.flags = u8(bytes, at + FIELD.flags)
  view.gsoType = u8(bytes, at + FIELD.type)
  view.headerBytes = u16le(bytes, at + FIELD.length)
  view.segmentBytes = u16le(bytes, at + FIELD.segment)
  view.checksumStart = u16le(bytes, at + FIELD.start)
  view.checksumOffset = u16le(bytes, at + FIELD.offset)
}

/** Write the header of a frame at `at`. */
export function writeVirtioHeader(view: PacketView, bytes: Uint8Array, at: number): void {
  setU8(bytes, at + FIELD.flags, view.flags)
  setU8(bytes, at + FIELD.type, view.gsoType)
  setU16le(bytes, at + FIELD.length, view.headerBytes)
  setU16le(bytes, at + FIELD.segment, view.gsoType === 0 ? 0 : view.segmentBytes)
  setU16le(bytes, at + FIELD.start, view.checksumStart)
  setU16le(bytes, at + FIELD.offset, view.checksumOffset)
}
