/** Bytes of live Docker engines, and a table of computed ones, read and written again. */
import { setU32, toHex, utf8Bytes, type Entropy } from '@weft/core'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compress, decompress } from '../src/memberlist/compression.ts'
import { crc32 } from '../src/memberlist/crc32.ts'
import { KeyRing } from '../src/memberlist/key-ring.ts'
import { decodeLzw } from '../src/memberlist/lzw-decode.ts'
import { encodeLzw } from '../src/memberlist/lzw-encode.ts'
import type { Alive, PacketMessage, PushPullNode, Versions } from '../src/memberlist/messages.ts'
import { PacketCodec } from '../src/memberlist/packet-codec.ts'
import { encodePacketMessage } from '../src/memberlist/packet-messages.ts'
import { wrapStreamMessage } from '../src/memberlist/stream-frame.ts'
import { encodeStreamMessage } from '../src/memberlist/stream-messages.ts'
import { StreamReader } from '../src/memberlist/stream-reader.ts'
import { hex, openWith, optionsOf } from './memberlist-samples.ts'

interface Captured {
  readonly key: string
  readonly packet: string
  readonly frame: string
  readonly plain: string
  readonly inflated: string
  readonly sealed_text_start: string
  readonly header: string
  readonly user_state: string
  readonly bulk_sync: string
}

interface Recording {
  readonly gossip_keys: {
    readonly keys: readonly { readonly lamport: number; readonly key: string }[]
    readonly primary_index: number
  }
  readonly [entry: string]: unknown
}

const FILE = join(import.meta.dirname, '../vectors/docker-20.10.24.json')
const recording = JSON.parse(readFileSync(FILE, 'utf8')) as Recording
const captured = (entry: string) => recording[entry] as Captured

const { keys, primary_index: primaryIndex } = recording.gossip_keys
const ring = keys.map(({ lamport, key }) => ({ tag: String(lamport), bytes: hex(key) }))
/** As the engines hold it: the middle one seals. */
const dockerKeys = () => {
  const made = new KeyRing(ring)
  made.use(String(keys[primaryIndex]?.lamport))
  return made
}

const fixedNonce = (nonce: Uint8Array): Entropy => ({
  fill(target) {
    target.set(nonce)
  },
})

const VSN: Versions = [1, 5, 2, 0, 0, 0]
const NO_BYTES = new Uint8Array(0)
const peer: Alive = {
  kind: 'alive',
  incarnation: 1,
  node: '72d16c513ccc',
  addr: Uint8Array.of(172, 17, 0, 1),
  port: 7946,
  meta: NO_BYTES,
  vsn: VSN,
}

/** What each captured datagram says, in the order in which it says it. */
const PACKETS: readonly (readonly [string, readonly PacketMessage[]])[] = [
  [
    'udp_ping',
    [
      {
        kind: 'ping',
        seqNo: 4416,
        node: '72d16c513ccc',
        sourceAddr: Uint8Array.of(172, 17, 0, 3),
        sourcePort: 7946,
        sourceNode: 'f24aa917dd24',
      },
    ],
  ],
  ['udp_compound', [{ kind: 'ack', seqNo: 111, payload: NO_BYTES }, peer]],
  ['udp_ack', [{ kind: 'ack', seqNo: 101, payload: NO_BYTES }]],
  ['udp_nack', [{ kind: 'nack', seqNo: 112 }]],
  ['udp_crc_alive', [peer]],
  ['udp_crc_user', [{ kind: 'user', bytes: hex(captured('udp_crc_user').plain.slice(12)) }]],
  [
    'udp_crc_compressed_table_gossip',
    [
      {
        kind: 'user',
        bytes: hex(captured('udp_crc_compressed_table_gossip').inflated.slice(2)),
      },
    ],
  ],
]

describe('datagrams of Docker engines', () => {
  it.each(PACKETS)('%s: opened with its key, with the ring, and with no other', (entry, said) => {
    const { key, packet } = captured(entry)
    const alone = new KeyRing([{ tag: 'its', bytes: hex(key) }])
    for (const held of [alone, dockerKeys(), new KeyRing(ring)]) {
      const opened = openWith(optionsOf({ keys: held }), hex(packet))
      expect(opened).toEqual({ messages: said, faults: [] })
    }
    const others = new KeyRing(ring.filter(({ bytes }) => toHex(bytes) !== key))
    expect(openWith(optionsOf({ keys: others }), hex(packet)).faults).toEqual(['cannot-open'])
  })

  it.each(PACKETS)('%s: written again byte for byte', (entry, said) => {
    const { plain } = captured(entry)
    const hasChecksum = plain.startsWith('0c')
    const codec = new PacketCodec(optionsOf({ compress: entry.includes('compressed') }))
    expect(toHex(codec.wrap(said.map(encodePacketMessage), hasChecksum))).toBe(plain)
  })

  it.each(PACKETS)('%s: sealed under the nonce that it had, the same bytes', (entry, said) => {
    const { packet, plain } = captured(entry)
    const entropy = fixedNonce(hex(packet).subarray(1, 13))
    const compressed = entry.includes('compressed')
    const options = optionsOf({ keys: dockerKeys(), compress: compressed, entropy })
    const parts = said.map(encodePacketMessage)
    expect(toHex(new PacketCodec(options).wrap(parts, plain.startsWith('0c')))).toBe(packet)
  })
})

const nodeOf = (name: string, last: number): PushPullNode => ({
  name,
  addr: Uint8Array.of(172, 17, 0, last),
  port: 7946,
  meta: NO_BYTES,
  incarnation: 1,
  state: 'alive',
  vsn: VSN,
})

describe('streams of Docker engines', () => {
  const state = captured('tcp_push_pull_reply')
  const bulk = captured('tcp_user_bulk_sync')
  const pushPull = {
    kind: 'push-pull' as const,
    join: true,
    nodes: [nodeOf('939ff485535d', 2), nodeOf('f24aa917dd24', 3)],
    userState: hex(state.user_state),
  }
  const user = { kind: 'user' as const, bytes: hex(bulk.bulk_sync) }

  it.each([
    ['push/pull', state.frame, pushPull],
    ['user message', bulk.frame, user],
  ] as const)('%s: read with the ring', (_, frame, said) => {
    const reader = new StreamReader(optionsOf({ keys: dockerKeys() }))
    expect(reader.push(hex(frame))).toEqual(said)
    expect([reader.fault, reader.isPartial, reader.nodesRefused]).toEqual([null, false, 0])
  })

  it('a push/pull is written again byte for byte, but for an own empty metadata', () => {
    // An engine sends its own empty metadata as a0 and everyone else's as nil; ours is nil always.
    const written = toHex(encodeStreamMessage(pushPull))
    expect(state.plain.replace('a44d657461a0', 'a44d657461c0')).toBe(written)
    expect(written.startsWith(state.header)).toBe(true)
  })

  it('a user message is compressed and sealed to the same bytes', () => {
    const frame = hex(bulk.frame)
    const entropy = fixedNonce(frame.subarray(6, 18))
    const options = optionsOf({ keys: dockerKeys(), compress: true, entropy })
    expect(toHex(wrapStreamMessage(options, user))).toBe(bulk.frame)
  })

  it('what an engine compressed is compressed to the same bytes', () => {
    const plain = hex(state.plain)
    const message = compress(plain, Infinity)
    expect(toHex(message ?? NO_BYTES).startsWith(state.sealed_text_start)).toBe(true)
    const inflated = decompress(message ?? NO_BYTES, 1, message?.length ?? 0, plain.length)
    expect(inflated).toEqual(plain)
  })
})

/* docker-wire, Appendix A: computed by an independent implementation. */
const KEY = '000102030405060708090a0b0c0d0e0f'
const NONCE = '101112131415161718191a1b'
const ACK = '0282a75061796c6f6164c0a55365714e6f2a'
const SUSPECT =
  '0383a446726f6dac626139383736353433323130ab496e6361726e6174696f6e01a44e6f6465ac3031323334353637' +
  '38396162'
const ALIVE =
  '0486a441646472a4c0000201ab496e6361726e6174696f6e01a44d657461c0a44e6f6465ac30313233343536373839' +
  '6162a4506f7274cd1f0aa356736ea6010502000000'
const PING =
  '0085a44e6f6465ac303132333435363738396162a55365714e6f2aaa536f7572636541646472a4c0000201aa536f75' +
  '7263654e6f6465ac626139383736353433323130aa536f75726365506f7274cd1f0a'
const SEALED = `01${NONCE}c6aca4ff6e36da8076b99d5094429a705596a5a87625f9b53afb0e911366153bcbf3`
const PADDED =
  `00${NONCE}c6aca4ff6e36da8076b99d5094429a7055967a8938fa65b18bc5271f690b1fa32391f7c66a5d2f1b88` +
  'd89e7bc89714d6'
const PUSH_PULL =
  '0683a44a6f696ec3a54e6f64657301ac5573657253746174654c656e0387a441646472a40a000001ab496e6361726e' +
  '6174696f6e01a44d657461c0a44e616d65a26e31a4506f7274cd1f0aa5537461746500a356736ea601050200000078' +
  '797a'
const USER = '0881aa557365724d73674c656e0568656c6c6f'
const USER_COMPRESSED =
  '0982a4416c676f00a3427566b80011045255654e19394de69c6152c64d013465d8b0791310'
const USER_SEALED =
  `0a0000003001${NONCE}ccafa9fa7c2ac4a264ba1190a922835b56d01bc1a6c91c539195b4d3aadf72b1a5de92`
const LZW = '00a93c1152e48914274fa80824687061c183090302'
const LZW_WITHOUT_CLEAR = '549e0829f2448a932754041234b8b0e0c1840101'

const sample = {
  ping: {
    kind: 'ping',
    seqNo: 42,
    node: '0123456789ab',
    sourceAddr: Uint8Array.of(192, 0, 2, 1),
    sourcePort: 7946,
    sourceNode: 'ba9876543210',
  },
  ack: { kind: 'ack', seqNo: 42, payload: NO_BYTES },
  alive: {
    kind: 'alive',
    incarnation: 1,
    node: '0123456789ab',
    addr: Uint8Array.of(192, 0, 2, 1),
    port: 7946,
    meta: NO_BYTES,
    vsn: VSN,
  },
  suspect: { kind: 'suspect', incarnation: 1, node: '0123456789ab', from: 'ba9876543210' },
} satisfies Record<string, PacketMessage>

const fixedKey = () => new KeyRing([{ tag: 'fixed', bytes: hex(KEY) }])

describe('the computed table', () => {
  it.each([
    ['ping', PING],
    ['ack', ACK],
    ['alive', ALIVE],
    ['suspect', SUSPECT],
  ] as const)('%s', (kind, bytes) => {
    expect(openWith(optionsOf(), hex(bytes))).toEqual({ messages: [sample[kind]], faults: [] })
    expect(toHex(encodePacketMessage(sample[kind]))).toBe(bytes)
  })

  it('compound', () => {
    const compound = `070200120033${ACK}${SUSPECT}`
    const said = [sample.ack, sample.suspect]
    expect(openWith(optionsOf(), hex(compound))).toEqual({ messages: said, faults: [] })
    const wrapped = new PacketCodec(optionsOf()).wrap(said.map(encodePacketMessage), false)
    expect(toHex(wrapped)).toBe(compound)
  })

  it('checksum', () => {
    const checked = `0ced14719a${ACK}`
    expect(openWith(optionsOf(), hex(checked)).messages).toEqual([sample.ack])
    expect(toHex(new PacketCodec(optionsOf()).wrap([hex(ACK)], true))).toBe(checked)
  })

  it('the check value of CRC-32', () => {
    const bytes = utf8Bytes('123456789')
    expect(crc32(bytes, 0, bytes.length)).toBe(0xcbf4_3926)
    expect(crc32(bytes, 3, 3)).toBe(0)
  })

  it('sealed, versions 1 and 0', () => {
    const options = optionsOf({ keys: fixedKey(), entropy: fixedNonce(hex(NONCE)) })
    expect(openWith(options, hex(SEALED))).toEqual({ messages: [sample.ack], faults: [] })
    expect(openWith(options, hex(PADDED))).toEqual({ messages: [sample.ack], faults: [] })
    expect(toHex(new PacketCodec(options).wrap([hex(ACK)], false))).toBe(SEALED)
  })

  it.each([
    ['plain', USER, optionsOf()],
    ['compressed', USER_COMPRESSED, optionsOf({ compress: true })],
    ['sealed', USER_SEALED, optionsOf({ keys: fixedKey(), entropy: fixedNonce(hex(NONCE)) })],
  ])('user message on a stream, %s', (_, bytes, options) => {
    const said = { kind: 'user' as const, bytes: utf8Bytes('hello') }
    expect(new StreamReader(options).push(hex(bytes))).toEqual(said)
    expect(toHex(wrapStreamMessage(options, said))).toBe(bytes)
  })

  it('push/pull', () => {
    const said = {
      kind: 'push-pull' as const,
      join: true,
      nodes: [{ ...nodeOf('n1', 1), addr: Uint8Array.of(10, 0, 0, 1) }],
      userState: utf8Bytes('xyz'),
    }
    expect(new StreamReader(optionsOf()).push(hex(PUSH_PULL))).toEqual(said)
    expect(toHex(wrapStreamMessage(optionsOf(), said))).toBe(PUSH_PULL)
  })

  it('LZW, with and without a clear in front', () => {
    const text = utf8Bytes('TOBEORNOTTOBEORTOBEORNOT')
    for (const bytes of [hex(LZW), hex(LZW_WITHOUT_CLEAR)]) {
      expect(decodeLzw(bytes, 0, bytes.length, text.length)).toEqual(text)
    }
    expect(toHex(encodeLzw(text, 100) ?? NO_BYTES)).toBe(LZW)
  })

  it('a checksum that is wrong by a bit', () => {
    const checked = hex(`0ced14719a${ACK}`)
    setU32(checked, 1, 0xed14_719b)
    expect(openWith(optionsOf(), checked)).toEqual({ messages: [], faults: ['bad-checksum'] })
  })
})
