/** Frames that came: checked layer by layer, and handed to whom they concern. */
import {
  ipFamily,
  ipFromBytes,
  isGroupMac,
  macFromBytes,
  u8,
  type Instant,
  type Ip,
} from '@weft/core'
import {
  echoFrame,
  ETHER_TYPE,
  ethernet,
  ETHERNET_OFFSET,
  icmp,
  icmpv6,
  IP_PROTOCOL,
  ipv4,
  IPV4_OFFSET,
  ipv6,
  IPV6_OFFSET,
  NEIGHBOUR_TYPE,
  transportChecksumState,
  udp,
  type IcmpMessage,
  type Icmpv6Message,
} from '@weft/wire'
import type { Addressing } from './addressing.ts'
import {
  readIcmpError,
  readQuote,
  refusalBytes,
  refusalFrame,
  type QuotedPacket,
} from './icmp-error.ts'
import type { NeighbourCache } from './neighbour-cache.ts'
import { receiveArp, receiveNeighbourMessage } from './neighbour-messages.ts'
import type { Outlet } from './outlet.ts'
import type { Pings } from './pings.ts'
import type { ReceiveDrop } from './stack-counters.ts'
import type { Unreachable } from './stack-errors.ts'
import type { TokenBucket } from './token-bucket.ts'
import type { UdpPorts } from './udp-ports.ts'

/** A frame with when and whence it came. */
export interface Arrival {
  readonly frame: Uint8Array
  readonly at: Instant
  /** From ourselves: then, and only then, a source of ours is no lie. */
  readonly isLooped: boolean
}

/** To whom frames go. */
export interface ReceiverPorts {
  readonly neighbours: NeighbourCache
  readonly outlet: Outlet
  readonly pings: Pings
  readonly udpPorts: UdpPorts
  /** How many errors we may send. */
  readonly errorRate: TokenBucket
  readonly addressing: () => Addressing | null
  readonly transmit: (frame: Uint8Array) => void
  /** An error was not sent, to keep to the rate. */
  readonly errorHeldBack: () => void
}

/** A packet for us, checked. */
interface Packet extends Arrival {
  readonly codec: typeof ipv4 | typeof ipv6
  /** Where IP begins. */
  readonly start: number
  readonly source: Ip
  readonly destination: Ip
}

/** Says of each frame why it was of no use, or null. Never throws for what is in one. */
export class Receiver {
  readonly #ports: ReceiverPorts

  constructor(ports: ReceiverPorts) {
    this.#ports = ports
  }

  receive(arrival: Arrival): ReceiveDrop | null {
    const { frame } = arrival
    const fault = ethernet.check(frame, 0, frame.length)
    if (fault !== null) return fault
    const addressing = this.#ports.addressing()
    if (addressing === null) return 'unconfigured'
    const to = macFromBytes(frame, ETHERNET_OFFSET.destination)
    if (to !== addressing.mac && !isGroupMac(to)) return 'not-ours'
    if (ethernet.vlanId(frame, 0) >= 0) return 'unhandled'
    const start = ethernet.headerLength
    switch (ethernet.etherType(frame, 0)) {
      case ETHER_TYPE.arp:
        return receiveArp(this.#scene(addressing, arrival), frame, start)
      case ETHER_TYPE.ipv4:
        return this.#ip(addressing, { ...arrival, codec: ipv4 })
      case ETHER_TYPE.ipv6:
        return this.#ip(addressing, { ...arrival, codec: ipv6 })
      default:
        return 'unhandled'
    }
  }

  /** A frame of ours did not arrive, or a packet that an error quotes. */
  failed(quote: QuotedPacket | null, what: Omit<Unreachable, 'destination'>): ReceiveDrop | null {
    if (quote === null || this.#ports.addressing()?.isOwn(quote.source) !== true) {
      return 'unexpected'
    }
    const { pings, udpPorts } = this.#ports
    const unreachable = { destination: quote.destination, ...what }
    return (quote.kind === 'udp' ? udpPorts : pings).failed(quote, unreachable)
  }

  #scene(addressing: Addressing, { at }: Arrival): Parameters<typeof receiveArp>[0] {
    const { neighbours, transmit } = this.#ports
    return { addressing, neighbours, now: at, answer: transmit }
  }

  #ip(
    addressing: Addressing,
    arrival: Arrival & { readonly codec: Packet['codec'] },
  ): ReceiveDrop | null {
    const { codec, frame } = arrival
    const start = ethernet.headerLength
    const fault = codec.check(frame, start, frame.length)
    if (fault !== null) return fault
    if (codec.isFragment(frame, start)) return 'fragment'
    if (codec === ipv6 && hasExtensions(frame, start)) return 'extension'
    const [family, offset] = codec === ipv6 ? [6 as const, IPV6_OFFSET] : [4 as const, IPV4_OFFSET]
    const source = ipFromBytes(frame, start + offset.source, family)
    const destination = ipFromBytes(frame, start + offset.destination, family)
    const isOwn = addressing.isOwn(destination)
    if (isNeighbourMessage(frame, start, codec)) {
      if (!isOwn && !addressing.isGroup(destination)) return 'not-ours'
      return receiveNeighbourMessage(this.#scene(addressing, arrival), frame, start)
    }
    // Nobody is answered who spoke to a group, on either layer (RFC 1122 §3.2.2).
    if (!isOwn || ethernet.isGroup(frame, 0)) return 'not-ours'
    if (!addressing.isPeer(source) && !arrival.isLooped) return 'bad-source'
    return this.#transport({ ...arrival, start, source, destination })
  }

  #transport(packet: Packet): ReceiveDrop | null {
    const { codec, frame, start } = packet
    switch (codec.protocol(frame, start)) {
      case IP_PROTOCOL.udp:
        return this.#udp(packet)
      case IP_PROTOCOL.icmp:
        return codec === ipv4 ? this.#icmp(packet) : this.#refuse('protocol', packet)
      case IP_PROTOCOL.icmpv6:
        return codec === ipv6 ? this.#icmp(packet) : this.#refuse('protocol', packet)
      default:
        return this.#refuse('protocol', packet)
    }
  }

  #udp(packet: Packet): ReceiveDrop | null {
    const { codec, destination, frame, source, start } = packet
    const at = codec.payloadStart(frame, start)
    const fault = udp.check(frame, at, codec.payloadEnd(frame, start))
    if (fault !== null) return fault
    const state = transportChecksumState(frame, start)
    // Over IPv6 every datagram has a checksum (RFC 8200 §8.1).
    const isSound = state === 'good' || (state === 'absent' && codec === ipv4)
    if (!isSound) return 'bad-checksum'
    const port = udp.sourcePort(frame, at)
    const drop = this.#ports.udpPorts.received(udp.destinationPort(frame, at), {
      from: { ip: source, port },
      to: destination,
      bytes: frame.subarray(udp.payloadStart(frame, at), udp.payloadEnd(frame, at)),
    })
    return drop === 'no-socket' ? this.#refuse('port', packet) : drop
  }

  #icmp(packet: Packet): ReceiveDrop | null {
    const { codec, frame, source, start } = packet
    const family = ipFamily(source)
    const [at, end] = [codec.payloadStart(frame, start), codec.payloadEnd(frame, start)]
    const format = family === 6 ? icmpv6 : icmp
    const fault = format.check(frame, at, end)
    if (fault !== null) return fault
    if (family === 6 && transportChecksumState(frame, start) !== 'good') return 'bad-checksum'
    const error = readIcmpError(frame, at, family)
    if (error !== null) {
      const quote = readQuote(frame, { start: format.quoteStart(frame, at), end }, family)
      return this.failed(quote, { ...error, reportedBy: source })
    }
    return this.#echo(packet, format.decode(frame, at, end))
  }

  #echo(packet: Packet, message: IcmpMessage | Icmpv6Message): ReceiveDrop | null {
    const { at, codec, destination, frame, source, start } = packet
    if (message.kind !== 'echo-request' && message.kind !== 'echo-reply') return 'unhandled'
    const { body, identifier, sequence } = message
    if (message.kind === 'echo-reply') {
      const ttl = codec === ipv4 ? ipv4.ttl(frame, start) : ipv6.hopLimit(frame, start)
      return this.#ports.pings.answered({ source, identifier, sequence, body, ttl, at })
    }
    const bytes = icmp.headerLength + body.length
    this.#ports.outlet.answer({ source: destination, destination: source, bytes }, (envelope) =>
      echoFrame(envelope, { kind: 'echo-reply', identifier, sequence, body }),
    )
    return null
  }

  /** Say that nothing here is for this, unless too much is being said already. */
  #refuse(what: 'port' | 'protocol', packet: Packet): ReceiveDrop {
    const { at, codec, destination, frame, source, start } = packet
    const drop = what === 'port' ? 'no-socket' : 'unhandled'
    const { errorHeldBack, errorRate, outlet } = this.#ports
    if (!errorRate.take(at)) {
      errorHeldBack()
      return drop
    }
    const refused = { frame, start, end: codec.payloadEnd(frame, start) }
    const bytes = refusalBytes(refused, ipFamily(source))
    outlet.answer({ source: destination, destination: source, bytes }, (envelope) =>
      refusalFrame(envelope, what, refused),
    )
    return drop
  }
}

function hasExtensions(frame: Uint8Array, start: number): boolean {
  return ipv6.payloadStart(frame, start) !== start + ipv6.headerLength
}

function isNeighbourMessage(frame: Uint8Array, start: number, codec: Packet['codec']): boolean {
  if (codec === ipv4 || ipv6.protocol(frame, start) !== IP_PROTOCOL.icmpv6) return false
  const at = ipv6.payloadStart(frame, start)
  return at < ipv6.payloadEnd(frame, start) && NEIGHBOUR_TYPES.has(u8(frame, at))
}

const NEIGHBOUR_TYPES = new Set<number>(Object.values(NEIGHBOUR_TYPE))
