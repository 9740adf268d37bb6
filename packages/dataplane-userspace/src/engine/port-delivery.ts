/** The way to local ports: each gets what it can take. */
import type { ByteSum } from './byte-sum.ts'
import { finishPacket } from './checksum-finish.ts'
import type { SwitchSink } from './engine-state.ts'
import { GSO_ECN, GSO_TYPE, PacketView, PORT_OFFLOAD } from './packet-view.ts'
import type { Segmenter } from './segmenter.ts'
import type { SwitchSubnet } from './switch-subnet.ts'
import type { SwitchPort, SwitchTables } from './switch-tables.ts'

/** What deliveries need. */
export interface DeliveryOptions {
  readonly sink: SwitchSink
  readonly tables: SwitchTables
  readonly sums: ByteSum
  readonly segmenter: Segmenter
  /** Room for one frame, where super-segments are cut. */
  readonly room: { readonly bytes: Uint8Array; readonly start: number }
}

/** Delivers frames whose offloads make sense. */
export class PortDelivery {
  readonly #options: DeliveryOptions
  readonly #piece: PacketView

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#piece = new PacketView(options.room.bytes)
  }

  /** Hand a frame over; one that the port cannot take as it is comes whole, or in pieces. */
  deliver(port: SwitchPort, packet: PacketView): void {
    const { sink, sums } = this.#options
    if (packet.gsoType !== GSO_TYPE.none) {
      if ((port.offloads & offloadFor(packet.gsoType)) === 0) {
        return this.#deliverPieces(port, packet)
      }
    } else if ((port.offloads & PORT_OFFLOAD.checksum) === 0) finishPacket(packet, sums)
    sink.deliver(port.number, packet)
  }

  /** Hand a frame to all ports of a subnet but one. */
  flood(subnet: SwitchSubnet, except: number, packet: PacketView): void {
    for (const number of subnet.ports) {
      const port = this.#options.tables.port(number)
      if (number !== except && port !== undefined) this.deliver(port, packet)
    }
  }

  #deliverPieces(port: SwitchPort, packet: PacketView): void {
    const { sink, segmenter, room } = this.#options
    if (!segmenter.prepare(packet)) return
    for (let i = 0; i < segmenter.count; i++) {
      segmenter.write(i, room.bytes, room.start)
      this.#piece.setPlain(room.bytes, room.start, room.start + segmenter.frameBytes(i))
      sink.deliver(port.number, this.#piece)
    }
  }
}

/** The bit of PORT_OFFLOAD for a kind of super-segment. */
function offloadFor(gsoType: number): number {
  const type = gsoType & ~GSO_ECN
  if (type === GSO_TYPE.tcp4) return PORT_OFFLOAD.tcp4
  return type === GSO_TYPE.tcp6 ? PORT_OFFLOAD.tcp6 : PORT_OFFLOAD.udp
}
