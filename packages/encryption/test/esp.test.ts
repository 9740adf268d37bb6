import { setU32, setU8, toHex, u32, type CipherSuite, type Entropy } from '@weft/core'
import { SeededRandom, SimEntropy } from '@weft/core/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ESP_ALIGNMENT_BYTES,
  ESP_DUMMY,
  ESP_FAULTS,
  ESP_HEADER_BYTES,
  ESP_TRAILER_BYTES,
  espOverheadBytes,
  EXTENDED_SEQUENCE_MAX,
  InboundAssociation,
  openSodium,
  OutboundAssociation,
  SEQUENCE_MAX,
  type AssociationLayout,
} from '../src/index.ts'
import { ESP_VECTORS, type EspVector } from './esp-vectors.ts'
import { hex } from './hex.ts'
import { CHACHA, GCM_16, GCM_8 } from './reference-suites.ts'

const UDP = 17
const LAYOUT = { spi: 0x5308_3122, salt: 0x5308_3122, extendedSequence: false, protocol: UDP }
const ROOM_BYTES = 64
const SUITES = [GCM_8, GCM_16, CHACHA, await openSodium()]

/** Entropy that says what it is told to. */
function saying(text: string): Entropy {
  return { fill: (target) => target.set(hex(text)) }
}

interface EndsOptions {
  readonly suite?: CipherSuite
  readonly layout?: Partial<AssociationLayout>
  readonly sequenceAfter?: number
  readonly replayWindowPackets?: number
}

/** Both ends of an association. */
function endsOf(options: EndsOptions = {}): Ends {
  const { suite = GCM_8, sequenceAfter = 0, replayWindowPackets = 64 } = options
  const layout = { ...LAYOUT, ...options.layout }
  const key = new Uint8Array(suite.keyBytes).fill(7)
  const entropy = new SimEntropy(new SeededRandom('esp'))
  return {
    suite,
    out: new OutboundAssociation({ ...layout, sequenceAfter }, suite.open(key), entropy),
    in: new InboundAssociation(
      { ...layout, replayWindowPackets, windowPerRun: false },
      suite.open(key),
    ),
  }
}

interface Ends {
  readonly suite: CipherSuite
  readonly out: OutboundAssociation
  readonly in: InboundAssociation
}

/** A payload sealed in the middle of a larger buffer; the packet alone. */
function sealed(out: OutboundAssociation, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(payload.length + 2 * ROOM_BYTES).fill(0xa5)
  bytes.set(payload, ROOM_BYTES)
  const end = out.seal(bytes, ROOM_BYTES, ROOM_BYTES + payload.length)
  if (typeof end !== 'number') throw new Error(end)
  const start = ROOM_BYTES - ESP_HEADER_BYTES
  const dirt = [...bytes.subarray(0, start), ...bytes.subarray(end)]
  expect(dirt.every((byte) => byte === 0xa5)).toBe(true)
  return bytes.slice(start, end)
}

/** What opening a packet comes to: the payload in hexadecimal, or the fault. */
function opened(end: InboundAssociation, packet: Uint8Array): string {
  const bytes = new Uint8Array(packet.length + 20).fill(0xa5)
  bytes.set(packet, 10)
  const before = toHex(bytes)
  const result = end.open(bytes, 10, 10 + packet.length)
  if (typeof result === 'number') return toHex(bytes.subarray(10 + ESP_HEADER_BYTES, result))
  if (['short', 'late', 'replayed', 'bad-icv'].includes(result)) expect(toHex(bytes)).toBe(before)
  return result
}

function layoutOf({ spi, salt, extendedSequence, trailer }: EspVector): AssociationLayout {
  const protocol = parseInt(trailer.slice(-2), 16)
  return { spi, salt: u32(hex(salt), 0), extendedSequence, protocol }
}

/** What a sender must have drawn to come to this vector. */
function maskOf({ sequence, vector }: EspVector): string {
  return (BigInt(`0x${vector}`) ^ BigInt(sequence)).toString(16).padStart(16, '0')
}

describe.each(ESP_VECTORS)('ESP of $name', (one) => {
  const header = new Uint8Array(ESP_HEADER_BYTES)
  setU32(header, 0, one.spi)
  setU32(header, 4, one.sequence)
  header.set(hex(one.vector), 8)
  const packet = toHex(header) + one.sealed

  it('is sealed to the byte', () => {
    const options = { ...layoutOf(one), sequenceAfter: one.sequence - 1 }
    const cipher = one.suite.open(hex(one.key))
    const out = new OutboundAssociation(options, cipher, saying(maskOf(one)))
    expect(toHex(sealed(out, hex(one.payload)))).toBe(packet)
  })

  it('is opened', () => {
    const replayWindowPackets = one.extendedSequence ? 64 : 0
    const cipher = one.suite.open(hex(one.key))
    const options = { ...layoutOf(one), replayWindowPackets, windowPerRun: false }
    const end = new InboundAssociation(options, cipher)
    expect(opened(end, hex(packet))).toBe(one.payload)
  })

  it('has a tag that Docker cuts to its first half', () => {
    if (one.suite !== GCM_16) return
    const options = { ...layoutOf(one), sequenceAfter: one.sequence - 1 }
    const out = new OutboundAssociation(options, GCM_8.open(hex(one.key)), saying(maskOf(one)))
    expect(toHex(sealed(out, hex(one.payload)))).toBe(packet.slice(0, -16))
  })
})

describe.each(SUITES)('ESP with $name', (suite) => {
  it('opens what it sealed, of every length', () => {
    const ends = endsOf({ suite })
    for (let length = 0; length < 70; length++) {
      const payload = new Uint8Array(length).fill(length + 1)
      const packet = sealed(ends.out, payload)
      const grown = packet.length - length
      expect(grown).toBeLessThanOrEqual(espOverheadBytes(suite))
      expect(grown).toBeGreaterThan(espOverheadBytes(suite) - ESP_ALIGNMENT_BYTES)
      expect((packet.length - suite.tagBytes) % ESP_ALIGNMENT_BYTES).toBe(0)
      expect(opened(ends.in, packet)).toBe(toHex(payload))
    }
    expect(ends.out.sequence).toBe(70)
  })

  it('refuses every flipped bit', () => {
    const ends = endsOf({ suite, replayWindowPackets: 0 })
    const payload = hex('0102030405060708090a0b0c0d')
    const good = sealed(ends.out, payload)
    // The SPI is what an association is found by; to the one it was sealed for it is sealed too.
    for (let bit = 32; bit < 8 * good.length; bit++) {
      const bad = good.slice()
      bad[bit >>> 3] = (bad[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
      expect(opened(ends.in, bad), `bit ${bit}`).toBe('bad-icv')
    }
    expect(opened(ends.in, good)).toBe(toHex(payload))
  })

  it('refuses every truncation and every addition', () => {
    const ends = endsOf({ suite })
    const good = sealed(ends.out, hex('010203040506'))
    const least = ESP_HEADER_BYTES + ESP_TRAILER_BYTES + suite.tagBytes
    for (let length = 0; length < good.length; length++) {
      const fault = length < least ? 'short' : 'bad-icv'
      expect(opened(ends.in, good.slice(0, length))).toBe(fault)
    }
    expect(opened(ends.in, Uint8Array.of(...good, 0))).toBe('bad-icv')
    expect(opened(ends.in, good)).toBe('010203040506')
  })

  it('refuses what was sealed under another key, SPI, salt, or width of sequence numbers', () => {
    const { out } = endsOf({ suite })
    const packet = sealed(out, hex('00'.repeat(40)))
    const others = [{ spi: 1 }, { salt: 1 }, { extendedSequence: true }]
    for (const layout of others) {
      expect(opened(endsOf({ suite, layout }).in, packet)).toBe('bad-icv')
    }
    const key = new Uint8Array(suite.keyBytes).fill(8)
    const options = { ...LAYOUT, replayWindowPackets: 0, windowPerRun: false }
    const end = new InboundAssociation(options, suite.open(key))
    expect(opened(end, packet)).toBe('bad-icv')
  })
})

describe('sequence numbers', () => {
  const NOTHING = new Uint8Array(0)

  it('begin with 1 and stop for good behind the last one', () => {
    const { out } = endsOf({ sequenceAfter: SEQUENCE_MAX - 2 })
    expect(u32(sealed(endsOf().out, NOTHING), 4)).toBe(1)
    expect(u32(sealed(out, NOTHING), 4)).toBe(SEQUENCE_MAX - 1)
    expect(u32(sealed(out, NOTHING), 4)).toBe(SEQUENCE_MAX)
    const bytes = new Uint8Array(100).fill(0xa5)
    for (let i = 0; i < 3; i++) expect(out.seal(bytes, 50, 60)).toBe('exhausted')
    expect(bytes.every((byte) => byte === 0xa5)).toBe(true)
    expect(out.sequence).toBe(SEQUENCE_MAX)
  })

  it('go on behind 32 bits where they are extended, and then stop too', () => {
    const layout = { extendedSequence: true }
    const ends = endsOf({ layout, sequenceAfter: SEQUENCE_MAX - 1 })
    // A receiver that is up to date: it has seen what came shortly before.
    const near = endsOf({ layout, sequenceAfter: SEQUENCE_MAX - 50 })
    expect(opened(ends.in, sealed(near.out, hex('aa')))).toBe('late')
    const warm = endsOf({ layout })
    for (let at = 2 ** 30; at < SEQUENCE_MAX; at += 2 ** 30) {
      const { out } = endsOf({ layout, sequenceAfter: at })
      expect(opened(warm.in, sealed(out, hex('aa')))).toBe('aa')
    }
    expect(opened(warm.in, sealed(near.out, hex('bb')))).toBe('bb')
    const packets = Array.from({ length: 6 }, () => sealed(ends.out, hex('cc')))
    expect(packets.map((packet) => u32(packet, 4))).toEqual([SEQUENCE_MAX, 0, 1, 2, 3, 4])
    // Out of order, over the edge and back, and each only once.
    for (const at of [3, 0, 2, 1, 5, 4]) {
      expect(opened(warm.in, packets[at] ?? NOTHING)).toBe('cc')
      expect(opened(warm.in, packets[at] ?? NOTHING)).toBe('replayed')
    }
    const last = endsOf({ layout, sequenceAfter: EXTENDED_SEQUENCE_MAX - 1 })
    expect(u32(sealed(last.out, NOTHING), 4)).toBe(SEQUENCE_MAX)
    expect(last.out.seal(new Uint8Array(100), 50, 60)).toBe('exhausted')
  })

  it('want a new key when three quarters are used', () => {
    expect(endsOf().out.rekeyAt).toBe(3 * 2 ** 30 - 3)
    expect(endsOf({ layout: { extendedSequence: true } }).out.rekeyAt).toBe(3 * 2 ** 51 - 3)
  })

  it('never serve after the end was closed', () => {
    const { out } = endsOf()
    out.close()
    expect(out.seal(new Uint8Array(100), 50, 60)).toBe('exhausted')
  })
})

describe('initialisation vectors', () => {
  const vectorOf = (packet: Uint8Array): string => toHex(packet.subarray(8, 16))

  const vectorsOf = (mask: string, layout: AssociationLayout, sequenceAfter: number): string[] => {
    const cipher = GCM_8.open(new Uint8Array(16))
    const out = new OutboundAssociation({ ...layout, sequenceAfter }, cipher, saying(mask))
    return Array.from({ length: 3 }, () => vectorOf(sealed(out, hex('00'))))
  }

  it('are sequence numbers under a mask, as the kernel’s, over all 64 bits', () => {
    const vectors = vectorsOf('ffffffffffffffff', LAYOUT, 0)
    expect(vectors).toEqual(['fffffffffffffffe', 'fffffffffffffffd', 'fffffffffffffffc'])
    const extended = { ...LAYOUT, extendedSequence: true }
    const carried = vectorsOf('0000000500000000', extended, 0xffff_fffe)
    expect(carried).toEqual(['00000005ffffffff', '0000000400000000', '0000000400000001'])
  })

  it('are others after a restart, though sequence numbers are the same', () => {
    const key = new Uint8Array(16)
    const entropy = new SimEntropy(new SeededRandom('restarts'))
    const vectors = Array.from({ length: 50 }, () => {
      const options = { ...LAYOUT, sequenceAfter: 0 }
      return vectorOf(sealed(new OutboundAssociation(options, GCM_8.open(key), entropy), hex('00')))
    })
    expect(new Set(vectors).size).toBe(50)
  })
})

describe('what is authentic is not yet welcome', () => {
  /** A packet whose sealed part is as written, whatever a sender must write. */
  function forged(plain: string, sequence: number, vector = 0): Uint8Array {
    const text = hex(plain)
    const packet = new Uint8Array(ESP_HEADER_BYTES + text.length + GCM_8.tagBytes)
    setU32(packet, 0, LAYOUT.spi)
    setU32(packet, 4, sequence)
    packet.set(text, ESP_HEADER_BYTES)
    const nonce = new Uint8Array(12)
    setU32(nonce, 0, LAYOUT.salt)
    setU32(nonce, 8, vector)
    setU32(packet, 12, vector)
    const cipher = GCM_8.open(new Uint8Array(16).fill(7))
    const end = ESP_HEADER_BYTES + text.length
    cipher.seal(packet, ESP_HEADER_BYTES, end, nonce, packet.slice(0, 8))
    return packet
  }

  it('refuses padding that is not 1, 2, 3', () => {
    const { in: end } = endsOf()
    expect(opened(end, forged('aabb 010203 03 11', 1))).toBe('aabb')
    expect(opened(end, forged('aabb 010204 03 11', 2))).toBe('bad-padding')
    expect(opened(end, forged('aabb 000203 03 11', 3))).toBe('bad-padding')
    expect(opened(end, forged('0102 02 11', 4))).toBe('')
    expect(opened(end, forged('0102 03 11', 5))).toBe('bad-padding')
    expect(opened(end, forged('ff 11', 6))).toBe('bad-padding')
    // Right as padding goes, but half of it would be the vector in front of the sealed part.
    expect(opened(end, forged('02 02 11', 8, 1))).toBe('bad-padding')
    expect(opened(end, forged('00 11', 7))).toBe('')
    // Authentic packets count as received, whatever is in them.
    expect(opened(end, forged('00 11', 6))).toBe('replayed')
  })

  it('takes padding of every length', () => {
    const { in: end } = endsOf({ replayWindowPackets: 0 })
    for (let padding = 0; padding <= 255; padding++) {
      const bytes = Uint8Array.from({ length: padding + 3 }, (_, i) => i)
      setU8(bytes, padding + 1, padding)
      setU8(bytes, padding + 2, UDP)
      expect(opened(end, forged(toHex(bytes), 1))).toBe('00')
    }
  })

  it('drops cover traffic, and other protocols than the one agreed on', () => {
    const { in: end } = endsOf()
    expect(opened(end, forged(`aabb 00 ${ESP_DUMMY.toString(16)}`, 1))).toBe('dummy')
    expect(opened(end, forged('aabb 00 06', 2))).toBe('bad-protocol')
    expect(opened(end, forged('aabb 00 11', 3))).toBe('aabb')
  })
})

describe('replays', () => {
  it('are refused in any order and number, and nothing else is', () => {
    const orders = fc.array(fc.nat({ max: 200 }), { maxLength: 300 })
    const property = fc.property(orders, fc.boolean(), (order, extendedSequence) => {
      const options = { replayWindowPackets: 64, layout: { extendedSequence } }
      const { out, in: end } = endsOf(options)
      const packets = Array.from({ length: 201 }, (_, i) => sealed(out, Uint8Array.of(i)))
      const seen = new Set<number>()
      let top = 0
      for (const at of order) {
        const isLate = at + 1 <= top - 64
        // An extended number too low for the window is taken for one of the next round.
        const late = extendedSequence ? 'bad-icv' : 'late'
        const expected = isLate ? late : seen.has(at) ? 'replayed' : toHex(Uint8Array.of(at))
        expect(opened(end, packets[at] ?? new Uint8Array(0))).toBe(expected)
        if (isLate) continue
        seen.add(at)
        top = Math.max(top, at + 1)
      }
    })
    fc.assert(property, { numRuns: 40 })
  })

  it('are not a forger’s to cause: what is not authentic does not move the window', () => {
    const { out, in: end } = endsOf()
    const packet = sealed(out, hex('01'))
    const far = packet.slice()
    setU32(far, 4, 0xffff_ffff)
    expect(opened(end, far)).toBe('bad-icv')
    expect(opened(end, packet)).toBe('01')
  })

  it('pass where no window is kept, as with Docker', () => {
    const { out, in: end } = endsOf({ replayWindowPackets: 0 })
    const packet = sealed(out, hex('01'))
    expect(opened(end, packet)).toBe('01')
    expect(opened(end, packet)).toBe('01')
    expect(() => endsOf({ replayWindowPackets: 0, layout: { extendedSequence: true } })).toThrow(
      'bug: a replay window',
    )
  })
})

describe('room', () => {
  it('in front of a packet and behind it is the caller’s to leave', () => {
    const { out } = endsOf()
    const bytes = new Uint8Array(ESP_HEADER_BYTES + 2 + ESP_TRAILER_BYTES + 8)
    expect(() => out.seal(bytes, ESP_HEADER_BYTES - 1, ESP_HEADER_BYTES)).toThrow('bug: room')
    expect(() => out.seal(bytes, ESP_HEADER_BYTES, ESP_HEADER_BYTES + 3)).toThrow('bug: room')
    expect(out.sequence).toBe(0)
    expect(out.seal(bytes, ESP_HEADER_BYTES, ESP_HEADER_BYTES + 2)).toBe(bytes.length)
  })

  it('knows its faults by name', () => {
    expect(new Set(ESP_FAULTS).size).toBe(ESP_FAULTS.length)
  })
})
