/** Datagrams: the layers around messages, in the order of docker-wire §2.3, and their limits. */
import { setU16, setU8, toHex, utf8Bytes } from '@weft/core'
import { nodeAead } from '@weft/runtime-node'
import { describe, expect, it } from 'vitest'
import { compress } from '../src/memberlist/compression.ts'
import { ENVELOPE_BYTES, sealInto } from '../src/memberlist/envelope.ts'
import type { GossipFault } from '../src/memberlist/faults.ts'
import { KeyRing } from '../src/memberlist/key-ring.ts'
import {
  COMPOUND_PARTS_MAX,
  LABEL_BYTES_MAX,
  LAYER_DEPTH_MAX,
  PACKET_DECOMPRESSED_BYTES_MAX,
  PACKET_MESSAGES_MAX,
} from '../src/memberlist/limits.ts'
import type { PacketMessage } from '../src/memberlist/messages.ts'
import { PacketCodec } from '../src/memberlist/packet-codec.ts'
import { encodePacketMessage } from '../src/memberlist/packet-messages.ts'
import { hex, keyOf, openWith, optionsOf, threeKeys } from './memberlist-samples.ts'

const nack = (seqNo: number): PacketMessage => ({ kind: 'nack', seqNo })
const nackBytes = (seqNo: number) => encodePacketMessage(nack(seqNo))
const NACK = nackBytes(1)

/** A compound that says so many parts, whatever follows. */
function compoundOf(parts: readonly Uint8Array[], said = parts.length): Uint8Array {
  const head = new Uint8Array(2 + 2 * said)
  setU8(head, 0, 7)
  setU8(head, 1, said)
  parts.forEach((part, i) => setU16(head, 2 + 2 * i, part.length))
  return Uint8Array.of(...head, ...parts.flatMap((part) => [...part]))
}

function compressed(plain: Uint8Array): Uint8Array {
  const message = compress(plain, Infinity)
  if (message === null) throw new Error('without a limit there is always a result')
  return message
}

const clear = (bytes: Uint8Array) => openWith(optionsOf(), bytes)
const faultOf = (bytes: Uint8Array, some: Parameters<typeof optionsOf>[0] = {}) => {
  const { messages, faults } = openWith(optionsOf(some), bytes)
  expect(messages).toEqual([])
  return faults
}

describe('compounds', () => {
  it('one message stands alone, several in a compound', () => {
    const codec = new PacketCodec(optionsOf())
    expect(codec.wrap([NACK], false)).toEqual(NACK)
    const compound = codec.wrap([NACK, nackBytes(2)], false)
    expect(toHex(compound)).toBe(`070200090009${toHex(NACK)}${toHex(nackBytes(2))}`)
  })

  it('holds at most COMPOUND_PARTS_MAX messages of ours: more is a bug', () => {
    const codec = new PacketCodec(optionsOf())
    const most = Array.from({ length: COMPOUND_PARTS_MAX }, (_, i) => nackBytes(i))
    expect(clear(codec.wrap(most, false)).messages).toHaveLength(COMPOUND_PARTS_MAX)
    expect(() => codec.wrap([...most, NACK], false)).toThrow('bug')
    expect(() => codec.wrap([], false)).toThrow('bug')
  })

  it('is read with up to PACKET_MESSAGES_MAX parts, as newer memberlists send it', () => {
    const parts = Array.from({ length: PACKET_MESSAGES_MAX }, (_, i) => nackBytes(i))
    expect(clear(compoundOf(parts.slice(0, 128))).messages).toHaveLength(128)
    expect(clear(compoundOf(parts))).toEqual({ messages: parts.map((_, i) => nack(i)), faults: [] })
  })

  it('shares its allowance with compounds inside', () => {
    const half = compoundOf(Array.from({ length: PACKET_MESSAGES_MAX - 2 }, () => NACK))
    const within = clear(compoundOf([half, NACK]))
    expect([within.messages.length, within.faults]).toEqual([PACKET_MESSAGES_MAX - 1, []])
    const beyond = clear(compoundOf([half, NACK, NACK]))
    expect([beyond.messages.length, beyond.faults]).toEqual([PACKET_MESSAGES_MAX - 1, ['too-many']])
  })

  it('cut short, yields its complete leading parts', () => {
    const whole = compoundOf([NACK, nackBytes(2), nackBytes(3)])
    const ends = [NACK.length, 2 * NACK.length, 3 * NACK.length].map((length) => 8 + length)
    for (let end = 0; end < whole.length; end++) {
      const { messages, faults } = clear(whole.subarray(0, end))
      expect(messages).toHaveLength(ends.filter((at) => at <= end).length)
      expect(faults).toEqual(['short'])
    }
    expect(clear(whole).faults).toEqual([])
  })

  it('that lies about its count is refused from there on', () => {
    expect(clear(compoundOf([NACK, NACK], 3))).toEqual({
      messages: [nack(1), nack(1)],
      faults: ['short'],
    })
    expect(faultOf(hex('07ff0001'))).toEqual(['short'])
    expect(faultOf(hex('07'))).toEqual(['short'])
    // None at all is no message, and no fault.
    expect(faultOf(hex('0700'))).toEqual([])
  })

  it('with a bad part: that one is refused, the others count', () => {
    const parts = [NACK, hex('0bc1'), hex('ff'), new Uint8Array(0), nackBytes(2)]
    expect(clear(compoundOf(parts))).toEqual({
      messages: [nack(1), nack(2)],
      faults: ['bad-msgpack', 'bad-type', 'short'],
    })
  })

  it('ends a user message where its part ends', () => {
    const user = (bytes: string) => Uint8Array.of(8, ...hex(bytes))
    expect(clear(compoundOf([user('aa'), user(''), user('bbcc')])).messages).toEqual([
      { kind: 'user', bytes: hex('aa') },
      { kind: 'user', bytes: hex('') },
      { kind: 'user', bytes: hex('bbcc') },
    ])
  })
})

describe('depth', () => {
  const nested = (depth: number, wrap: (inner: Uint8Array) => Uint8Array) => {
    let bytes = NACK
    for (let i = 0; i < depth; i++) bytes = wrap(bytes)
    return bytes
  }
  const alternating = (inner: Uint8Array) => {
    return inner[0] === 7 ? compressed(inner) : compoundOf([inner])
  }

  it.each([
    ['compounds', (inner: Uint8Array) => compoundOf([inner])],
    ['compressions', compressed],
    ['both by turns', alternating],
  ])('%s go LAYER_DEPTH_MAX deep', (_, wrap) => {
    expect(clear(nested(LAYER_DEPTH_MAX, wrap)).messages).toEqual([nack(1)])
    expect(faultOf(nested(LAYER_DEPTH_MAX + 1, wrap))).toEqual(['too-deep'])
  })
})

describe('compression', () => {
  const long = encodePacketMessage({ kind: 'user', bytes: new Uint8Array(600).fill(0x61) })

  it('is done when it makes a datagram shorter, and only then', () => {
    const codec = new PacketCodec(optionsOf({ compress: true }))
    expect(codec.wrap([NACK], false)).toEqual(NACK)
    expect(codec.wrap([long], false).length).toBeLessThan(100)
    expect(clear(codec.wrap([long], false)).messages).toEqual([
      { kind: 'user', bytes: long.subarray(1) },
    ])
    expect(new PacketCodec(optionsOf()).wrap([long], false)).toEqual(long)
  })

  it.each([
    ['another algorithm', '0982a4416c676f01a3427566a3000302', 'bad-compression'],
    ['no content', '0981a4416c676f00', 'bad-compression'],
    ['content without an end', '0982a4416c676f00a3427566a20001', 'bad-compression'],
    ['no map', '09c0', 'bad-msgpack'],
    ['nothing', '09', 'short'],
  ])('%s is refused', (_, bytes, fault) => {
    expect(faultOf(hex(bytes))).toEqual([fault])
  })

  it('of nothing is short', () => {
    expect(faultOf(compressed(new Uint8Array(0)))).toEqual(['short'])
  })

  it('yields PACKET_DECOMPRESSED_BYTES_MAX bytes of one datagram, in all', () => {
    const user = (length: number) => new Uint8Array(length).fill(8)
    const most = compressed(user(PACKET_DECOMPRESSED_BYTES_MAX))
    expect(most.length).toBeLessThan(1_000)
    expect(clear(most).messages).toHaveLength(1)
    expect(faultOf(compressed(user(PACKET_DECOMPRESSED_BYTES_MAX + 1)))).toEqual(['oversized'])
    const half = compressed(user(PACKET_DECOMPRESSED_BYTES_MAX / 2))
    expect(clear(compoundOf([half, half]))).toMatchObject({ faults: [] })
    const beyond = clear(compoundOf([half, half, compressed(user(1)), NACK]))
    expect(beyond.messages).toHaveLength(3)
    expect(beyond.faults).toEqual(['oversized'])
  })
})

describe('checksums', () => {
  const checked = new PacketCodec(optionsOf()).wrap([NACK], true)

  it('stand right around compound and compression', () => {
    expect(toHex(checked).slice(0, 2)).toBe('0c')
    expect(clear(checked)).toEqual({ messages: [nack(1)], faults: [] })
  })

  it('catch every single bit', () => {
    for (let bit = 8; bit < 8 * checked.length; bit++) {
      const at = bit >>> 3
      const flipped = checked.with(at, (checked[at] ?? 0) ^ (1 << (bit & 7)))
      expect(faultOf(flipped)).toEqual(['bad-checksum'])
    }
  })

  it('are unknown anywhere else', () => {
    expect(faultOf(compoundOf([checked]))).toEqual(['bad-type'])
    expect(faultOf(checked.subarray(0, 4))).toEqual(['bad-type'])
    expect(faultOf(hex('0c00000000'))).toEqual(['short'])
  })
})

describe('seals', () => {
  const keys = threeKeys()
  const sealed = (some: Parameters<typeof optionsOf>[0] = {}) =>
    new PacketCodec(optionsOf({ keys, ...some })).wrap([NACK], true)

  it('are opened by every key of a ring, and made with the first', () => {
    for (const fill of [1, 2, 3]) {
      const bytes = sealed({ keys: new KeyRing([keyOf(fill)]) })
      expect(openWith(optionsOf({ keys }), bytes)).toEqual({ messages: [nack(1)], faults: [] })
    }
    expect(faultOf(sealed({ keys: new KeyRing([keyOf(4)]) }), { keys })).toEqual(['cannot-open'])
    const first = new KeyRing([keyOf(1)])
    expect(openWith(optionsOf({ keys: first }), sealed()).messages).toEqual([nack(1)])
  })

  it.each([16, 24, 32])('are of AES with keys of %d bytes', (bytes) => {
    const ring = new KeyRing([keyOf(5, bytes)])
    expect(openWith(optionsOf({ keys: ring }), sealed({ keys: ring })).messages).toEqual([nack(1)])
  })

  it('never use a nonce twice', () => {
    const codec = new PacketCodec(optionsOf({ keys }))
    const nonces = Array.from({ length: 100 }, () => toHex(codec.wrap([NACK], false)).slice(2, 26))
    expect(new Set(nonces).size).toBe(100)
  })

  it('are refused with any bit changed, and at any shorter length', () => {
    const bytes = sealed()
    const minimum = ENVELOPE_BYTES
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const at = bit >>> 3
      const flipped = bytes.with(at, (bytes[at] ?? 0) ^ (1 << (bit & 7)))
      const [fault] = faultOf(flipped, { keys })
      expect(['cannot-open', 'bad-version', 'not-sealed', 'short']).toContain(fault)
      if (at > 0) expect(fault).toBe('cannot-open')
    }
    for (let end = 0; end < bytes.length; end++) {
      const expected = end < minimum ? 'short' : 'cannot-open'
      expect(faultOf(bytes.subarray(0, end), { keys })).toEqual([expected])
    }
  })

  it('authenticate nothing else on datagrams: one from a stream is refused', () => {
    const [key] = keys.all()
    if (key === undefined) throw new Error('a ring of three')
    const text = NACK
    const bytes = new Uint8Array(ENVELOPE_BYTES + text.length)
    const options = optionsOf({ keys })
    sealInto(bytes, 0, { text, associated: hex('0a00000024'), key, options })
    expect(faultOf(bytes, { keys })).toEqual(['cannot-open'])
    sealInto(bytes, 0, { text, associated: new Uint8Array(0), key, options })
    expect(openWith(options, bytes).messages).toEqual([nack(1)])
  })

  it('of version 0 have their padding taken off, if it is padding', () => {
    const [key] = keys.all()
    if (key === undefined) throw new Error('a ring of three')
    const padded = (text: Uint8Array) => {
      const nonce = new Uint8Array(12).fill(9)
      const associated = new Uint8Array(0)
      return Uint8Array.of(0, ...nonce, ...nodeAead.seal({ key, nonce, associated }, text))
    }
    const fill = (length: number, value: number) => new Uint8Array(length).fill(value)
    const good = Uint8Array.of(...NACK, ...fill(7, 7))
    expect(openWith(optionsOf({ keys }), padded(good)).messages).toEqual([nack(1)])
    for (const end of [fill(7, 0), fill(23, 23), fill(7, 8), fill(7, 7).with(0, 6)]) {
      expect(faultOf(padded(Uint8Array.of(...NACK, ...end)), { keys })).toEqual(['bad-value'])
    }
    expect(faultOf(padded(fill(16, 16)), { keys })).toEqual(['short'])
    expect(faultOf(padded(fill(15, 15)), { keys })).toEqual(['short'])
  })

  it.each<[string, string, GossipFault]>([
    ['a compound in the clear', '0700', 'not-sealed'],
    ['a checksum in the clear', '0c0000000080', 'not-sealed'],
    ['a version that nobody speaks', '0e'.padEnd(80, '0'), 'bad-version'],
    ['a ping in the clear, which looks like version 0', '0081a55365714e6f07', 'short'],
    ['nothing', '', 'short'],
  ])('%s is refused where a ring is in use', (_, bytes, fault) => {
    expect(faultOf(hex(bytes), { keys })).toEqual([fault])
  })

  it('are no messages where no ring is in use', () => {
    const none = new KeyRing([])
    expect(openWith(optionsOf({ keys: none }), sealed()).messages).toEqual([])
    expect(openWith(optionsOf({ keys: none }), NACK).messages).toEqual([nack(1)])
    expect(new PacketCodec(optionsOf({ keys: none })).wrap([NACK], false)).toEqual(NACK)
  })

  it('follow a ring that changes', () => {
    const ring = new KeyRing([keyOf(1)])
    const codec = new PacketCodec(optionsOf({ keys: ring }))
    const before = codec.wrap([NACK], false)
    ring.install(keyOf(2))
    ring.use('key-2')
    const after = codec.wrap([NACK], false)
    expect(openWith(optionsOf({ keys: ring }), before).messages).toEqual([nack(1)])
    ring.remove('key-1')
    expect(faultOf(before, { keys: ring })).toEqual(['cannot-open'])
    expect(openWith(optionsOf({ keys: ring }), after).messages).toEqual([nack(1)])
  })
})

describe('labels', () => {
  const labelled = (label: string) => new PacketCodec(optionsOf({ label })).wrap([NACK], false)

  it('stand in front of everything', () => {
    expect(toHex(labelled('blue'))).toBe(`f404${toHex(utf8Bytes('blue'))}${toHex(NACK)}`)
    expect(openWith(optionsOf({ label: 'blue' }), labelled('blue')).messages).toEqual([nack(1)])
  })

  it('must be the same', () => {
    expect(faultOf(labelled('blue'), { label: 'blut' })).toEqual(['bad-label'])
    expect(faultOf(labelled('blue'), { label: 'blues' })).toEqual(['bad-label'])
    expect(faultOf(labelled('blues'), { label: 'blue' })).toEqual(['bad-label'])
    expect(faultOf(labelled('blue'), {})).toEqual(['bad-label'])
    expect(faultOf(NACK, { label: 'blue' })).toEqual(['bad-label'])
    expect(faultOf(labelled('blue').subarray(0, 5), { label: 'blue' })).toEqual(['short'])
    expect(faultOf(labelled('blue').subarray(0, 1), { label: 'blue' })).toEqual(['short'])
    expect(faultOf(new Uint8Array(0), { label: 'blue' })).toEqual(['short'])
  })

  it('are authenticated with what is sealed', () => {
    const keys = threeKeys()
    const bytes = new PacketCodec(optionsOf({ keys, label: 'blue' })).wrap([NACK], false)
    expect(openWith(optionsOf({ keys, label: 'blue' }), bytes).messages).toEqual([nack(1)])
    // Another cluster with the same keys: taking the label off, or putting another one on, fails.
    expect(faultOf(bytes.subarray(6), { keys })).toEqual(['cannot-open'])
    const relabelled = Uint8Array.of(0xf4, 3, ...utf8Bytes('red'), ...bytes.subarray(6))
    expect(faultOf(relabelled, { keys, label: 'red' })).toEqual(['cannot-open'])
  })

  it('have at most LABEL_BYTES_MAX bytes', () => {
    const longest = 'l'.repeat(LABEL_BYTES_MAX)
    expect(openWith(optionsOf({ label: longest }), labelled(longest)).messages).toEqual([nack(1)])
    expect(() => labelled(`${longest}l`)).toThrow('bug')
  })
})

describe('the overhead', () => {
  it('is what label and envelope add', () => {
    const keys = threeKeys()
    for (const some of [{}, { keys }, { label: 'blue' }, { keys, label: 'blue' }]) {
      const codec = new PacketCodec(optionsOf(some))
      expect(codec.wrap([NACK], false)).toHaveLength(NACK.length + codec.overhead)
    }
    expect(new PacketCodec(optionsOf({ keys, label: 'blue' })).overhead).toBe(35)
    expect(new PacketCodec(optionsOf({ keys: new KeyRing([]) })).overhead).toBe(0)
  })
})
