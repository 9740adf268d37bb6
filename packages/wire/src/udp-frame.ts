/** Builds UDP datagrams as whole frames, over either IP version. */
import { IP_PROTOCOL } from './ip-protocol.ts'
import { sealIpFrame, type Envelope } from './ip-frame.ts'
import { PacketBuffer } from './packet-buffer.ts'
import { udp } from './udp.ts'

/** A datagram to send. */
export interface Datagram {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload: Uint8Array
}

/** A frame that carries this datagram, checksum computed. */
export function udpFrame(envelope: Envelope, datagram: Datagram): Uint8Array {
  const packet = PacketBuffer.of(datagram.payload)
  const length = udp.headerLength + datagram.payload.length
  const { sourcePort, destinationPort } = datagram
  const header = { sourcePort, destinationPort, length, checksum: 0 }
  udp.write(packet.bytes, packet.prepend(udp.headerLength), header)
  return sealIpFrame(packet, envelope, IP_PROTOCOL.udp)
}
