/** Builds ARP messages as whole frames (RFC 826, RFC 5227). */
import { parseMac, type Ip, type Mac } from '@weft/core'
import { arp, ARP_OPERATION, type ArpMessage } from './arp.ts'
import { ETHER_TYPE, ethernet } from './ethernet.ts'

/** The address all stations listen to. */
export const BROADCAST_MAC: Mac = parseMac('ff:ff:ff:ff:ff:ff')
/** The address that stands for none in an ARP request. */
export const ZERO_MAC: Mac = parseMac('00:00:00:00:00:00')

/** A station with an IP address. */
export interface Neighbour {
  readonly mac: Mac
  readonly ip: Ip
}

/** An ARP message in a frame. */
export function arpFrame(destination: Mac, message: ArpMessage): Uint8Array {
  const frame = new Uint8Array(ethernet.headerLength + arp.headerLength)
  const source = message.senderMac
  ethernet.write(frame, 0, { destination, source, tags: [], etherType: ETHER_TYPE.arp })
  arp.write(frame, ethernet.headerLength, message)
  return frame
}

/** Broadcast: who has `targetIp`? */
export function arpRequestFrame(sender: Neighbour, targetIp: Ip): Uint8Array {
  return arpFrame(BROADCAST_MAC, {
    operation: ARP_OPERATION.request,
    senderMac: sender.mac,
    senderIp: sender.ip,
    targetMac: ZERO_MAC,
    targetIp,
  })
}

/** To the one who asked: `sender.ip` is at `sender.mac`. */
export function arpReplyFrame(sender: Neighbour, target: Neighbour): Uint8Array {
  return arpFrame(target.mac, {
    operation: ARP_OPERATION.reply,
    senderMac: sender.mac,
    senderIp: sender.ip,
    targetMac: target.mac,
    targetIp: target.ip,
  })
}

/** Broadcast, unasked: a request for one's own address, the announcement of RFC 5227 §2.3. */
export function gratuitousArpFrame(sender: Neighbour): Uint8Array {
  return arpRequestFrame(sender, sender.ip)
}
