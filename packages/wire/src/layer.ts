/** What `dissect` finds in a frame: one entry per header, outermost first. */
import type { ArpMessage } from './arp.ts'
import type { EspHeader } from './esp.ts'
import type { EthernetHeader } from './ethernet.ts'
import type { WireFault } from './header-codec.ts'
import type { IcmpMessage } from './icmp.ts'
import type { Icmpv6Message } from './icmpv6.ts'
import type { Ipv4Header } from './ipv4.ts'
import type { Ipv6Header } from './ipv6.ts'
import type { TcpHeader } from './tcp.ts'
import type { ChecksumState } from './transport-checksum.ts'
import type { UdpHeader } from './udp.ts'
import type { VxlanHeader } from './vxlan.ts'

/** Where a layer's own bytes stand in the frame. */
export interface Span {
  readonly start: number
  /** The first byte behind it. */
  readonly end: number
}

/** Headers by format. */
export type LayerHeaders = {
  readonly ethernet: EthernetHeader
  readonly arp: ArpMessage
  readonly ipv4: Ipv4Header
  readonly ipv6: Ipv6Header
  readonly icmp: IcmpMessage
  readonly icmpv6: Icmpv6Message
  readonly udp: UdpHeader
  readonly tcp: TcpHeader
  readonly vxlan: VxlanHeader
  readonly esp: EspHeader
}

/** A format that `dissect` reads. */
export type Format = keyof LayerHeaders

/** A header that was read. */
export type HeaderLayer<Kind extends Format = Format> = {
  [K in Kind]: Span & {
    readonly kind: K
    readonly header: LayerHeaders[K]
    /** The transport checksum; `unknown` on layers that have none or verify their own. */
    readonly checksum: ChecksumState
  }
}[Kind]

/** The IP header an ICMP error quotes: the packet that could not be delivered. */
export type QuoteLayer = Span & {
  readonly kind: 'quote'
  readonly header: Ipv4Header | Ipv6Header
}

/** Bytes that are not read further: an application's, a fragment's, an unknown protocol's. */
export type PayloadLayer = Span & { readonly kind: 'payload'; readonly of: string }

/** Bytes that were refused, and why. Nothing behind them is read. */
export type FaultLayer = Span & {
  readonly kind: 'fault'
  readonly format: Format | 'quote'
  readonly fault: WireFault
}

/** One step of a frame's dissection. */
export type Layer = HeaderLayer | QuoteLayer | PayloadLayer | FaultLayer
