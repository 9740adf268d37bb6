/** The way from peers: VXLAN datagrams become frames, side by side ones of a flow become one. */
import type { Ip, Vni } from '@weft/core'
import type { Encapsulation } from '@weft/dataplane'
import { ESP_HEADER_BYTES, type EspFault } from '@weft/encryption'
import { ethernet, udp, vxlan } from '@weft/wire'
import type { ByteSum } from './byte-sum.ts'
import { Coalescer } from './coalescer.ts'
import type { DropReason } from './drop-reason.ts'
import type { UnderlaySource } from './engine-state.ts'
import { PacketView } from './packet-view.ts'
import type { PortDelivery } from './port-delivery.ts'
import type { SwitchCounts } from './switch-counts.ts'
import type { SwitchSecurity } from './switch-security.ts'
import type { SwitchSubnet } from './switch-subnet.ts'
import type { SwitchPort, SwitchTables } from './switch-tables.ts'

const NO_PORT = -1

/** What is counted for a packet that was not opened. */
const UNOPENED: { readonly [Fault in EspFault]: DropReason } = {
  short: 'datagram-short',
  'unknown-spi': 'datagram-unknown-spi',
  replayed: 'datagram-replayed',
  late: 'datagram-late',
  'bad-icv': 'datagram-bad-icv',
  'bad-padding': 'datagram-bad-padding',
  'bad-protocol': 'datagram-bad-protocol',
  dummy: 'datagram-dummy',
  'no-peer': 'datagram-unknown-peer',
  'no-key': 'datagram-unknown-spi',
  exhausted: 'datagram-unknown-spi',
}

/** What decapsulation needs. */
export interface DecapsulatorOptions {
  readonly tables: SwitchTables
  readonly counts: SwitchCounts
  readonly sums: ByteSum
  readonly delivery: PortDelivery
  readonly security: SwitchSecurity
}

/** Takes datagrams apart. What comes out goes to local ports, never back to the underlay. */
export class Decapsulator {
  readonly #tables: SwitchTables
  readonly #counts: SwitchCounts
  readonly #delivery: PortDelivery
  readonly #security: SwitchSecurity
  readonly #coalescer: Coalescer
  readonly #frame = new PacketView(new Uint8Array(0))
  /** Where the frame goes that the coalescer holds. */
  #port: SwitchPort | undefined
  #subnet: SwitchSubnet | undefined
  /** What the subnets of these datagrams must have. */
  #encapsulation: Encapsulation = 'vxlan'

  constructor({ tables, counts, sums, delivery, security }: DecapsulatorOptions) {
    this.#tables = tables
    this.#counts = counts
    this.#delivery = delivery
    this.#security = security
    this.#coalescer = new Coalescer(sums)
  }

  /** One datagram, or several of `segmentBytes`. */
  receive(packet: PacketView, from: UnderlaySource): void {
    if (this.#peerOf(packet, from) === undefined) return
    this.#encapsulation = 'vxlan'
    const { bytes, start, end } = packet
    const step = stepOf(packet)
    // An empty datagram is one too.
    let at = start
    do {
      const stop = Math.min(end, at + step)
      this.#receiveOne(bytes, at, stop, stop < end)
      at = stop
    } while (at < end)
    this.#close()
  }

  /** One ESP packet, or several, as `receive`; what is held waits while more is behind. */
  receiveSealed(packet: PacketView, from: UnderlaySource, isMoreBehind: boolean): void {
    const peer = this.#peerOf(packet, from)
    this.#encapsulation = 'vxlan-esp'
    const { bytes, start, end } = packet
    const step = stepOf(packet)
    for (let at = start; peer !== undefined && at < end; at += step) {
      const stop = Math.min(end, at + step)
      const payloadEnd = this.#open(bytes, at, stop, peer)
      const payload = at + ESP_HEADER_BYTES + udp.headerLength
      if (payloadEnd >= 0) {
        this.#receiveOne(bytes, payload, payloadEnd, isMoreBehind || stop < end)
      }
    }
    if (!isMoreBehind) this.#close()
  }

  /** Where the datagram inside ends; -1 for what is refused, counted. */
  #open(bytes: Uint8Array, start: number, end: number, peer: Ip): number {
    const opened = this.#security.open(bytes, start, end, peer)
    if (typeof opened !== 'number') return this.#refuse(UNOPENED[opened])
    const at = start + ESP_HEADER_BYTES
    if (udp.check(bytes, at, opened) !== null) return this.#refuse('datagram-short')
    if (udp.destinationPort(bytes, at) !== this.#security.port) {
      return this.#refuse('datagram-wrong-port')
    }
    return udp.payloadEnd(bytes, at)
  }

  #refuse(reason: DropReason): -1 {
    this.#counts.drop(reason)
    return -1
  }

  /** Who has the address; of what comes from nobody each datagram is counted. */
  #peerOf(packet: PacketView, from: UnderlaySource): Ip | undefined {
    // Tables may have changed since the last time.
    this.#subnet = undefined
    const peer = this.#tables.peer(this.#tables.peerAt(from))
    if (peer === undefined) {
      const count = Math.ceil((packet.end - packet.start) / stepOf(packet))
      this.#counts.drop('datagram-unknown-peer', Math.max(1, count))
    }
    return peer?.ip
  }

  #receiveOne(bytes: Uint8Array, start: number, end: number, isMoreBehind: boolean): void {
    const fault = vxlan.check(bytes, start, end)
    if (fault !== null) {
      return this.#counts.drop(fault === 'short' ? 'datagram-short' : 'datagram-bad-flags')
    }
    const subnet = this.#subnetOf(vxlan.vni(bytes, start))
    if (subnet === undefined) return this.#counts.drop('datagram-unknown-vni')
    if (subnet.spec.encapsulation !== this.#encapsulation) {
      const isClear = this.#encapsulation === 'vxlan'
      return this.#counts.drop(isClear ? 'datagram-not-sealed' : 'datagram-not-clear')
    }
    this.#counts.received++
    subnet.counts.received++
    const frame = start + vxlan.headerLength
    if (this.#coalescer.isOpen) {
      if (this.#port?.subnet === subnet && this.#coalescer.join(frame, end)) return
      this.#close()
    }
    if (ethernet.check(bytes, frame, end) !== null) return this.#counts.drop('frame-malformed')
    if (end - ethernet.payloadStart(bytes, frame) > subnet.spec.mtuBytes) {
      return this.#counts.drop('frame-too-long')
    }
    this.#frame.setPlain(bytes, frame, end)
    if (ethernet.isGroup(bytes, frame)) {
      return this.#delivery.flood(subnet, NO_PORT, this.#frame)
    }
    const port = this.#tables.port(subnet.local.find(bytes, frame))
    if (port === undefined) return this.#counts.drop('frame-unknown-destination')
    if (isMoreBehind && this.#coalescer.begin(bytes, frame, end, port.offloads)) this.#port = port
    else this.#delivery.deliver(port, this.#frame)
  }

  #subnetOf(vni: Vni): SwitchSubnet | undefined {
    if (this.#subnet?.vni !== vni) this.#subnet = this.#tables.subnet(vni)
    return this.#subnet
  }

  /** Deliver what was put together. */
  #close(): void {
    if (!this.#coalescer.isOpen || this.#port === undefined) return
    this.#coalescer.finish(this.#frame)
    this.#delivery.deliver(this.#port, this.#frame)
  }
}

/** From one datagram of a packet to the next. */
function stepOf({ end, segmentBytes, start }: PacketView): number {
  return segmentBytes > 0 ? segmentBytes : Math.max(1, end - start)
}
