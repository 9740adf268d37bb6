/** The way out: what envelope a destination needs, and by which neighbour it leaves. */
import { ipFamily, type Clock, type Ip } from '@weft/core'
import { ipv4, ipv6, type Envelope } from '@weft/wire'
import type { Addressing } from './addressing.ts'
import type { NeighbourCache } from './neighbour-cache.ts'
import type { TransmitDrop } from './stack-counters.ts'
import { stackError, type RouteProblem } from './stack-errors.ts'

/** What the way out leads through. */
export interface OutletPorts {
  readonly clock: Clock
  readonly neighbours: NeighbourCache
  readonly addressing: () => Addressing | null
  /** A packet to ourselves. */
  readonly loop: (frame: Uint8Array) => void
  readonly unsent: (drop: TransmitDrop) => void
  /** The neighbours may have another deadline now. */
  readonly rearm: () => void
}

/** A packet from an address of ours, with all but the next hop's MAC. */
export interface Way {
  readonly envelope: Envelope
  readonly nextHop: Ip
  /** Bytes that are left for what IP carries. */
  readonly payloadBytesMax: number
}

/** Sends whole packets: nothing is cut in fragments, here or on the way. */
export class Outlet {
  readonly #ports: OutletPorts

  constructor(ports: OutletPorts) {
    this.#ports = ports
  }

  /** How a packet gets to `destination`, from the address that was asked if this is an answer. */
  way(destination: Ip, source: Ip | null = null): Way | RouteProblem {
    const addressing = this.#ports.addressing()
    if (addressing === null) return 'unconfigured'
    const route = addressing.route(destination)
    if (typeof route === 'string') return route
    const { mac, mtuBytes } = addressing
    const header = ipFamily(destination) === 6 ? ipv6 : ipv4
    return {
      envelope: {
        sourceMac: mac,
        // Ours for packets to ourselves; the next hop's is written over it when it is known.
        destinationMac: mac,
        source: source ?? route.source,
        destination,
        dontFragment: true,
      },
      nextHop: route.nextHop,
      payloadBytesMax: mtuBytes - header.headerLength,
    }
  }

  /** The way for a message of so many bytes. Throws ERR_NO_ROUTE, ERR_MESSAGE_TOO_LONG. */
  wayFor(destination: Ip, headerBytes: number, bytes: number): Way {
    const way = this.way(destination)
    if (typeof way === 'string') {
      throw stackError('ERR_NO_ROUTE', 'there is no way to the address', {
        destination,
        reason: way,
      })
    }
    const bytesMax = way.payloadBytesMax - headerBytes
    if (bytes <= bytesMax) return way
    throw stackError('ERR_MESSAGE_TOO_LONG', 'more than a packet of the network holds', {
      bytes,
      bytesMax,
    })
  }

  /** Send a frame that was built for this way. */
  transmit({ nextHop }: Way, frame: Uint8Array): void {
    const { addressing, clock, loop, neighbours, rearm } = this.#ports
    if (addressing()?.isOwn(nextHop) === true) return loop(frame)
    neighbours.send(clock.now(), nextHop, frame)
    rearm()
  }

  /** Answer a packet with so many bytes behind the IP header; what cannot be sent is counted. */
  answer({ bytes, destination, source }: Answer, build: (envelope: Envelope) => Uint8Array): void {
    const way = this.way(destination, source)
    if (typeof way === 'string') return this.#ports.unsent('no-route')
    if (bytes > way.payloadBytesMax) return this.#ports.unsent('too-long')
    this.transmit(way, build(way.envelope))
  }
}

/** From the address that was asked to the one who asked. */
interface Answer {
  readonly source: Ip
  readonly destination: Ip
  readonly bytes: number
}
