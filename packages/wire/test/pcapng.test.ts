import { setU16le, setU32le, u32le } from '@weft/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  LINK_TYPE_ETHERNET,
  PCAPNG_BLOCK,
  PCAPNG_OPTION_BYTES_MAX,
  pcapngInterfaceBlock,
  pcapngPacketBlock,
  pcapngSectionBlock,
  readPcapng,
  writePcapng,
  type PcapngPacket,
  type PcapngSection,
} from '../src/index.ts'
import { hex } from './hex.ts'

const ETH0 = { name: 'eth0', linkType: LINK_TYPE_ETHERNET, snapBytes: 0 }
const PACKET: PcapngPacket = {
  interfaceId: 0,
  timestampNs: 1_700_000_000_123_456_789n,
  bytes: hex('0102030405'),
  originalLength: 1500,
  direction: 'inbound',
  comment: 'weft → docker',
}

function joined(...blocks: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(blocks.flatMap((block) => [...block]))
}

/** A big-endian file as another writer makes it: microseconds, an offset, no names. */
const BIG_ENDIAN = hex(`
  0a0d0d0a 0000001c 1a2b3c4d 00010000 ffffffffffffffff 0000001c
  00000001 00000028 00010000 00000040 000e0008 000000000000000a 00000000 00000000 00000028
  00000006 00000024 00000000 00000000 000f4240 00000002 00000003 aabb0000 00000024
  00000003 00000014 00000002 ccdd0000 00000014
`)

const sections: fc.Arbitrary<PcapngSection> = fc.integer({ min: 1, max: 3 }).chain((count) =>
  fc.record({
    comment: fc.option(fc.string({ unit: 'binary' })),
    interfaces: fc.array(
      fc.record({
        name: fc.option(fc.string({ unit: 'grapheme' })),
        linkType: fc.nat({ max: 0xffff }),
        snapBytes: fc.nat({ max: 0xffff_ffff }),
      }),
      { minLength: count, maxLength: count },
    ),
    packets: fc.array(
      fc
        .record({
          interfaceId: fc.nat({ max: count - 1 }),
          timestampNs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
          bytes: fc.uint8Array({ maxLength: 40 }),
          originalLength: fc.nat({ max: 70_000 }),
          direction: fc.constantFrom('unknown' as const, 'inbound' as const, 'outbound' as const),
          comment: fc.option(fc.string({ unit: 'binary' })),
        })
        .map((packet) => {
          const originalLength = packet.bytes.length + packet.originalLength
          return { ...packet, originalLength }
        }),
      { maxLength: 5 },
    ),
  }),
)

describe('pcapng', () => {
  it('reads what it wrote', () => {
    const property = fc.property(sections, (section) => {
      const bytes = writePcapng(section)
      const reading = readPcapng(bytes)
      expect(reading).toEqual({ sections: [section], fault: null, end: bytes.length })
    })
    fc.assert(property, { numRuns: 200 })
  })

  it('reads the other byte order, microseconds and a clock that is off', () => {
    const { sections, fault } = readPcapng(BIG_ENDIAN)
    expect(fault).toBe(null)
    expect(sections[0]?.interfaces).toEqual([{ name: null, linkType: 1, snapBytes: 64 }])
    expect(sections[0]?.packets).toMatchObject([
      { timestampNs: 11_000_000_000n, bytes: hex('aabb'), originalLength: 3 },
      { timestampNs: null, bytes: hex('ccdd'), originalLength: 2 },
    ])
  })

  it('reads several sections, each with interfaces of its own', () => {
    const one = { comment: null, interfaces: [ETH0], packets: [PACKET] }
    const file = joined(writePcapng(one), BIG_ENDIAN, writePcapng(one))
    const { sections, fault } = readPcapng(file)
    expect(fault).toBe(null)
    expect(sections.map(({ packets }) => packets.length)).toEqual([1, 2, 1])
    expect(sections[2]).toEqual(one)
  })

  it('passes over blocks it does not know', () => {
    const unknown = hex('0b0b0000 10000000 deadbeef 10000000')
    const packet = pcapngPacketBlock(PACKET)
    const file = joined(pcapngSectionBlock(), unknown, pcapngInterfaceBlock(ETH0), unknown, packet)
    expect(readPcapng(file)).toMatchObject({ fault: null, sections: [{ packets: [PACKET] }] })
  })

  it('counts time in powers of two where the interface says so', () => {
    const block = pcapngInterfaceBlock({ ...ETH0, name: null })
    // The resolution is the only option: 2 to the power of -1.
    block[20] = 0x81
    const half = pcapngPacketBlock({ ...PACKET, timestampNs: 3n })
    const { sections } = readPcapng(joined(pcapngSectionBlock(), block, half))
    expect(sections[0]?.packets[0]?.timestampNs).toBe(1_500_000_000n)
  })

  it('cuts comments that an option cannot hold, between characters', () => {
    const comment = 'ü'.repeat(PCAPNG_OPTION_BYTES_MAX)
    const file = writePcapng({ comment, interfaces: [], packets: [] })
    const read = readPcapng(file).sections[0]?.comment ?? ''
    expect(read).toBe('ü'.repeat((PCAPNG_OPTION_BYTES_MAX - 1) / 2))
  })

  it('refuses to write more bytes than there were', () => {
    expect(() => pcapngPacketBlock({ ...PACKET, originalLength: 4 })).toThrow('bug:')
  })
})

describe('a damaged capture', () => {
  const section = pcapngSectionBlock()
  const link = pcapngInterfaceBlock(ETH0)
  const packet = pcapngPacketBlock(PACKET)
  const changed = (block: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array => {
    const copy = Uint8Array.from(block)
    change(copy)
    return copy
  }

  it('gives what stands before the damage, wherever it was cut', () => {
    const file = joined(section, link, packet, packet)
    const ends = [section.length, section.length + link.length, file.length - packet.length]
    for (let length = 0; length < file.length; length++) {
      const { fault, end, sections } = readPcapng(file.slice(0, length))
      const whole = [0, ...ends].filter((at) => at <= length)
      expect(end).toBe(whole.at(-1))
      expect(fault).toBe(whole.includes(length) ? null : 'short')
      const packets = sections[0]?.packets.length ?? 0
      expect(packets).toBe(length >= file.length - packet.length ? 1 : 0)
    }
  })

  it.each([
    ['no section first', link, 'bad-type'],
    ['no byte order', changed(section, (copy) => copy.fill(0, 8, 12)), 'bad-type'],
    ['another version', changed(section, (copy) => setU16le(copy, 12, 2)), 'bad-version'],
    ['a packet without an interface', joined(section, packet), 'bad-type'],
    [
      'two lengths that differ',
      joined(section, changed(link, (copy) => setU32le(copy, link.length - 4, 8))),
      'bad-length',
    ],
    [
      'a length of no words',
      joined(section, changed(link, (copy) => setU32le(copy, 4, 33))),
      'bad-length',
    ],
    [
      'more captured than the block holds',
      joined(section, link, changed(packet, (copy) => setU32le(copy, 20, 1000))),
      'bad-length',
    ],
    [
      'an option that runs over its block',
      joined(section, changed(link, (copy) => setU16le(copy, 18, 200))),
      'bad-option',
    ],
  ] as const)('with %s is refused', (_what, file, fault) => {
    expect(readPcapng(file).fault).toBe(fault)
  })

  it('knows its blocks by number', () => {
    expect(u32le(section, 0)).toBe(PCAPNG_BLOCK.section)
    expect(u32le(link, 0)).toBe(PCAPNG_BLOCK.interface)
    expect(u32le(packet, 0)).toBe(PCAPNG_BLOCK.packet)
  })
})
