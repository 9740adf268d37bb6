/** Builds neighbour solicitations and advertisements as whole frames (RFC 4861 §4.3, §4.4). */
import {
  ipBytes,
  ipFromBytes,
  parseIp,
  parseMac,
  setU24,
  toHex,
  u24,
  type Ip,
  type Mac,
} from '@weft/core'
import type { Neighbour } from './arp-frame.ts'
import { icmpv6, type Icmpv6Message } from './icmpv6.ts'
import { IP_PROTOCOL } from './ip-protocol.ts'
import { sealIpFrame } from './ip-frame.ts'
import type { NeighbourMessage } from './neighbour-message.ts'
import { PacketBuffer } from './packet-buffer.ts'

/** Neighbour discovery is for one link: receivers refuse any other hop limit (RFC 4861 §7.1). */
export const NEIGHBOUR_HOP_LIMIT = 255

/** The group all nodes of a link are in. */
export const ALL_NODES: Ip = parseIp('ff02::1')

const SOLICITED_NODE = ipBytes(parseIp('ff02::1:ff00:0'))

/** The solicited-node group of an address: ff02::1:ff00:0/104 and its last 24 bits. */
export function solicitedNode(address: Ip): Ip {
  const bytes = Uint8Array.from(SOLICITED_NODE)
  setU24(bytes, 13, u24(ipBytes(address), 13))
  return ipFromBytes(bytes, 0, 6)
}

/** The Ethernet group for an IPv6 group: 33:33 and its last 32 bits (RFC 2464 §7). */
export function multicastMac(group: Ip): Mac {
  const digits = toHex(ipBytes(group).subarray(12))
  return parseMac(`33:33:${(digits.match(/../g) ?? []).join(':')}`)
}

/** Where a message goes. */
interface Destination {
  readonly mac: Mac
  readonly ip: Ip
}

function messageFrame(from: Neighbour, to: Destination, content: NeighbourMessage): Uint8Array {
  const message: Icmpv6Message = { ...content, checksum: 0 }
  const packet = new PacketBuffer(icmpv6.lengthOf(message))
  icmpv6.write(packet.bytes, packet.extend(icmpv6.lengthOf(message)), message)
  const envelope = {
    sourceMac: from.mac,
    destinationMac: to.mac,
    source: from.ip,
    destination: to.ip,
    ttl: NEIGHBOUR_HOP_LIMIT,
  }
  return sealIpFrame(packet, envelope, IP_PROTOCOL.icmpv6)
}

/** To the solicited-node group: who has `target`? */
export function neighbourSolicitationFrame(sender: Neighbour, target: Ip): Uint8Array {
  const ip = solicitedNode(target)
  return messageFrame(sender, { mac: multicastMac(ip), ip }, {
    kind: 'neighbour-solicitation',
    reserved: 0,
    target,
    options: [{ kind: 'source-link-layer', mac: sender.mac }],
  })
}

/** To the one who asked: `sender.ip` is at `sender.mac`. */
export function neighbourAdvertisementFrame(sender: Neighbour, asker: Neighbour): Uint8Array {
  return messageFrame(sender, asker, {
    kind: 'neighbour-advertisement',
    router: false,
    solicited: true,
    override: true,
    reserved: 0,
    target: sender.ip,
    options: [{ kind: 'target-link-layer', mac: sender.mac }],
  })
}

/** To all nodes, unasked: `sender.ip` is at `sender.mac` now (RFC 4861 §7.2.6). */
export function unsolicitedAdvertisementFrame(sender: Neighbour): Uint8Array {
  return messageFrame(sender, { mac: multicastMac(ALL_NODES), ip: ALL_NODES }, {
    kind: 'neighbour-advertisement',
    router: false,
    solicited: false,
    override: true,
    reserved: 0,
    target: sender.ip,
    options: [{ kind: 'target-link-layer', mac: sender.mac }],
  })
}
