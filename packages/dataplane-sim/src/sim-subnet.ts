/** One broadcast domain of a simulated host: what is plugged in, and its static entries. */
import {
  ipFamily,
  macFromBytes,
  setU24,
  type Ip,
  type Mac,
  type SocketAddress,
  type Vni,
} from '@weft/core'
import type { EndpointId, FramePort, PrefixSpec, ProgrammedSubnet } from '@weft/dataplane'

/** An endpoint that is plugged into a subnet. */
export interface Plug {
  readonly endpoint: EndpointId
  readonly mac: Mac
  readonly addresses: readonly Ip[]
  readonly vni: Vni
  readonly port: FramePort
}

/** What a subnet has beside its entries. */
export interface SubnetFrame {
  readonly vni: Vni
  readonly prefixes: readonly PrefixSpec[]
  /** Our VTEP. */
  readonly tunnel: SocketAddress
}

/** A subnet as the machine holds it. */
export class SimSubnet implements SubnetFrame {
  readonly vni: Vni
  readonly prefixes: readonly PrefixSpec[]
  readonly tunnel: SocketAddress
  /** Where frames for a remote MAC go. */
  readonly forwarding: Map<Mac, SocketAddress>
  /** Which MAC a remote address has. */
  readonly neighbours: Map<Ip, Mac>

  /** Entries of `before`, if given, are taken over: the same subnet in a new shape. */
  constructor(frame: SubnetFrame, before: SimSubnet | null) {
    this.vni = frame.vni
    this.prefixes = frame.prefixes
    this.tunnel = frame.tunnel
    this.forwarding = before?.forwarding ?? new Map<Mac, SocketAddress>()
    this.neighbours = before?.neighbours ?? new Map<Ip, Mac>()
  }

  /** The MAC to answer with for this address: a gateway's or a remote endpoint's. */
  neighbour(ip: Ip): Mac | null {
    if (this.prefixes.some(({ gateway }) => gateway === ip)) return gatewayMac(this.vni)
    return this.neighbours.get(ip) ?? null
  }

  /** What a read-back says. */
  read(): ProgrammedSubnet {
    const { vni, prefixes, tunnel } = this
    return {
      vni,
      prefixes,
      tunnel: { ...tunnel, family: ipFamily(tunnel.ip) },
      forwarding: new Map(this.forwarding),
      neighbours: new Map(this.neighbours),
    }
  }
}

/** The gateway's MAC: the same on every node, so that an endpoint that moves still knows it. */
export function gatewayMac(vni: Vni): Mac {
  const bytes = Uint8Array.of(0x02, 0x57, 0x46, 0, 0, 0)
  setU24(bytes, 3, vni)
  return macFromBytes(bytes)
}
