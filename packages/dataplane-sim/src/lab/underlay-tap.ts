/** What crosses the simulated underlay between two hosts, as Ethernet frames with all headers. */
import { ipBytes, macFromBytes, type Ip, type Mac, type SocketAddress } from '@weft/core'
import type { Crossing, SimNetwork } from '@weft/core/testing'
import { udpFrame } from '@weft/wire'

/** A host on the underlay, as far as a tap cares. */
export interface TappedHost {
  readonly name: string
}

/** Frames are taken where they leave the sender. */
export class UnderlayTap {
  readonly #capture: Disposable
  #frames: Uint8Array[] = []

  constructor(network: SimNetwork, a: TappedHost, b: TappedHost) {
    const links = [`${a.name}>${b.name}`, `${b.name}>${a.name}`]
    this.#capture = network.capture((crossing) => {
      if (crossing.kind === 'send' && links.includes(crossing.link)) {
        this.#frames.push(underlayFrame(crossing))
      }
    })
  }

  /** Frames since the last call, in order. */
  take(): readonly Uint8Array[] {
    return this.#frames.splice(0)
  }

  close(): void {
    this.#capture[Symbol.dispose]()
  }
}

/** The Ethernet frame that a datagram leaves its host in. */
export function underlayFrame({
  from,
  to,
  bytes,
}: Pick<Crossing, 'from' | 'to' | 'bytes'>): Uint8Array {
  const envelope = {
    sourceMac: hostMac(from.ip),
    destinationMac: nextHopMac(from, to),
    source: from.ip,
    destination: to.ip,
  }
  const datagram = { sourcePort: from.port, destinationPort: to.port, payload: bytes }
  return udpFrame(envelope, datagram)
}

/** The MAC of a simulated host's interface: it follows from its address. */
export function hostMac(ip: Ip): Mac {
  const bytes = ipBytes(ip)
  return macFromBytes(Uint8Array.of(2, 0x75, ...bytes.subarray(bytes.length - 4)))
}

/** The MAC of the router that joins the two subnets of a lab. */
export const ROUTER_MAC: Mac = macFromBytes(Uint8Array.of(2, 0x75, 0, 0, 0, 1))

/** Hosts of one subnet talk directly, others by way of the router. */
function nextHopMac(from: SocketAddress, to: SocketAddress): Mac {
  const subnetOf = ({ ip }: SocketAddress): string => ip.slice(0, ip.search(/[^.:]*$/))
  return subnetOf(from) === subnetOf(to) ? hostMac(to.ip) : ROUTER_MAC
}
