/** Single messages: what other encoders may write, what is refused, and where the limits are. */
import { toHex } from '@weft/core'
import { describe, expect, it } from 'vitest'
import {
  ACK_PAYLOAD_BYTES_MAX,
  MAP_ENTRIES_MAX,
  META_BYTES_MAX,
  NAME_BYTES_MAX,
  OWED_VALUES_MAX,
} from '../src/memberlist/limits.ts'
import type { Alive, Ping } from '../src/memberlist/messages.ts'
import { decodePacketMessage, encodePacketMessage } from '../src/memberlist/packet-messages.ts'
import { hex } from './memberlist-samples.ts'

/** Msgpack keys that the cases below are made of. */
const SEQ_NO = 'a55365714e6f'
const NODE = 'a44e6f6465'
const PAYLOAD = 'a75061796c6f6164'
const NACK = 'a44e61636b'

const read = (text: string) => {
  const bytes = hex(text)
  return decodePacketMessage(bytes, 0, bytes.length)
}
const ack = (seqNo: number, payload: Uint8Array = new Uint8Array(0)) => {
  return { kind: 'ack', seqNo, payload }
}

const alive: Alive = {
  kind: 'alive',
  incarnation: 1,
  node: 'n1',
  addr: Uint8Array.of(10, 0, 0, 1),
  port: 7946,
  meta: new Uint8Array(0),
  vsn: [1, 5, 2, 0, 0, 0],
}
const ping: Ping = {
  kind: 'ping',
  seqNo: 1,
  node: 'n1',
  sourceAddr: Uint8Array.of(10, 0, 0, 2),
  sourcePort: 7946,
  sourceNode: 'n2',
}
const reread = (message: Parameters<typeof encodePacketMessage>[0]) => {
  const bytes = encodePacketMessage(message)
  return decodePacketMessage(bytes, 0, bytes.length)
}

describe('encodings of other peers', () => {
  it.each([
    ['fixint', '2a', 42],
    ['uint 8', 'cc2a', 42],
    ['uint 16', 'cd002a', 42],
    ['uint 32', 'ceffffffff', 0xffff_ffff],
    ['uint 64', 'cf00000000ffffffff', 0xffff_ffff],
    ['int 8', 'd02a', 42],
    ['int 16', 'd17fff', 0x7fff],
    ['int 32', 'd27fffffff', 0x7fff_ffff],
    ['int 64', 'd300000000ffffffff', 0xffff_ffff],
    ['nil', 'c0', 0],
  ])('a number as %s', (_, bytes, seqNo) => {
    expect(read(`0b81${SEQ_NO}${bytes}`)).toEqual({ kind: 'nack', seqNo })
  })

  it.each([
    ['negative fixint', 'ff', 'bad-value'],
    ['negative int 8', 'd080', 'bad-value'],
    ['negative int 16', 'd1ffff', 'bad-value'],
    ['negative int 32', 'd280000000', 'bad-value'],
    ['negative int 64', 'd3ffffffffffffffff', 'bad-value'],
    ['33 bits', 'cf0000000100000000', 'bad-value'],
    ['a float', 'ca42280000', 'bad-msgpack'],
    ['a text', 'a13432', 'bad-msgpack'],
    ['true', 'c3', 'bad-msgpack'],
    ['the byte that is no msgpack', 'c1', 'bad-msgpack'],
    ['nothing', '', 'short'],
    ['half of 64 bits', 'cf00000000', 'short'],
  ])('a number as %s is refused', (_, bytes, fault) => {
    expect(read(`0b81${SEQ_NO}${bytes}`)).toBe(fault)
  })

  it.each([
    ['fixraw', 'a26e31'],
    ['raw 8', 'd9026e31'],
    ['raw 16', 'da00026e31'],
    ['raw 32', 'db000000026e31'],
    ['bin 8', 'c4026e31'],
    ['bin 16', 'c500026e31'],
    ['bin 32', 'c6000000026e31'],
  ])('bytes as %s', (_, bytes) => {
    expect(read(`0282${PAYLOAD}${bytes}${SEQ_NO}01`)).toEqual(ack(1, hex('6e31')))
  })

  it('texts and bytes that are none, or longer than the message', () => {
    expect(read(`0281${PAYLOAD}01`)).toBe('bad-msgpack')
    expect(read(`0281${PAYLOAD}a3aabb`)).toBe('short')
    expect(read(`0281${PAYLOAD}dbffffffffaabb`)).toBe('short')
    expect(read(`0281${PAYLOAD}c5ff`)).toBe('short')
  })

  it.each([
    ['c2', false],
    ['c3', true],
    ['00', false],
    ['01', true],
    ['c0', false],
  ])('a flag as %s', (bytes, nack) => {
    const message = read(`0183a6546172676574a40a000001${NODE}a26e31${NACK}${bytes}`)
    expect(message).toMatchObject({ kind: 'indirect-ping', nack, port: 0 })
  })

  it('a flag that is a text', () => {
    expect(read(`0182a6546172676574a40a000001${NACK}a0`)).toBe('bad-msgpack')
  })

  it('keys in any order, in every family of texts, the last of the same winning', () => {
    expect(read(`0282${SEQ_NO}07${PAYLOAD}c0`)).toEqual(ack(7))
    expect(read('0281d9055365714e6f07')).toEqual(ack(7))
    expect(read('0281da00055365714e6f07')).toEqual(ack(7))
    expect(read(`0282${SEQ_NO}07${SEQ_NO}08`)).toEqual(ack(8))
    expect(read(`0282${SEQ_NO}07${SEQ_NO}c0`)).toEqual(ack(0))
    expect(read('02de00015365714e6f07')).toBe('bad-msgpack')
    expect(read(`02de0001${SEQ_NO}07`)).toEqual(ack(7))
  })

  it.each([
    'c0',
    'c2',
    '2a',
    'ff',
    'ca00000000',
    'cb0000000000000000',
    'cf0000000000000000',
    'd0ff',
    'a3616263',
    'c403616263',
    'd403aa',
    'd80300112233445566778899aabbccddeeff',
    'c70203aabb',
    'c8000203aabb',
    'c90000000203aabb',
    '93010203',
    'dc0002c0c0',
    'dd00000002c0c0',
    '8201a161029101',
    'de00010102',
    'df000000010102',
    '91919191919191919191919191919191c0',
  ])('an unknown field of %s is passed over', (value) => {
    const unknown = `a7556e6b6e6f776e${value}`
    expect(read(`0282${unknown}${SEQ_NO}07`)).toEqual(ack(7))
    // A field of another message is as unknown as any.
    expect(read(`0b82${PAYLOAD}${value}${SEQ_NO}07`)).toEqual({ kind: 'nack', seqNo: 7 })
    const cut = `0281${unknown}`.slice(0, -2)
    expect(read(cut)).toBe('short')
  })

  it('an unknown field that is no msgpack', () => {
    expect(read(`0282a7556e6b6e6f776e92c0c1${SEQ_NO}07`)).toBe('bad-msgpack')
  })

  it('absent fields are zero', () => {
    expect(read('0280')).toEqual(ack(0))
    expect(read('0080')).toEqual({
      kind: 'ping',
      seqNo: 0,
      node: '',
      sourceAddr: new Uint8Array(0),
      sourcePort: 0,
      sourceNode: '',
    })
    // A node without a name, without an address, without a port is none.
    expect(read('0480')).toBe('bad-value')
    expect(read('0380')).toBe('bad-value')
    expect(read('0580')).toBe('bad-value')
    expect(read('0180')).toBe('bad-value')
  })

  it('what follows a message is ignored', () => {
    expect(read(`0b81${SEQ_NO}07ffff`)).toEqual({ kind: 'nack', seqNo: 7 })
  })

  it.each(['90', 'a0', 'c0', '01', 'df00000000'])('a message that is %s, no map', (text) => {
    expect(read(`02${text}`)).toBe('bad-msgpack')
  })

  it.each([
    ['8107', 'bad-msgpack'],
    ['81c0', 'bad-msgpack'],
    ['81c4055365714e6f07', 'bad-msgpack'],
    ['81', 'short'],
    ['', 'short'],
    ['de00', 'short'],
  ])('a map %s', (text, fault) => {
    expect(read(`02${text}`)).toBe(fault)
  })
})

describe('types', () => {
  it.each([6, 7, 9, 10, 12, 13, 14, 100, 243, 244, 255])('%d is not of one message', (type) => {
    expect(decodePacketMessage(Uint8Array.of(type, 0x80), 0, 2)).toBe('bad-type')
  })

  it('nothing at all is short', () => {
    expect(decodePacketMessage(new Uint8Array(0), 0, 0)).toBe('short')
  })

  it('user messages are what stands behind the type, even if nothing does', () => {
    expect(read('08')).toEqual({ kind: 'user', bytes: new Uint8Array(0) })
    expect(read('08c1c1')).toEqual({ kind: 'user', bytes: hex('c1c1') })
  })
})

describe('values', () => {
  it('addresses have 4 or 16 bytes; an IPv4 one in IPv6 form is brought to 4', () => {
    const long = Uint8Array.from(hex('fd000000000000000000000000000001'))
    const mapped = Uint8Array.from(hex('00000000000000000000ffff0a000001'))
    expect(reread({ ...alive, addr: long })).toMatchObject({ addr: long })
    expect(reread({ ...alive, addr: mapped })).toEqual(alive)
    for (const length of [0, 3, 5, 15, 17]) {
      expect(reread({ ...alive, addr: new Uint8Array(length) })).toBe('bad-value')
    }
    // A ping may leave its source out.
    expect(reread({ ...ping, sourceAddr: new Uint8Array(0) })).toMatchObject({ kind: 'ping' })
    expect(reread({ ...ping, sourceAddr: new Uint8Array(5) })).toBe('bad-value')
    const target = new Uint8Array(0)
    const relayed = { ...ping, kind: 'indirect-ping' as const, port: 0, nack: true, target }
    expect(reread(relayed)).toBe('bad-value')
    expect(reread({ ...relayed, target: mapped })).toMatchObject({ target: alive.addr })
  })

  it('nearly mapped addresses stay as they are', () => {
    for (const at of [0, 4, 8, 9, 10, 11]) {
      const mapped = hex('00000000000000000000ffff0a000001')
      const other = mapped.with(at, (mapped[at] ?? 0) ^ 1)
      expect(reread({ ...alive, addr: other })).toMatchObject({ addr: other })
    }
  })

  it('a node has a port, of 16 bits', () => {
    expect(reread({ ...alive, port: 0 })).toBe('bad-value')
    expect(reread({ ...alive, port: 65_535 })).toMatchObject({ port: 65_535 })
    expect(reread({ ...alive, port: 65_536 })).toBe('bad-value')
  })

  it('versions are six, or absent as in old peers', () => {
    const bytes = toHex(encodePacketMessage(alive))
    const nil = bytes.replace('a6010502000000', 'c0')
    const absent = bytes.replace('0486', '0485').replace('a356736ea6010502000000', '')
    for (const text of [nil, absent]) expect(read(text)).toMatchObject({ vsn: [0, 0, 0, 0, 0, 0] })
    expect(read(bytes.replace('a6010502000000', 'a50105020000'))).toBe('bad-value')
    expect(read(bytes.replace('a6010502000000', 'a701050200000000'))).toBe('bad-value')
  })

  it('a name has at least one and at most NAME_BYTES_MAX bytes', () => {
    const longest = 'n'.repeat(NAME_BYTES_MAX)
    const wide = 'é'.repeat(NAME_BYTES_MAX / 2)
    for (const node of [longest, wide]) expect(reread({ ...alive, node })).toMatchObject({ node })
    for (const node of ['', `${longest}n`, `${wide}éé`]) {
      expect(reread({ ...alive, node })).toBe('bad-value')
      const accused = { kind: 'suspect' as const, incarnation: 1, node: 'n1', from: 'n2' }
      expect(reread({ ...accused, node })).toBe('bad-value')
      expect(reread({ ...accused, kind: 'dead', from: node })).toBe('bad-value')
    }
    expect(reread({ ...ping, node: `${longest}n` })).toBe('bad-value')
    expect(reread({ ...ping, sourceNode: `${longest}n` })).toBe('bad-value')
  })

  it('a name that is not UTF-8 is refused: it would be one with others', () => {
    expect(read(`0081${NODE}a2c328`)).toBe('bad-value')
    expect(read(`0081${NODE}a2c3a9`)).toMatchObject({ node: 'é' })
  })

  it('metadata has at most META_BYTES_MAX bytes, with the longest name in one packet', () => {
    const node = 'n'.repeat(NAME_BYTES_MAX)
    const most = { ...alive, meta: new Uint8Array(META_BYTES_MAX), node }
    expect(reread(most)).toEqual(most)
    expect(encodePacketMessage(most).length).toBeLessThan(1_000)
    expect(reread({ ...alive, meta: new Uint8Array(META_BYTES_MAX + 1) })).toBe('bad-value')
  })

  it('an ack carries at most ACK_PAYLOAD_BYTES_MAX bytes', () => {
    const most = { kind: 'ack' as const, seqNo: 1, payload: new Uint8Array(ACK_PAYLOAD_BYTES_MAX) }
    expect(reread(most)).toEqual(most)
    const more = new Uint8Array(ACK_PAYLOAD_BYTES_MAX + 1)
    expect(reread({ ...most, payload: more })).toBe('oversized')
  })

  it('a map has at most MAP_ENTRIES_MAX entries', () => {
    const count = (entries: number) => entries.toString(16).padStart(4, '0')
    const unknown = 'a15801'.repeat(MAP_ENTRIES_MAX - 1)
    expect(read(`02de${count(MAP_ENTRIES_MAX)}${unknown}${SEQ_NO}07`)).toEqual(ack(7))
    expect(read(`02de${count(MAP_ENTRIES_MAX + 1)}${unknown}${SEQ_NO}07a15801`)).toBe('too-many')
  })

  it('an unknown value owes at most OWED_VALUES_MAX values, however deep', () => {
    const owing = (items: number) => `0282a158dc${items.toString(16).padStart(4, '0')}`
    const nils = (items: number) => 'c0'.repeat(items)
    const most = `${owing(OWED_VALUES_MAX)}${nils(OWED_VALUES_MAX)}${SEQ_NO}07`
    expect(read(most)).toEqual(ack(7))
    const more = `${owing(OWED_VALUES_MAX + 1)}${nils(OWED_VALUES_MAX + 1)}${SEQ_NO}07`
    expect(read(more)).toBe('too-many')
    // Depth alone costs nothing: each level owes one.
    expect(read(`0282a158${'91'.repeat(30_000)}c0${SEQ_NO}07`)).toEqual(ack(7))
    expect(read(`0281a158${'92'.repeat(OWED_VALUES_MAX + 1)}`)).toBe('too-many')
    expect(read('0281a158dfffffffff')).toBe('too-many')
  })
})
