/** Sends VXLAN in ESP for the recording: `esp-send.ts SOURCE DESTINATION ip|udp`. */
import { createSocket } from 'node:dgram'
import { assert, ipFamily, parseIp, parseMac, utf8Bytes, vni, type Ip } from '@weft/core'
import { ESP_HEADER_BYTES, espOverheadBytes } from '@weft/encryption'
import { openRawSocket } from '@weft/linux'
import { nodeCipherSuites } from '@weft/runtime-node'
import {
  encapsulateVxlan,
  ESP_IN_UDP_PORT,
  ESP_KEEPALIVE_BYTES,
  ethernet,
  IP_PROTOCOL,
  ipv4,
  ipv6,
  NON_ESP_MARKER_BYTES,
  PacketBuffer,
  udpFrame,
  vxlanHeader,
  writeEspKeepalive,
  writeNonEspMarker,
} from '@weft/wire'
import { ESP_RECORDED, recordedOutbound, type EspEnds } from './esp-keys.ts'

const MACS = {
  sourceMac: parseMac('02:42:0a:00:02:02'),
  destinationMac: parseMac('02:42:0a:00:02:03'),
}
const INNER = { source: parseIp('10.0.2.2'), destination: parseIp('10.0.2.3') }
/** Lengths that take each padding there is, one each. */
const TEXTS = ['clear text', 'clear text!', 'clear text!!', 'clear text!!!']

/** A VXLAN datagram from its UDP header on, as it would leave without ESP. */
function datagram(ends: EspEnds, text: string): Uint8Array {
  const payload = utf8Bytes(text)
  const ports = { sourcePort: 5000, destinationPort: 5001 }
  const inner = udpFrame({ ...MACS, ...INNER }, { ...ports, payload })
  const packet = PacketBuffer.of(inner)
  const outer = { ...MACS, ...ends, vxlan: vxlanHeader(vni(4097)), ttl: 64 }
  encapsulateVxlan(packet, outer)
  const ip = ethernet.payloadStart(packet.bytes, packet.start)
  const codec = ipFamily(ends.source) === 6 ? ipv6 : ipv4
  return packet.bytes.slice(codec.payloadStart(packet.bytes, ip), packet.end)
}

/** Every text under every suite. */
function sealedPackets(ends: EspEnds): readonly Uint8Array[] {
  return ESP_RECORDED.flatMap(({ suite, tag }) => {
    const association = recordedOutbound(ends, suite, tag)
    return TEXTS.map((text) => {
      const clear = datagram(ends, text)
      const bytes = new Uint8Array(clear.length + espOverheadBytes(nodeCipherSuites[suite]))
      bytes.set(clear, ESP_HEADER_BYTES)
      const end = association.seal(bytes, ESP_HEADER_BYTES, ESP_HEADER_BYTES + clear.length)
      assert(typeof end === 'number', 'a new association seals')
      return bytes.slice(0, end)
    })
  })
}

async function sendRaw(destination: Ip, packets: readonly Uint8Array[]): Promise<void> {
  const options = { family: ipFamily(destination), protocol: IP_PROTOCOL.esp }
  const socket = openRawSocket(options, () => undefined)
  for (const packet of packets) {
    const fault = socket.send(packet, destination)
    assert(fault === null, 'the kernel takes the packet')
  }
  await socket.close()
}

async function sendInUdp(destination: Ip, packets: readonly Uint8Array[]): Promise<void> {
  const keepalive = new Uint8Array(ESP_KEEPALIVE_BYTES)
  writeEspKeepalive(keepalive, 0)
  const control = new Uint8Array(NON_ESP_MARKER_BYTES + 4).fill(0xee)
  writeNonEspMarker(control, 0)
  const socket = createSocket(ipFamily(destination) === 6 ? 'udp6' : 'udp4')
  const { promise, resolve } = Promise.withResolvers<undefined>()
  socket.bind(ESP_IN_UDP_PORT, () => resolve(undefined))
  await promise
  for (const payload of [...packets, keepalive, control]) {
    const sent = Promise.withResolvers<undefined>()
    socket.send(payload, ESP_IN_UDP_PORT, destination, () => sent.resolve(undefined))
    await sent.promise
  }
  socket.close()
}

const [from = '', to = '', how] = process.argv.slice(2)
const ends = { source: parseIp(from), destination: parseIp(to) }
await (how === 'udp' ? sendInUdp : sendRaw)(ends.destination, sealedPackets(ends))
