/** Where a frame goes: all that a dataplane promises about forwarding, as two pure functions. */
import { macFromBytes, type Mac, type SocketAddress } from '@weft/core'
import {
  ARP_OPERATION,
  arpReplyFrame,
  dissect,
  ethernet,
  ETHERNET_OFFSET,
  neighbourAdvertisementFrame,
  type Layer,
} from '@weft/wire'
import { gatewayMac, type Plug, type SimSubnet } from './sim-subnet.ts'

/** What happens to a frame. */
export type Decision =
  | { readonly kind: 'deliver'; readonly to: readonly Plug[] }
  | { readonly kind: 'tunnel'; readonly to: SocketAddress }
  /** `frame` goes back to the one who asked. */
  | { readonly kind: 'answer'; readonly frame: Uint8Array }
  | { readonly kind: 'drop'; readonly reason: DropReason }

/** Why a frame is not forwarded; `frame-` names frames, `datagram-` what arrived on the tunnel. */
export type DropReason =
  | 'frame-malformed'
  | 'frame-too-long'
  | 'frame-for-gateway'
  | 'frame-for-sender'
  | 'frame-unknown-destination'
  | 'frame-unplugged'

/** A frame with what is known of where it is. */
export interface Passage {
  readonly subnet: SimSubnet
  /** Endpoints of this subnet on this node, by MAC. */
  readonly plugs: ReadonlyMap<Mac, Plug>
  readonly mtuBytes: number
  readonly frame: Uint8Array
}

/** How a machine forwards. */
export interface ForwardingRules {
  fromEndpoint(passage: Passage, sender: Plug): Decision
  fromTunnel(passage: Passage): Decision
}

/** The rules that every dataplane keeps. */
export const forwardingRules: ForwardingRules = { fromEndpoint, fromTunnel }

/** A frame that an endpoint sends. Nothing that is not for a known remote MAC leaves the node. */
function fromEndpoint(passage: Passage, sender: Plug): Decision {
  const { subnet, plugs, frame } = passage
  const fault = refusal(passage)
  if (fault !== null) return drop(fault)
  if (ethernet.isGroup(frame, 0)) return fromEndpointToGroup(passage, sender)
  const destination = macFromBytes(frame, ETHERNET_OFFSET.destination)
  if (destination === sender.mac) return drop('frame-for-sender')
  const local = plugs.get(destination)
  if (local !== undefined) return { kind: 'deliver', to: [local] }
  if (destination === gatewayMac(subnet.vni)) return drop('frame-for-gateway')
  const to = subnet.forwarding.get(destination)
  return to === undefined ? drop('frame-unknown-destination') : { kind: 'tunnel', to }
}

/** A frame out of a tunnel. It goes to endpoints here and never back to the underlay. */
function fromTunnel(passage: Passage): Decision {
  const { plugs, frame } = passage
  const fault = refusal(passage)
  if (fault !== null) return drop(fault)
  if (ethernet.isGroup(frame, 0)) return { kind: 'deliver', to: [...plugs.values()] }
  const local = plugs.get(macFromBytes(frame, ETHERNET_OFFSET.destination))
  if (local === undefined) return drop('frame-unknown-destination')
  return { kind: 'deliver', to: [local] }
}

function drop(reason: DropReason): Decision {
  return { kind: 'drop', reason }
}

function refusal({ frame, mtuBytes }: Passage): DropReason | null {
  if (ethernet.check(frame, 0, frame.length) !== null) return 'frame-malformed'
  const packetBytes = frame.length - ethernet.payloadStart(frame, 0)
  return packetBytes > mtuBytes ? 'frame-too-long' : null
}

/** Questions that can be answered here are; every other group frame is for the neighbours here. */
function fromEndpointToGroup({ subnet, plugs, frame }: Passage, sender: Plug): Decision {
  const answer = answerTo(frame, subnet)
  if (answer !== null) return { kind: 'answer', frame: answer }
  return { kind: 'deliver', to: [...plugs.values()].filter((plug) => plug !== sender) }
}

/** The answer to an ARP request or a neighbour solicitation, if this frame is one we can answer. */
function answerTo(frame: Uint8Array, subnet: SimSubnet): Uint8Array | null {
  const layers: readonly Layer[] = dissect(frame)
  const [, ip, icmp] = layers
  if (ip?.kind === 'arp' && ip.header.operation === ARP_OPERATION.request) {
    const { senderMac, senderIp, targetIp } = ip.header
    const mac = subnet.neighbour(targetIp)
    const asker = { mac: senderMac, ip: senderIp }
    return mac === null ? null : arpReplyFrame({ mac, ip: targetIp }, asker)
  }
  if (ip?.kind === 'ipv6' && icmp?.kind === 'icmpv6') {
    const { header } = icmp
    if (header.kind !== 'neighbour-solicitation' || icmp.checksum !== 'good') return null
    const mac = subnet.neighbour(header.target)
    const asker = { mac: macFromBytes(frame, ETHERNET_OFFSET.source), ip: ip.header.source }
    return mac === null ? null : neighbourAdvertisementFrame({ mac, ip: header.target }, asker)
  }
  return null
}
