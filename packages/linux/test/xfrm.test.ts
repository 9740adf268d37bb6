/** IPsec requests against those of `ip xfrm`, and what is read from messages made of them. */
import { readFileSync } from 'node:fs'
import { fromHex, parseCidr, parseIp, setU16le, setU32le, toHex } from '@weft/core'
import {
  MessageReader,
  MessageWriter,
  readXfrmNotices,
  readXfrmPolicy,
  readXfrmState,
  REPLAY_WINDOW_PACKETS_MAX,
  writeDeleteXfrmPolicy,
  writeDeleteXfrmState,
  writeXfrmPolicy,
  writeXfrmState,
  type XfrmPolicySpec,
  type XfrmStateSpec,
} from '../src/index.ts'
import { describe, expect, test } from 'vitest'

const file = new URL('./vectors/iproute2-xfrm-6.1.0.json', import.meta.url)
const recorded = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
const commands = Object.keys(recorded)

const KEY = '000102030405060708090a0b0c0d0e0f53083122'
const bytesOf = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array()

/** docker-wire §5.4. */
const state: XfrmStateSpec = {
  source: parseIp('192.0.2.1'),
  destination: parseIp('192.0.2.2'),
  spi: 0x53083122,
  reqid: 13681891,
  aead: { name: 'rfc4106(gcm(aes))', key: bytesOf(KEY), icvBits: 64 },
  replayWindow: 0,
}

const state6: XfrmStateSpec = {
  source: parseIp('fd00::1'),
  destination: parseIp('fd00::2'),
  spi: 1,
  reqid: 0,
  aead: {
    name: 'rfc7539esp(chacha20,poly1305)',
    key: new Uint8Array(36).fill(0xab),
    icvBits: 128,
  },
  replayWindow: 0,
  limits: {
    softPackets: 3_000_000_000,
    hardPackets: 5_000_000_000,
    hardBytes: 9_000_000_000_000,
    hardSeconds: 3600,
    softSeconds: 3000,
  },
}

const policy: XfrmPolicySpec = {
  direction: 'out',
  selector: {
    source: parseCidr('192.0.2.1/32'),
    destination: parseCidr('192.0.2.2/32'),
    protocol: 17,
    destinationPort: 4789,
  },
  mark: { value: 0xd0c4e3, mask: 0xffff_ffff },
  action: 'allow',
  template: {
    source: state.source,
    destination: state.destination,
    reqid: 13681891,
    spi: 0x53083122,
  },
}

const block6: XfrmPolicySpec = {
  direction: 'in',
  selector: {
    source: parseCidr('fd00::1/128'),
    destination: parseCidr('fd00::/64'),
    protocol: 17,
    destinationPort: 4789,
    sourcePort: 7,
  },
  action: 'block',
  priority: 9,
}

const extended: XfrmStateSpec = {
  ...state,
  reqid: 7,
  replayWindow: 128,
  extendedSequence: true,
  udpEncapsulation: { sourcePort: 4500, destinationPort: 4501 },
}

const marked: XfrmStateSpec = { ...state, replayWindow: 32, mark: { value: 7, mask: 0xff } }

/** In the order of the recording. */
const writers: ((writer: MessageWriter) => void)[] = [
  (writer) => writeXfrmState(writer, 'create', state),
  (writer) => writeXfrmState(writer, 'replace', state),
  (writer) => writeXfrmState(writer, 'create', marked),
  (writer) => writeXfrmState(writer, 'create', extended),
  (writer) => writeXfrmState(writer, 'create', state6),
  (writer) => writeDeleteXfrmState(writer, state),
  (writer) => writeDeleteXfrmState(writer, { ...state6, mark: { value: 7, mask: 0xff } }),
  (writer) => writeXfrmPolicy(writer, 'create', policy),
  (writer) => writeXfrmPolicy(writer, 'replace', policy),
  (writer) => writeXfrmPolicy(writer, 'create', block6),
  (writer) => writeDeleteXfrmPolicy(writer, policy),
  (writer) => writeDeleteXfrmPolicy(writer, block6),
]

describe('says of IPsec what iproute2 says, byte for byte', () => {
  test.each(commands.map((command, i) => [command, i] as const))('%s', (command, i) => {
    const bytes = bytesOf(recorded[command] ?? '')
    expect(bytes.length).toBeGreaterThan(16)
    const writer = new MessageWriter()
    writers[i]?.(writer)
    writer.stamp(0, 0, true)
    bytes.fill(0, 8, 12)
    bytes[6] = (bytes[6] ?? 0) | 4
    expect(toHex(writer.view())).toBe(toHex(bytes))
  })

  test('every recorded command is compared', () => {
    expect(writers).toHaveLength(commands.length)
  })
})

function messageOf(write: (writer: MessageWriter) => void): MessageReader {
  const writer = new MessageWriter()
  write(writer)
  const bytes = writer.view()
  const message = new MessageReader(bytes, 0, bytes.length)
  expect(message.next()).toBe(true)
  return message
}

describe('reads', () => {
  test.each([
    ['as Docker makes them', state, {}],
    ['with a mark and a window', marked, { replayWindow: 32, mark: { value: 7, mask: 0xff } }],
    [
      'with long sequence numbers, in UDP',
      extended,
      {
        replayWindow: 128,
        extendedSequence: true,
        udpEncapsulation: { sourcePort: 4500, destinationPort: 4501 },
      },
    ],
    ['over IPv6', state6, {}],
  ] as const)('states %s, without their keys', (_, spec, more) => {
    const read = readXfrmState(messageOf((writer) => writeXfrmState(writer, 'create', spec)))
    const { destination, reqid, source, spi } = spec
    expect(read).toEqual({
      source,
      destination,
      spi,
      reqid,
      protocol: 50,
      mode: 'transport',
      aead: {
        name: spec.aead.name,
        keyBits: 8 * spec.aead.key.length,
        icvBits: spec.aead.icvBits,
      },
      replayWindow: 0,
      extendedSequence: false,
      udpEncapsulation: null,
      packets: 0,
      bytes: 0,
      tooOld: 0,
      replayed: 0,
      forged: 0,
      ...more,
    })
  })

  test.each([policy, block6])('policies', (spec) => {
    const read = readXfrmPolicy(messageOf((writer) => writeXfrmPolicy(writer, 'create', spec)))
    expect(read).toEqual({ priority: 0, ...spec })
  })

  test('expiries, soft and hard', () => {
    for (const hard of [false, true]) {
      const bytes = new Uint8Array(16 + 232)
      const { bytes: made, from } = messageOf((writer) => writeXfrmState(writer, 'create', state))
      bytes.set(made.subarray(from, from + 224), 16)
      bytes[16 + 224] = hard ? 1 : 0
      setU32le(bytes, 0, bytes.length)
      setU16le(bytes, 4, 0x18)
      const [notice] = readXfrmNotices(bytes)
      expect(notice).toMatchObject({ about: 'expiry', hard, state: { spi: 0x53083122 } })
    }
  })

  test('nothing from what is cut short, wherever', () => {
    const states = messageOf((writer) => writeXfrmState(writer, 'create', extended))
    for (let length = 0; length < 224; length++) {
      const cut = states.bytes.slice(0, 16 + length)
      setU32le(cut, 0, cut.length)
      const message = new MessageReader(cut, 0, cut.length)
      expect(message.next()).toBe(true)
      expect(readXfrmState(message)).toBeNull()
      expect(readXfrmPolicy(message)?.selector ?? null).toBeNull()
      expect(readXfrmNotices(cut)).toEqual([])
    }
  })
})

describe('bugs of callers', () => {
  test('are caught before the kernel hears of them', () => {
    const write = (more: Partial<XfrmStateSpec>) => () =>
      writeXfrmState(new MessageWriter(), 'create', { ...state, ...more })
    const extendedSequence = true
    const most = REPLAY_WINDOW_PACKETS_MAX
    expect(write({ extendedSequence, replayWindow: most })).not.toThrow()
    expect(write({ extendedSequence, replayWindow: most + 1 })).toThrow('window')
    expect(write({ replayWindow: most })).not.toThrow()
    expect(write({ replayWindow: most + 1 })).toThrow('window')
    expect(write({ aead: { ...state.aead, name: 'x'.repeat(63) } })).not.toThrow()
    expect(write({ aead: { ...state.aead, name: 'x'.repeat(64) } })).toThrow('name')
  })

  test('and no key stays behind', () => {
    const writer = new MessageWriter()
    writeXfrmState(writer, 'create', state)
    const view = writer.view()
    expect(toHex(view)).toContain(KEY)
    writer.wipe()
    expect(toHex(view)).not.toContain(KEY.slice(0, 16))
    expect(writer.count).toBe(0)
  })
})
