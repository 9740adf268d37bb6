/** The way to peers: frames become VXLAN datagrams that wait side by side (RFC 7348 §5). */
import { setU32 } from '@weft/core'
import { entropyPortOf, vxlan, VXLAN_FLAG } from '@weft/wire'
import type { ByteSum } from './byte-sum.ts'
import { finishPacket } from './checksum-finish.ts'
import { copyBytes } from './copy-bytes.ts'
import { GSO_TYPE, type PacketView } from './packet-view.ts'
import type { Segmenter } from './segmenter.ts'
import type { SwitchCounts } from './switch-counts.ts'
import type { SwitchSubnet } from './switch-subnet.ts'
import type { TransmitLanes } from './transmit-lanes.ts'

const FLAGS = VXLAN_FLAG.vni << 24

/** What encapsulation needs. */
export interface EncapsulatorOptions {
  readonly lanes: TransmitLanes
  readonly sums: ByteSum
  /** Shared: it was prepared for the packet, if that is a super-segment. */
  readonly segmenter: Segmenter
  readonly counts: SwitchCounts
}

/** Encapsulates frames whose offloads make sense. */
export class Encapsulator {
  readonly #lanes: TransmitLanes
  readonly #sums: ByteSum
  readonly #segmenter: Segmenter
  readonly #counts: SwitchCounts

  constructor({ lanes, sums, segmenter, counts }: EncapsulatorOptions) {
    this.#lanes = lanes
    this.#sums = sums
    this.#segmenter = segmenter
    this.#counts = counts
  }

  /**
   * Write a frame, or each segment of one that the segmenter was prepared for, into the lane of its
   * flow. Checksums are finished: what leaves the host is whole.
   */
  send(subnet: SwitchSubnet, peer: number, packet: PacketView): void {
    const sourcePort = entropyPortOf(packet.bytes, packet.start, packet.end)
    if (packet.gsoType !== GSO_TYPE.none) return this.#sendSegments(subnet, peer, sourcePort)
    finishPacket(packet, this.#sums)
    const { bytes, start, end } = packet
    const length = vxlan.headerLength + end - start
    const at = this.#lanes.open(peer, sourcePort, length)
    this.#writeHeader(at, subnet)
    copyBytes(bytes, start, end, this.#lanes.bytes, at + vxlan.headerLength)
    this.#count(subnet, 1)
  }

  #sendSegments(subnet: SwitchSubnet, peer: number, sourcePort: number): void {
    const segmenter = this.#segmenter
    for (let i = 0; i < segmenter.count; i++) {
      const length = vxlan.headerLength + segmenter.frameBytes(i)
      const at = this.#lanes.open(peer, sourcePort, length)
      this.#writeHeader(at, subnet)
      segmenter.write(i, this.#lanes.bytes, at + vxlan.headerLength)
    }
    this.#count(subnet, segmenter.count)
  }

  #writeHeader(at: number, { vni }: SwitchSubnet): void {
    setU32(this.#lanes.bytes, at, FLAGS)
    setU32(this.#lanes.bytes, at + 4, vni << 8)
  }

  #count({ counts }: SwitchSubnet, datagrams: number): void {
    counts.transmitted += datagrams
    this.#counts.transmitted += datagrams
  }
}
