/** What reads the kernel's words about IPsec: states, policies, expiries, missing states. */
import { parseCidr, parseIp, setU16le, setU32le, u32le } from '@weft/core'
import {
  MessageReader,
  MessageWriter,
  readXfrmNotices,
  readXfrmPolicy,
  readXfrmState,
  writeXfrmPolicy,
  writeXfrmState,
} from '@weft/linux'
import type { FuzzTarget } from './target.ts'

const [ACQUIRE, EXPIRE] = [0x17, 0x18]
const FAMILIES = [
  ['192.0.2.1', '192.0.2.2', '192.0.2.0/24'],
  ['2001:db8::1', '2001:db8::2', '2001:db8::/64'],
] as const

function written(write: (writer: MessageWriter) => void): Uint8Array {
  const writer = new MessageWriter()
  write(writer)
  return writer.view().slice()
}

/** The same body under another type, with room for what a notice has behind it. */
function asNotice(message: Uint8Array, type: number): Uint8Array {
  const notice = new Uint8Array(message.length + 8)
  notice.set(message)
  setU32le(notice, 0, notice.length)
  setU16le(notice, 4, type)
  return notice
}

function messages(): readonly Uint8Array[] {
  return FAMILIES.flatMap(([from, to, prefix]) => {
    const [source, destination, cidr] = [parseIp(from), parseIp(to), parseCidr(prefix)]
    const state = written((writer) =>
      writeXfrmState(writer, 'create', {
        source,
        destination,
        spi: 0x1234,
        reqid: 7,
        mark: { value: 1, mask: 0xff },
        aead: { name: 'rfc4106(gcm(aes))', key: new Uint8Array(20).fill(1), icvBits: 64 },
        replayWindow: 128,
        extendedSequence: true,
        udpEncapsulation: { sourcePort: 4500, destinationPort: 4500 },
        limits: { softPackets: 10 },
      }),
    )
    const policy = written((writer) =>
      writeXfrmPolicy(writer, 'create', {
        direction: 'out',
        selector: { source: cidr, destination: cidr, protocol: 17, destinationPort: 4789 },
        action: 'allow',
        template: { source, destination, reqid: 7, spi: 0x1234 },
      }),
    )
    const notices = [asNotice(state, EXPIRE), asNotice(state, ACQUIRE), asNotice(policy, ACQUIRE)]
    return [state, policy, ...notices]
  })
}

function read(bytes: Uint8Array, start: number, end: number): unknown {
  const found: unknown[] = []
  const reader = new MessageReader(bytes, start, end)
  while (reader.next()) found.push([reader.type, readXfrmState(reader), readXfrmPolicy(reader)])
  return [found, readXfrmNotices(bytes.subarray(start, end))]
}

/** The readers of IPsec messages. */
export const xfrmTargets: readonly FuzzTarget[] = [
  {
    name: 'linux/xfrm',
    about: 'read IPsec states, policies and notices out of xfrm messages',
    corpus: messages,
    run: read,
    repair: (bytes) => {
      if (bytes.length < 16 || u32le(bytes, 0) === bytes.length) return
      setU32le(bytes, 0, bytes.length)
    },
  },
]
