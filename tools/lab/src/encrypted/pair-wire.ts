/** The wire between two hosts, as one of them sees it; and packets put on it that are wrong. */
import { assert, u16, u8 } from '@weft/core'
import { openCapture, type Capture } from '@weft/linux'
import {
  encapsulateVxlan,
  ESP_IN_UDP_PORT,
  ETHER_TYPE,
  ethernet,
  IP_PROTOCOL,
  ipv4,
  IPV4_OFFSET,
  PacketBuffer,
  udpFrame,
  vxlanHeader,
} from '@weft/wire'
import {
  innerIp,
  innerMac,
  PAIR_PORT,
  PAIR_SECRET,
  PAIR_VNI,
  pairIp,
  type EncryptedHostSpec,
  type Foul,
  type WireTally,
} from './encrypted-host.ts'
import { cutFrames, forgedFrame, sealedFrame } from './pair-fouls.ts'

const IP_START = ethernet.headerLength
const IP_END = IP_START + ipv4.headerLength
const SNAP_BYTES = 66_000
/** The most that one has on the wire, with its Ethernet header. */
const PACKET_BYTES = 1514
/** Of the containers' datagrams. */
export const STREAM_PORT = 9
const ETHER_TYPE_AT = 12
const UDP_DESTINATION = 2

/** Counts from when it is made. */
export class PairWire {
  readonly #number: number
  readonly #isInUdp: boolean
  readonly #linkIndex: number
  readonly #capture: Capture
  #sealed = 0
  #clear = 0
  #readable = 0
  /** The last packet of ESP that this host sent. */
  #last: Uint8Array | null = null

  /** Listen on the link of a host, in its namespace. Throws ERR_KERNEL. */
  constructor({ number, path }: EncryptedHostSpec, namespace: string, linkIndex: number) {
    this.#number = number
    this.#isInUdp = path === 'udp'
    this.#linkIndex = linkIndex
    this.#capture = openCapture({ namespace, linkIndex, snapBytes: SNAP_BYTES }, (frames) => {
      for (const { bytes, outgoing } of frames) this.#count(bytes, outgoing)
    })
  }

  /** Everything up to now. */
  async tally(): Promise<WireTally> {
    await this.#capture.flush()
    const { dropped: missed } = this.#capture.counters()
    return { sealed: this.#sealed, clear: this.#clear, readable: this.#readable, missed }
  }

  /** Send what the other host must refuse; something sealed must have been sent before. */
  async foul(kind: Foul): Promise<void> {
    await this.#capture.flush()
    assert(this.#last !== null, 'something sealed was sent before')
    for (const frame of this.#fouls(kind, this.#last)) {
      const refusal = this.#capture.send(frame, this.#linkIndex)
      assert(refusal === null, 'the link takes every frame')
    }
  }

  close(): Promise<void> {
    return this.#capture.close()
  }

  /**
   * What is sealed is looked into by its sender alone: a kernel that receives it opens it where it
   * lies, and a capture beside it may be shown the same memory afterwards (seen on 6.1).
   */
  #count(bytes: Uint8Array, outgoing: boolean): void {
    if (u16(bytes, ETHER_TYPE_AT) !== ETHER_TYPE.ipv4) return
    const protocol = u8(bytes, IP_START + IPV4_OFFSET.protocol)
    const port = protocol === IP_PROTOCOL.udp ? u16(bytes, IP_END + UDP_DESTINATION) : 0
    const isSealed = protocol === IP_PROTOCOL.esp || port === ESP_IN_UDP_PORT
    // What a card is to cut into packets is seen whole.
    if (isSealed) this.#sealed += Math.ceil(bytes.length / PACKET_BYTES)
    if (outgoing && isSealed) this.#last = bytes
    if (port === PAIR_PORT) this.#clear++
    if (isSealed && !outgoing) return
    const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    if (whole.includes(PAIR_SECRET)) this.#readable++
  }

  #fouls(kind: Foul, last: Uint8Array): readonly Uint8Array[] {
    switch (kind) {
      case 'clear':
        return [this.#clearFrame(last)]
      case 'replayed':
        return [sealedFrame(last, this.#isInUdp)]
      case 'forged':
        return [forgedFrame(last, this.#isInUdp)]
      case 'truncated':
        return cutFrames(forgedFrame(last, this.#isInUdp), this.#isInUdp)
    }
  }

  /** What a host would send that encrypts nothing, and what would be received there. */
  #clearFrame(last: Uint8Array): Uint8Array {
    const [here, there] = [this.#number, 3 - this.#number]
    const payload = Buffer.from(PAIR_SECRET)
    const inner = udpFrame(
      {
        ...{ sourceMac: innerMac(here), destinationMac: innerMac(there) },
        ...{ source: innerIp(here), destination: innerIp(there) },
      },
      { sourcePort: STREAM_PORT, destinationPort: STREAM_PORT, payload },
    )
    const packet = PacketBuffer.of(inner)
    const { destination, source } = ethernet.decode(last, 0)
    encapsulateVxlan(packet, {
      ...{ sourceMac: source, destinationMac: destination },
      vxlan: vxlanHeader(PAIR_VNI),
      source: pairIp(here),
      destination: pairIp(there),
      ttl: 64,
      port: PAIR_PORT,
    })
    return packet.view()
  }
}
