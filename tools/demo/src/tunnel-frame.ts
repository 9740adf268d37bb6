/** One captured underlay frame taken apart as far as the checks need it. */
import { ipFromBigInt, type Ip, type Mac, type Vni, macFromBytes } from '@weft/core'
import { ETHER_TYPE, ethernet, IP_PROTOCOL, ipv4, udp, vxlan, VXLAN_PORT } from '@weft/wire'

/** A VXLAN datagram over IPv4 and the frame inside. */
export interface TunnelFrame {
  readonly outerSource: Ip
  readonly outerDestination: Ip
  /** Bytes of the outer IP packet. */
  readonly outerBytes: number
  readonly sourcePort: number
  readonly vni: Vni
  readonly innerSource: Mac
  readonly innerDestination: Mac
  readonly innerEtherType: number
  /** The inner frame goes to a group: broadcast or multicast. */
  readonly toGroup: boolean
}

/** What an underlay frame turned out to be. */
export type Dissected =
  | { readonly kind: 'tunnel'; readonly tunnel: TunnelFrame }
  | { readonly kind: 'fragment' }
  /** Not for the overlay: the underlay's own ARP and such. */
  | { readonly kind: 'other' }
  /** On the VXLAN port, and not readable as VXLAN. */
  | { readonly kind: 'malformed'; readonly fault: string }

/** Take a frame apart; never throws. */
export function dissectTunnel(frame: Uint8Array): Dissected {
  const end = frame.length
  if (ethernet.check(frame, 0, end) !== null) return { kind: 'other' }
  if (ethernet.etherType(frame, 0) !== ETHER_TYPE.ipv4) return { kind: 'other' }
  const ip = ethernet.payloadStart(frame, 0)
  if (ipv4.check(frame, ip, end) !== null) return { kind: 'other' }
  if (ipv4.isFragment(frame, ip)) return { kind: 'fragment' }
  if (ipv4.protocol(frame, ip) !== IP_PROTOCOL.udp) return { kind: 'other' }
  const datagram = ipv4.payloadStart(frame, ip)
  const ipEnd = ipv4.payloadEnd(frame, ip)
  const fault = udp.check(frame, datagram, ipEnd)
  if (fault !== null) return { kind: 'malformed', fault }
  if (udp.destinationPort(frame, datagram) !== VXLAN_PORT) return { kind: 'other' }
  return dissectVxlan(frame, { ip, datagram, ipEnd })
}

interface Offsets {
  readonly ip: number
  readonly datagram: number
  readonly ipEnd: number
}

function dissectVxlan(frame: Uint8Array, { ip, datagram, ipEnd }: Offsets): Dissected {
  const header = udp.payloadStart(frame, datagram)
  const fault = vxlan.check(frame, header, ipEnd)
  if (fault !== null) return { kind: 'malformed', fault }
  const inner = vxlan.payloadStart(frame, header)
  const innerFault = ethernet.check(frame, inner, ipEnd)
  if (innerFault !== null) return { kind: 'malformed', fault: innerFault }
  const tunnel: TunnelFrame = {
    outerSource: ipFromBigInt(BigInt(ipv4.sourceNumber(frame, ip)), 4),
    outerDestination: ipFromBigInt(BigInt(ipv4.destinationNumber(frame, ip)), 4),
    outerBytes: ipEnd - ip,
    sourcePort: udp.sourcePort(frame, datagram),
    vni: vxlan.vni(frame, header),
    innerDestination: macFromBytes(frame, inner),
    innerSource: macFromBytes(frame, inner + 6),
    innerEtherType: ethernet.etherType(frame, inner),
    toGroup: ethernet.isGroup(frame, inner),
  }
  return { kind: 'tunnel', tunnel }
}
