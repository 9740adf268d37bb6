/** What reads the kernel's words: netlink messages and their attributes. */
import { parseCidr, parseInterfaceAddress, parseIp, parseMac, u32le, vni } from '@weft/core'
import {
  AttributeReader,
  MessageReader,
  MessageWriter,
  readNotice,
  unpackDatagrams,
  writeAddress,
  writeCreateLink,
  writeForwarding,
  writeNeighbour,
  writeRoute,
} from '@weft/linux'
import type { FuzzTarget } from './target.ts'

const MAC = parseMac('02:42:0a:00:01:02')
const IP = parseIp('10.0.1.2')

/** Requests look like the notices they cause. */
function messages(): readonly Uint8Array[] {
  const writes: readonly ((writer: MessageWriter) => void)[] = [
    (writer) => writeNeighbour(writer, 'create', { linkIndex: 7, ip: IP, mac: MAC }),
    (writer) =>
      writeForwarding(writer, 'append', {
        linkIndex: 7,
        mac: MAC,
        table: 'self',
        destination: parseIp('fd00::1'),
        port: 4789,
        vni: 4096,
      }),
    (writer) => {
      const address = parseInterfaceAddress('10.0.1.2/24')
      writeAddress(writer, 'create', { linkIndex: 7, address })
    },
    (writer) => {
      const destination = parseCidr('10.0.2.0/24')
      writeRoute(writer, 'create', { destination, via: IP, mtuBytes: 1450, priority: 5 })
    },
    (writer) => {
      writeCreateLink(writer, { kind: 'bridge', name: 'br0', alias: 'weft', mtuBytes: 1450 })
    },
    (writer) =>
      writeCreateLink(writer, {
        kind: 'vxlan',
        name: 'vx0',
        mac: MAC,
        vxlan: { vni: vni(4096), port: 4789, learning: false },
      }),
  ]
  return writes.map((write) => {
    const writer = new MessageWriter()
    write(writer)
    return writer.view().slice()
  })
}

function readMessages(bytes: Uint8Array, start: number, end: number): unknown {
  const reader = new MessageReader(bytes, start, end)
  const found: unknown[] = []
  while (reader.next()) found.push([reader.type, readNotice(reader)])
  return found
}

function readAttributes(bytes: Uint8Array, start: number, end: number, depth = 0): unknown {
  const reader = new AttributeReader(bytes, start, end)
  const found: unknown[] = []
  while (reader.next()) {
    const values = [reader.u8(), reader.u16(), reader.u32(), reader.s32(), reader.u16be()]
    const wide = [reader.u32be(), reader.u64(), reader.u64be(), reader.u64(4), reader.u16be(2)]
    const texts = [reader.text(), reader.ip(), reader.ip(2), reader.mac(), reader.copy()]
    const inner = depth < 3 ? readAttributes(bytes, reader.from, reader.to, depth + 1) : null
    found.push([reader.type, values, wide, texts, inner])
  }
  return found
}

/** The first length is put right, so that what stands behind it is read. */
function repairLength(bytes: Uint8Array): void {
  if (bytes.length < 16 || u32le(bytes, 0) === bytes.length) return
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, bytes.length, true)
}

/** The readers of the linux package. */
export const linuxTargets: readonly FuzzTarget[] = [
  {
    name: 'linux/notices',
    about: 'read rtnetlink messages: links, addresses, routes, neighbours, forwarding entries',
    corpus: messages,
    run: readMessages,
    repair: repairLength,
  },
  {
    name: 'linux/attributes',
    about: 'walk netlink attributes, nested ones too, and read each as every kind of value',
    corpus: () => messages().map((message) => message.subarray(28)),
    run: (bytes, start, end) => readAttributes(bytes, start, end),
  },
  {
    name: 'linux/datagram-batch',
    about: 'unpack what the polling thread hands over',
    corpus: messages,
    run: (bytes, start, end) => unpackDatagrams(bytes.subarray(start, end)),
  },
]
