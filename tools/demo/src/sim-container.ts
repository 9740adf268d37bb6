/** A container of the simulated world: an in-process network card with a small IPv4 host behind. */
import { assert, type Clock, type Ip, type Mac } from '@weft/core'
import type { FramePort } from '@weft/dataplane'
import {
  arp,
  ARP_OPERATION,
  arpReplyFrame,
  arpRequestFrame,
  echoFrame,
  ETHER_TYPE,
  ethernet,
  icmp,
  IP_PROTOCOL,
  ipv4,
  sealIpFrame,
  type PacketBuffer,
} from '@weft/wire'

/** IPv4 header without options, in bytes. */
export const IPV4_HEADER_BYTES = 20
const IDENTIFIER = 0x5765

/** What a container is and has. */
export interface SimContainerFacts {
  readonly mac: Mac
  readonly ip: Ip
  readonly mtuBytes: number
  readonly clock: Clock
}

/** A TCP segment that arrived: where it lies in the frame. */
export interface Arrival {
  readonly from: Ip
  readonly frame: Uint8Array
  readonly start: number
  readonly end: number
}

/**
 * Answers ARP and echo requests as a kernel would, asks ARP before it sends, and refuses packets
 * larger than its MTU. Frames are handled one turn after they were delivered.
 */
export class SimContainer implements FramePort {
  readonly facts: SimContainerFacts
  /** False once the container is gone. */
  present = true
  /** Sees every frame that arrives. */
  sniff: ((frame: Uint8Array) => void) | null = null
  /** Sees the TCP segments that arrive. */
  onSegment: ((arrival: Arrival) => void) | null = null
  readonly #neighbours = new Map<Ip, Mac>()
  readonly #waiting = new Map<Ip, ((mac: Mac) => void)[]>()
  readonly #answered = new Set<number>()
  #transmit: ((frame: Uint8Array) => void) | null = null
  #sequence = 0

  constructor(facts: SimContainerFacts) {
    this.facts = facts
  }

  connect(transmit: ((frame: Uint8Array) => void) | null): void {
    this.#transmit = transmit
  }

  deliver(frame: Uint8Array): void {
    const { clock } = this.facts
    clock.schedule(clock.now(), () => this.#receive(frame))
  }

  /** Put a frame on the wire as it is. */
  transmit(frame: Uint8Array): void {
    this.#transmit?.(frame)
  }

  /** Forget who has which address. */
  forgetNeighbours(): void {
    this.#neighbours.clear()
  }

  /** Send an echo request; its sequence number, or null when it exceeds the MTU. */
  ping(to: Ip, payloadBytes: number): number | null {
    const packetBytes = IPV4_HEADER_BYTES + icmp.headerLength + payloadBytes
    if (packetBytes > this.facts.mtuBytes) return null
    const sequence = ++this.#sequence & 0xffff
    const body = new Uint8Array(payloadBytes)
    const echo = { kind: 'echo-request', sequence, body } as const
    this.#resolve(to, (mac) => this.#echo({ mac, ip: to }, echo))
    return sequence
  }

  /** True when the echo of this sequence number was answered. */
  answered(sequence: number): boolean {
    return this.#answered.has(sequence)
  }

  /** Send a TCP segment; the checksum is filled in. */
  sendSegment(to: Ip, packet: PacketBuffer): void {
    assert(IPV4_HEADER_BYTES + packet.length <= this.facts.mtuBytes, 'a segment fits the MTU')
    this.#resolve(to, (mac) => {
      const envelope = this.#envelope({ mac, ip: to })
      this.transmit(sealIpFrame(packet, envelope, IP_PROTOCOL.tcp))
    })
  }

  #envelope(to: { mac: Mac; ip: Ip }): Parameters<typeof sealIpFrame>[1] {
    const { mac, ip } = this.facts
    return { sourceMac: mac, destinationMac: to.mac, source: ip, destination: to.ip }
  }

  #echo(
    to: { mac: Mac; ip: Ip },
    echo: { kind: 'echo-request' | 'echo-reply'; sequence: number; body: Uint8Array },
  ): void {
    const envelope = { ...this.#envelope(to), dontFragment: true }
    this.transmit(echoFrame(envelope, { ...echo, identifier: IDENTIFIER }))
  }

  #resolve(ip: Ip, then: (mac: Mac) => void): void {
    const known = this.#neighbours.get(ip)
    if (known !== undefined) return then(known)
    this.#waiting.set(ip, [...(this.#waiting.get(ip) ?? []), then])
    this.transmit(arpRequestFrame({ mac: this.facts.mac, ip: this.facts.ip }, ip))
  }

  #receive(frame: Uint8Array): void {
    this.sniff?.(frame)
    if (ethernet.check(frame, 0, frame.length) !== null) return
    const start = ethernet.payloadStart(frame, 0)
    const type = ethernet.etherType(frame, 0)
    if (type === ETHER_TYPE.arp) this.#receiveArp(frame, start)
    if (type === ETHER_TYPE.ipv4) this.#receiveIp(frame, start)
  }

  #receiveArp(frame: Uint8Array, start: number): void {
    if (arp.check(frame, start, frame.length) !== null) return
    const message = arp.decode(frame, start)
    if (message.targetIp !== this.facts.ip) return
    const asker = { mac: message.senderMac, ip: message.senderIp }
    this.#neighbours.set(asker.ip, asker.mac)
    if (message.operation === ARP_OPERATION.request) {
      this.transmit(arpReplyFrame({ mac: this.facts.mac, ip: this.facts.ip }, asker))
    }
    const waiting = this.#waiting.get(asker.ip) ?? []
    this.#waiting.delete(asker.ip)
    for (const then of waiting) then(asker.mac)
  }

  #receiveIp(frame: Uint8Array, start: number): void {
    if (ipv4.check(frame, start, frame.length) !== null) return
    const header = ipv4.decode(frame, start)
    if (header.destination !== this.facts.ip) return
    const at = ipv4.payloadStart(frame, start)
    const end = ipv4.payloadEnd(frame, start)
    const from = { mac: ethernet.decode(frame, 0).source, ip: header.source }
    if (header.protocol === IP_PROTOCOL.icmp) this.#receiveIcmp(from, frame.subarray(at, end))
    if (header.protocol === IP_PROTOCOL.tcp) {
      this.onSegment?.({ from: header.source, frame, start: at, end })
    }
  }

  #receiveIcmp(from: { mac: Mac; ip: Ip }, bytes: Uint8Array): void {
    if (icmp.check(bytes, 0, bytes.length) !== null) return
    const message = icmp.decode(bytes, 0, bytes.length)
    if (message.kind === 'echo-reply') this.#answered.add(message.sequence)
    if (message.kind !== 'echo-request') return
    this.#echo(from, { kind: 'echo-reply', sequence: message.sequence, body: message.body })
  }
}
