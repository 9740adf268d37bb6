/** Virtio-net headers: what is written reads back, and nothing outside the header is touched. */
import { VNET_HEADER_BYTES } from '@weft/linux'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PacketView } from '../src/engine/packet-view.ts'
import { readVirtioHeader, writeVirtioHeader } from '../src/virtio-header.ts'

const u16 = fc.integer({ min: 0, max: 0xffff })
const u8 = fc.integer({ min: 1, max: 0xff })
const at = fc.integer({ min: 0, max: 20 })

test('what is written reads back', () => {
  const fields = fc.tuple(fc.constantFrom(0, 1), u8, u16, u16, u16, u16)
  fc.assert(
    fc.property(fields, at, ([flags, gsoType, headerBytes, segmentBytes, start, offset], where) => {
      const bytes = new Uint8Array(64).fill(0xee)
      const view = new PacketView(bytes)
      Object.assign(view, { flags, gsoType, headerBytes, segmentBytes })
      Object.assign(view, { checksumStart: start, checksumOffset: offset })
      writeVirtioHeader(view, bytes, where)
      const read = new PacketView(bytes)
      readVirtioHeader(read, bytes, where)
      expect(read.start).toBe(where + VNET_HEADER_BYTES)
      read.start = 0
      expect(read).toEqual(view)
      const outside = [...bytes.slice(0, where), ...bytes.slice(where + VNET_HEADER_BYTES)]
      expect(outside.every((byte) => byte === 0xee)).toBe(true)
    }),
  )
})

test('a frame that stands for itself has no segment size, whatever the view carried before', () => {
  const bytes = new Uint8Array(VNET_HEADER_BYTES)
  const view = new PacketView(bytes)
  view.segmentBytes = 1400
  writeVirtioHeader(view, bytes, 0)
  expect([...bytes]).toEqual(new Array(VNET_HEADER_BYTES).fill(0))
})

test('reads the kernel’s layout (struct virtio_net_hdr)', () => {
  const bytes = Uint8Array.of(1, 4, 0x42, 0, 0x78, 0x05, 0x22, 0, 0x10, 0, 0xff)
  const view = new PacketView(bytes)
  readVirtioHeader(view, bytes, 0)
  expect(view).toMatchObject({
    flags: 1,
    gsoType: 4,
    headerBytes: 0x42,
    segmentBytes: 1400,
    checksumStart: 34,
    checksumOffset: 16,
  })
})
