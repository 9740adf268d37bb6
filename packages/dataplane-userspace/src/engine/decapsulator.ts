/** The way from peers: VXLAN datagrams become frames, side by side ones of a flow become one. */
import type { Vni } from '@weft/core'
import { ethernet, vxlan } from '@weft/wire'
import type { ByteSum } from './byte-sum.ts'
import { Coalescer } from './coalescer.ts'
import type { UnderlaySource } from './engine-state.ts'
import { PacketView } from './packet-view.ts'
import type { PortDelivery } from './port-delivery.ts'
import type { SwitchCounts } from './switch-counts.ts'
import type { SwitchSubnet } from './switch-subnet.ts'
import type { SwitchPort, SwitchTables } from './switch-tables.ts'

const NO_PORT = -1

/** What decapsulation needs. */
export interface DecapsulatorOptions {
  readonly tables: SwitchTables
  readonly counts: SwitchCounts
  readonly sums: ByteSum
  readonly delivery: PortDelivery
}

/** Takes datagrams apart. What comes out goes to local ports, never back to the underlay. */
export class Decapsulator {
  readonly #tables: SwitchTables
  readonly #counts: SwitchCounts
  readonly #delivery: PortDelivery
  readonly #coalescer: Coalescer
  readonly #frame = new PacketView(new Uint8Array(0))
  /** Where the frame goes that the coalescer holds. */
  #port: SwitchPort | undefined
  #subnet: SwitchSubnet | undefined

  constructor({ tables, counts, sums, delivery }: DecapsulatorOptions) {
    this.#tables = tables
    this.#counts = counts
    this.#delivery = delivery
    this.#coalescer = new Coalescer(sums)
  }

  /** One datagram, or several of `segmentBytes`. */
  receive(packet: PacketView, from: UnderlaySource): void {
    const { bytes, start, end, segmentBytes } = packet
    const step = segmentBytes > 0 ? segmentBytes : Math.max(1, end - start)
    if (!this.#tables.isPeer(from)) {
      this.#counts.drop('datagram-unknown-peer', Math.max(1, Math.ceil((end - start) / step)))
      return
    }
    // Tables may have changed since the last time.
    this.#subnet = undefined
    // An empty datagram is one too.
    let at = start
    do {
      const stop = Math.min(end, at + step)
      this.#receiveOne(bytes, at, stop, stop < end)
      at = stop
    } while (at < end)
    this.#close()
  }

  #receiveOne(bytes: Uint8Array, start: number, end: number, isMoreBehind: boolean): void {
    const fault = vxlan.check(bytes, start, end)
    if (fault !== null) {
      return this.#counts.drop(fault === 'short' ? 'datagram-short' : 'datagram-bad-flags')
    }
    const subnet = this.#subnetOf(vxlan.vni(bytes, start))
    if (subnet === undefined) return this.#counts.drop('datagram-unknown-vni')
    if (subnet.spec.encapsulation !== 'vxlan') return this.#counts.drop('datagram-not-sealed')
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
