/** Where outputs gather: packets, with broadcasts in what room they leave, and stream events. */
import type { SocketAddress } from '@weft/core'
import { COMPOUND_PARTS_MAX } from '../memberlist/limits.ts'
import { COMPOUND_BYTES, CRC_BYTES, type PacketCodec } from '../memberlist/packet-codec.ts'
import type { GossipOutput } from '../output.ts'
import type { MembershipProfile } from '../profile.ts'
import { CHECKSUM_VERSION, newestVersion } from './versions.ts'
import type { Member } from './member.ts'

const NOTHING: readonly GossipOutput[] = Object.freeze([])

/** Wraps messages into packets and keeps what is to be done, in order. */
export class PacketSender {
  readonly #codec: PacketCodec
  readonly #bytesMax: number
  #outputs: GossipOutput[] = []
  packets = 0
  bytes = 0

  constructor(codec: PacketCodec, profile: MembershipProfile) {
    this.#codec = codec
    this.#bytesMax = profile.packetBytesMax
  }

  /** Room for broadcasts, in bytes, beside a message of `usedBytes`; each costs PART_BYTES more. */
  roomBeside(usedBytes: number): number {
    return this.#bytesMax - this.#codec.overhead - CRC_BYTES - COMPOUND_BYTES - usedBytes
  }

  /**
   * To a member whose record is at hand: with a checksum if it checks them (docker-wire §2.3).
   * More parts than a compound takes make more packets.
   */
  toMember(member: Member, parts: readonly Uint8Array[]): void {
    this.toAddress(member.address, parts, newestVersion(member) >= CHECKSUM_VERSION)
  }

  /** To an address. */
  toAddress(to: SocketAddress, parts: readonly Uint8Array[], checksum: boolean): void {
    for (let at = 0; at < parts.length; at += COMPOUND_PARTS_MAX) {
      const isOne = parts.length <= COMPOUND_PARTS_MAX
      const some = isOne ? parts : parts.slice(at, at + COMPOUND_PARTS_MAX)
      const bytes = this.#codec.wrap(some, checksum)
      this.packets++
      this.bytes += bytes.length
      this.#outputs.push({ kind: 'packet', to, bytes })
    }
  }

  /** Something about a stream. */
  push(output: GossipOutput): void {
    this.#outputs.push(output)
  }

  /** Take everything. */
  drain(): readonly GossipOutput[] {
    if (this.#outputs.length === 0) return NOTHING
    const outputs = this.#outputs
    this.#outputs = []
    return outputs
  }
}
