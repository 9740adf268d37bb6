/** Streams: what begins one, what is refused, and the limits of what is kept. */
import { setU32, toHex, utf8Bytes } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { compress } from '../src/memberlist/compression.ts'
import type { GossipFault } from '../src/memberlist/faults.ts'
import { KeyRing } from '../src/memberlist/key-ring.ts'
import {
  DECOMPRESSED_BYTES_MAX,
  ERROR_BYTES_MAX,
  PUSH_PULL_NODES_MAX,
  STREAM_BYTES_MAX,
} from '../src/memberlist/limits.ts'
import type { PushPull, PushPullNode, StreamMessage } from '../src/memberlist/messages.ts'
import { wrapStreamMessage } from '../src/memberlist/stream-frame.ts'
import { encodeStreamMessage } from '../src/memberlist/stream-messages.ts'
import { StreamReader } from '../src/memberlist/stream-reader.ts'
import type { WrapOptions } from '../src/memberlist/wrap-options.ts'
import { compressionOf, hex, keyOf, lzwBomb, optionsOf, threeKeys } from './memberlist-samples.ts'

const hello: StreamMessage = { kind: 'user', bytes: utf8Bytes('hello') }
const ping: StreamMessage = {
  kind: 'ping',
  seqNo: 7,
  node: 'n1',
  sourceAddr: new Uint8Array(0),
  sourcePort: 0,
  sourceNode: '',
}
const node: PushPullNode = {
  name: 'n1',
  addr: Uint8Array.of(10, 0, 0, 1),
  port: 7946,
  meta: new Uint8Array(0),
  incarnation: 1,
  state: 'alive',
  vsn: [1, 5, 2, 0, 0, 0],
}
function pushPull(
  nodes: readonly PushPullNode[],
  userState: Uint8Array = new Uint8Array(0),
): PushPull {
  return { kind: 'push-pull', join: false, nodes, userState }
}

const readerOf = (some: Partial<WrapOptions> = {}) => new StreamReader(optionsOf(some))
const faultOf = (bytes: Uint8Array, some: Partial<WrapOptions> = {}) => {
  const reader = readerOf(some)
  expect(reader.push(bytes)).toBe(null)
  expect(reader.isPartial).toBe(reader.fault === null && bytes.length > 0)
  return reader.fault
}
const unlimited = (plain: Uint8Array) => compress(plain, Infinity) ?? new Uint8Array(0)
/** A header of a push/pull, or of a user message, that says these numbers. */
const u32Hex = (number: number) => `ce${number.toString(16).padStart(8, '0')}`
const pushPullHead = (nodes: number, userState: number) =>
  hex(`0682a54e6f646573${u32Hex(nodes)}ac5573657253746174654c656e${u32Hex(userState)}`)
const userHead = (bytes: number) => hex(`0881aa557365724d73674c656e${u32Hex(bytes)}`)

describe('a stream', () => {
  it('that is silent, or in the middle of a message', () => {
    const reader = readerOf()
    expect([reader.push(new Uint8Array(0)), reader.isPartial, reader.fault]).toEqual([
      null,
      false,
      null,
    ])
    const bytes = wrapStreamMessage(optionsOf(), hello)
    expect([reader.push(bytes.subarray(0, 3)), reader.isPartial]).toEqual([null, true])
    expect([reader.push(bytes.subarray(3)), reader.isPartial]).toEqual([hello, false])
  })

  it('of which only the label has come is in the middle of a message', () => {
    const options = optionsOf({ label: 'blue' })
    const bytes = wrapStreamMessage(options, hello)
    const reader = new StreamReader(options)
    for (const byte of bytes.subarray(0, 6)) reader.push(Uint8Array.of(byte))
    expect([reader.fault, reader.isPartial]).toEqual([null, true])
    expect(reader.push(bytes.subarray(6))).toEqual(hello)
  })

  it('goes on for longer than one message may be, however its messages are cut', () => {
    const bytes = wrapStreamMessage(optionsOf(), { kind: 'user', bytes: new Uint8Array(5_000) })
    const three = Uint8Array.of(...bytes, ...bytes, ...bytes)
    const reader = readerOf()
    reader.push(bytes.subarray(0, 4_000))
    // Each piece ends one message and begins another; in all it is more than a stream may keep.
    const piece = three.subarray(4_000, 4_000 + bytes.length)
    let messages = 0
    for (let sent = 0; sent <= STREAM_BYTES_MAX; sent += piece.length) {
      if (reader.push(piece) !== null) messages++
      expect(reader.push(new Uint8Array(0))).toBe(null)
    }
    expect([reader.fault, messages]).toEqual([null, Math.ceil(STREAM_BYTES_MAX / piece.length)])
  })

  it('gives several messages one by one', () => {
    const all: readonly StreamMessage[] = [hello, ping, pushPull([node]), hello]
    for (const some of [{}, { keys: threeKeys() }, { compress: true }]) {
      const options = optionsOf(some)
      const bytes = Uint8Array.from(all.flatMap((said) => [...wrapStreamMessage(options, said)]))
      const reader = new StreamReader(options)
      const read = all.map((_, i) => reader.push(i === 0 ? bytes : new Uint8Array(0)))
      expect(read).toEqual(all)
      expect([reader.push(new Uint8Array(0)), reader.isPartial]).toEqual([null, false])
    }
  })

  it('owns what it gives: the buffers of the socket may be used again', () => {
    const reader = readerOf()
    const bytes = wrapStreamMessage(optionsOf(), pushPull([node], hex('aabbcc')))
    const read = reader.push(bytes)
    bytes.fill(0xff)
    reader.push(bytes)
    expect(read).toEqual(pushPull([node], hex('aabbcc')))
  })

  it('owns what it gives: its own buffer may be used again', () => {
    const reader = readerOf()
    const bytes = new Uint8Array(100).fill(0x61)
    const first = wrapStreamMessage(optionsOf(), { kind: 'user', bytes })
    const read = reader.push(Uint8Array.of(...first, ...encodeStreamMessage(hello)))
    expect(reader.push(new Uint8Array(0))).toEqual(hello)
    expect(read).toEqual({ kind: 'user', bytes })
  })

  it('refused once stays refused', () => {
    const reader = readerOf()
    expect([reader.push(hex('ff')), reader.fault]).toEqual([null, 'bad-type'])
    const good = wrapStreamMessage(optionsOf(), hello)
    expect([reader.push(good), reader.fault, reader.isPartial]).toEqual([null, 'bad-type', false])
  })

  it.each<[string, string, GossipFault]>([
    ['a suspect', '0380', 'bad-type'],
    ['an indirect ping', '0180', 'bad-type'],
    ['a compound', '0700', 'bad-type'],
    ['a checksum', '0c00', 'bad-type'],
    ['a type that is unknown', 'ee', 'bad-type'],
    ['a header that is no map', '06c0', 'bad-msgpack'],
    ['a header that is no msgpack', '06c1', 'bad-msgpack'],
    ['a head that owes too much', '06dfffffffff', 'too-many'],
    ['a ping with an address of five bytes', '0081aa536f7572636541646472a50102030405', 'bad-value'],
    ['a negative length', '0881aa557365724d73674c656eff', 'bad-value'],
    ['a compression of another algorithm', '0982a4416c676f01a3427566a20001', 'bad-compression'],
    ['a compression without an end', '0982a4416c676f00a3427566a20001', 'bad-compression'],
    ['a sealed message where nothing is sealed', '0a00000000', 'cannot-open'],
    ['a label where none is expected', 'f40162', 'bad-label'],
  ])('%s is refused', (_, bytes, fault) => {
    expect(faultOf(hex(bytes))).toBe(fault)
  })

  it('compressed twice, or not to its end, is refused', () => {
    const bytes = encodeStreamMessage(hello)
    expect(faultOf(unlimited(unlimited(bytes)))).toBe('bad-type')
    expect(faultOf(unlimited(bytes.subarray(0, -1)))).toBe('short')
    expect(faultOf(unlimited(new Uint8Array(0)))).toBe('short')
    expect(readerOf().push(unlimited(Uint8Array.of(...bytes, 0xff)))).toEqual(hello)
  })

  it('tells of an error in at most ERROR_BYTES_MAX bytes', () => {
    const error = 'e'.repeat(ERROR_BYTES_MAX)
    const most = wrapStreamMessage(optionsOf(), { kind: 'error', error })
    expect(readerOf().push(most)).toEqual({ kind: 'error', error })
    const more = wrapStreamMessage(optionsOf(), { kind: 'error', error: `${error}e` })
    expect(faultOf(more)).toBe('oversized')
  })
})

describe('a push/pull', () => {
  it('leaves out nodes that cannot be, and counts them', () => {
    const reader = readerOf()
    const others: readonly PushPullNode[] = [
      { ...node, port: 0 },
      { ...node, name: '' },
      { ...node, addr: new Uint8Array(5) },
      { ...node, meta: new Uint8Array(513) },
    ]
    const bytes = wrapStreamMessage(optionsOf(), pushPull([...others, node], hex('aa')))
    expect(reader.push(bytes)).toEqual(pushPull([node], hex('aa')))
    expect([reader.nodesRefused, reader.fault]).toEqual([4, null])
    const state = toHex(bytes).replaceAll('a5537461746500', 'a5537461746504')
    expect(reader.push(hex(state))).toEqual(pushPull([], hex('aa')))
    expect(reader.nodesRefused).toBe(9)
  })

  it('knows the four states', () => {
    const states = ['alive', 'suspect', 'dead', 'left'] as const
    const nodes = states.map((state) => ({ ...node, state }))
    const bytes = wrapStreamMessage(optionsOf(), pushPull(nodes))
    expect(readerOf().push(bytes)).toEqual(pushPull(nodes))
  })

  it('has at most PUSH_PULL_NODES_MAX nodes: its header is refused', () => {
    expect(faultOf(pushPullHead(PUSH_PULL_NODES_MAX, 0))).toBe(null)
    expect(faultOf(pushPullHead(PUSH_PULL_NODES_MAX + 1, 0))).toBe('too-many')
    // It lied about its nodes: what follows is no node, and then the stream is over.
    expect(faultOf(Uint8Array.of(...pushPullHead(2, 0), 0xc1))).toBe('bad-msgpack')
  })

  it('and a user message announce at most DECOMPRESSED_BYTES_MAX bytes', () => {
    expect(faultOf(pushPullHead(0, DECOMPRESSED_BYTES_MAX))).toBe(null)
    expect(faultOf(pushPullHead(0, DECOMPRESSED_BYTES_MAX + 1))).toBe('oversized')
    expect(faultOf(userHead(DECOMPRESSED_BYTES_MAX))).toBe(null)
    expect(faultOf(userHead(DECOMPRESSED_BYTES_MAX + 1))).toBe('oversized')
  })
})

describe('sizes', () => {
  const keys = threeKeys()
  const frame = (length: number) => {
    const bytes = new Uint8Array(5)
    bytes[0] = 0x0a
    setU32(bytes, 1, length)
    return bytes
  }

  it('a sealed message has at most STREAM_BYTES_MAX bytes, and what an envelope needs', () => {
    expect(faultOf(frame(STREAM_BYTES_MAX), { keys })).toBe(null)
    expect(faultOf(frame(STREAM_BYTES_MAX + 1), { keys })).toBe('oversized')
    expect(faultOf(frame(0xffff_ffff), { keys })).toBe('oversized')
    expect(faultOf(frame(28), { keys })).toBe('short')
    expect(faultOf(frame(0), { keys })).toBe('short')
  })

  it('the largest sealed message there can be is read', () => {
    // 29 bytes of envelope, 1 of type, 1 of map, 11 of key, 5 of length.
    const bytes = new Uint8Array(STREAM_BYTES_MAX - 29 - 18).fill(0x61)
    const sealed = wrapStreamMessage(optionsOf({ keys }), { kind: 'user', bytes })
    expect(sealed).toHaveLength(5 + STREAM_BYTES_MAX)
    const reader = readerOf({ keys })
    expect(reader.push(sealed.subarray(0, -1))).toBe(null)
    const read = reader.push(sealed.subarray(-1))
    expect(read?.kind === 'user' ? read.bytes.length : reader.fault).toBe(bytes.length)
  })

  it('a message in the clear is given up when it does not end', () => {
    const reader = readerOf()
    expect(reader.push(userHead(DECOMPRESSED_BYTES_MAX))).toBe(null)
    const megabyte = new Uint8Array(1024 * 1024)
    for (let i = 0; i < STREAM_BYTES_MAX / megabyte.length - 1; i++) reader.push(megabyte)
    expect(reader.fault).toBe(null)
    reader.push(megabyte)
    expect([reader.fault, reader.isPartial]).toEqual(['oversized', false])
  })

  it('a bomb is not unpacked beyond DECOMPRESSED_BYTES_MAX', () => {
    const bomb = compressionOf(lzwBomb(DECOMPRESSED_BYTES_MAX))
    expect(bomb.length).toBeLessThan(100_000)
    expect(faultOf(bomb)).toBe('oversized')
  })
})

describe('seals of streams', () => {
  const keys = threeKeys()
  const sealed = (some: Partial<WrapOptions> = {}) =>
    wrapStreamMessage(optionsOf({ keys, ...some }), hello)

  it('are required where a ring is in use', () => {
    expect(faultOf(encodeStreamMessage(hello), { keys })).toBe('not-sealed')
    expect(faultOf(unlimited(encodeStreamMessage(hello)), { keys })).toBe('not-sealed')
    expect(readerOf({ keys: new KeyRing([]) }).push(encodeStreamMessage(hello))).toEqual(hello)
    expect(faultOf(sealed(), { keys: new KeyRing([]) })).toBe('cannot-open')
  })

  it('are opened by any key of the ring, by no other', () => {
    for (const fill of [1, 2, 3]) {
      const ring = new KeyRing([keyOf(fill)])
      expect(readerOf({ keys }).push(sealed({ keys: ring }))).toEqual(hello)
    }
    expect(faultOf(sealed({ keys: new KeyRing([keyOf(4)]) }), { keys })).toBe('cannot-open')
  })

  it('are refused, or wait in vain, with any bit changed', () => {
    const bytes = sealed({ compress: true })
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const at = bit >>> 3
      const reader = readerOf({ keys })
      const flipped = bytes.with(at, (bytes[at] ?? 0) ^ (1 << (bit & 7)))
      expect(reader.push(flipped)).toBe(null)
      expect(reader.fault !== null || reader.isPartial).toBe(true)
      if (at > 5) expect(reader.fault).toBe('cannot-open')
    }
  })

  it('cover the frame header and the label', () => {
    const blue = sealed({ label: 'blue' })
    expect(readerOf({ keys, label: 'blue' }).push(blue)).toEqual(hello)
    expect(faultOf(blue.subarray(6), { keys })).toBe('cannot-open')
    expect(faultOf(blue, { keys, label: 'red' })).toBe('bad-label')
    expect(faultOf(sealed(), { keys, label: 'blue' })).toBe('bad-label')
    const relabelled = Uint8Array.of(0xf4, 3, ...utf8Bytes('red'), ...blue.subarray(6))
    expect(faultOf(relabelled, { keys, label: 'red' })).toBe('cannot-open')
  })

  it('of nothing are short', () => {
    const empty = unlimited(new Uint8Array(0))
    expect(empty[0]).toBe(9)
    expect(faultOf(empty)).toBe('short')
  })
})
