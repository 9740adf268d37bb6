/** Builds ICMP and ICMPv6 echo messages as whole frames. */
import { ipFamily } from '@weft/core'
import { icmp } from './icmp.ts'
import { icmpv6 } from './icmpv6.ts'
import { IP_PROTOCOL } from './ip-protocol.ts'
import { sealIpFrame, type Envelope } from './ip-frame.ts'
import { PacketBuffer } from './packet-buffer.ts'

/** An echo message of either family. */
export interface Echo {
  readonly kind: 'echo-request' | 'echo-reply'
  readonly identifier: number
  readonly sequence: number
  readonly body: Uint8Array
}

/** A frame that carries this echo; the envelope's addresses choose ICMP or ICMPv6. */
export function echoFrame(envelope: Envelope, echo: Echo): Uint8Array {
  const six = ipFamily(envelope.source) === 6
  const message = { ...echo, checksum: 0 }
  const packet = new PacketBuffer(icmp.lengthOf(message))
  const start = packet.extend(icmp.lengthOf(message))
  if (six) icmpv6.write(packet.bytes, start, message)
  else icmp.write(packet.bytes, start, message)
  return sealIpFrame(packet, envelope, six ? IP_PROTOCOL.icmpv6 : IP_PROTOCOL.icmp)
}
