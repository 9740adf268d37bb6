/** The way to peers of encrypted networks: VXLAN datagrams inside ESP (RFC 4303 §3.1.1). */
import { setU16, setU32, type SocketAddress } from '@weft/core'
import { ESP_HEADER_BYTES, sealedBytes } from '@weft/encryption'
import {
  entropyPortOf,
  finishChecksum,
  udp,
  UDP_CHECKSUM_OFFSET,
  vxlan,
  VXLAN_FLAG,
} from '@weft/wire'
import type { ByteSum } from './byte-sum.ts'
import { finishPacket } from './checksum-finish.ts'
import { copyBytes } from './copy-bytes.ts'
import { GSO_TYPE, type PacketView } from './packet-view.ts'
import type { Segmenter } from './segmenter.ts'
import type { SwitchCounts } from './switch-counts.ts'
import type { SwitchSecurity } from './switch-security.ts'
import type { SwitchSubnet } from './switch-subnet.ts'
import type { SwitchTables } from './switch-tables.ts'
import type { TransmitLanes } from './transmit-lanes.ts'

const FLAGS = VXLAN_FLAG.vni << 24

/** UDP and VXLAN, which are sealed with the frame. */
const INNER_BYTES = udp.headerLength + vxlan.headerLength

/** What sealing needs. */
export interface SealedEncapsulatorOptions {
  /** Of its own: what is in them leaves as ESP. */
  readonly lanes: TransmitLanes
  readonly sums: ByteSum
  /** Shared: it was prepared for the packet, if that is a super-segment. */
  readonly segmenter: Segmenter
  readonly counts: SwitchCounts
  readonly tables: SwitchTables
  readonly security: SwitchSecurity
}

/**
 * Seals frames whose offloads make sense. Invariant: what a lane holds between two calls is sealed,
 * all of it; what could not be sealed is taken back.
 */
export class SealedEncapsulator {
  readonly #options: SealedEncapsulatorOptions
  #peer = -1
  #sourcePort = 0
  /** Of the datagram that is being made: where it begins, and what it will be when sealed. */
  #start = 0
  #length = 0

  constructor(options: SealedEncapsulatorOptions) {
    this.#options = options
  }

  /** As `Encapsulator.send`; frames that cannot be sealed are counted, and go nowhere. */
  send(subnet: SwitchSubnet, peer: number, packet: PacketView): void {
    const { lanes, segmenter, sums, tables } = this.#options
    const to = tables.peer(peer)
    if (to === undefined) return this.#options.counts.drop('frame-not-sealed')
    const { bytes, start, end } = packet
    this.#peer = peer
    this.#sourcePort = entropyPortOf(bytes, start, end)
    if (packet.gsoType === GSO_TYPE.none) {
      finishPacket(packet, sums)
      const at = this.#open(subnet, to, end - start)
      copyBytes(bytes, start, end, lanes.bytes, at)
      return this.#seal(subnet, to, at + end - start)
    }
    for (let i = 0; i < segmenter.count; i++) {
      const length = segmenter.frameBytes(i)
      const at = this.#open(subnet, to, length)
      segmenter.write(i, lanes.bytes, at)
      this.#seal(subnet, to, at + length)
    }
  }

  /** Room in the lane of the flow, with UDP and VXLAN in it: where the frame is to be written. */
  #open({ vni }: SwitchSubnet, { port }: SocketAddress, frameBytes: number): number {
    const { lanes, security } = this.#options
    const payloadBytes = INNER_BYTES + frameBytes
    this.#length = sealedBytes(payloadBytes, security.tagBytes)
    const at = lanes.open(this.#peer, this.#sourcePort, this.#length) + ESP_HEADER_BYTES
    this.#start = at
    const { bytes } = lanes
    setU16(bytes, at, this.#sourcePort)
    setU16(bytes, at + 2, port)
    setU16(bytes, at + 4, payloadBytes)
    setU16(bytes, at + UDP_CHECKSUM_OFFSET, 0)
    setU32(bytes, at + udp.headerLength, FLAGS)
    setU32(bytes, at + udp.headerLength + 4, vni << 8)
    return at + INNER_BYTES
  }

  #seal({ counts: network }: SwitchSubnet, to: SocketAddress, end: number): void {
    const { counts, lanes, security } = this.#options
    if (security.isOverSix) this.#finishUdp(this.#start, end, security.pseudoSum(to))
    const result = security.seal(lanes.bytes, this.#start, end, to.ip)
    if (typeof result === 'number') {
      network.transmitted++
      counts.transmitted++
      return
    }
    lanes.takeBack(this.#sourcePort, this.#length)
    counts.drop(result === 'exhausted' ? 'frame-sequence-exhausted' : 'frame-not-sealed')
  }

  /** Over IPv6 a datagram has a checksum (RFC 8200 §8.1), also where nobody else can read it. */
  #finishUdp(start: number, end: number, pseudoSum: number): void {
    const { lanes, sums } = this.#options
    const sum = pseudoSum + (end - start) + sums.of(lanes.bytes, start, end)
    setU16(lanes.bytes, start + UDP_CHECKSUM_OFFSET, finishChecksum(sum) || 0xffff)
  }
}
