/** The switch: frames from ports and datagrams from peers go where tables say, or nowhere. */
import { MAC_BYTES, type Ip } from '@weft/core'
import type { PeerKeys, RekeyWanted } from '@weft/encryption'
import { ethernet, ETHERNET_OFFSET, type WireFault } from '@weft/wire'
import { announce } from './announcements.ts'
import { ByteSum } from './byte-sum.ts'
import { finishPacket, isChecksumInside } from './checksum-finish.ts'
import { copyBytes } from './copy-bytes.ts'
import { Decapsulator } from './decapsulator.ts'
import type { DropReason } from './drop-reason.ts'
import { Encapsulator } from './encapsulator.ts'
import type {
  EngineSecurity,
  EngineState,
  SecurityProblem,
  SwitchCounters,
  SwitchOptions,
  SwitchSink,
  UnderlaySource,
} from './engine-state.ts'
import { answerEcho, countHop, destinationAt, familyOf, hopsLeft } from './gateway.ts'
import { isMacAt } from './gateway-mac.ts'
import { IcmpErrors, type IcmpProblem } from './icmp-errors.ts'
import { NeighbourAnswers } from './neighbour-answers.ts'
import { GSO_TYPE, PacketView } from './packet-view.ts'
import { PortDelivery } from './port-delivery.ts'
import { SealedEncapsulator } from './sealed-encapsulator.ts'
import { Segmenter } from './segmenter.ts'
import { SwitchCounts } from './switch-counts.ts'
import { SwitchSecurity } from './switch-security.ts'
import type { SwitchSubnet } from './switch-subnet.ts'
import { SwitchTables, type SwitchPort } from './switch-tables.ts'
import { LANE_BYTES, LANES, TransmitLanes } from './transmit-lanes.ts'

/** Bytes of the arena that a switch wants: lanes for each way, rooms for answers and pieces. */
export const SWITCH_ARENA_BYTES = (2 * LANES + 2) * LANE_BYTES

/**
 * The largest MTU of a subnet: what UDP over IPv4 carries, 65,507 bytes, less VXLAN and Ethernet.
 * Larger ones count as this, and tags come out of it.
 */
export const SWITCH_MTU_MAX_BYTES = 65_485

/** The same where packets are sealed: less UDP inside of ESP, and at most 37 bytes of that. */
export const SEALED_MTU_MAX_BYTES = 65_440

/**
 * A learning-free VXLAN switch. It knows what it is told and nothing else: what no entry names is
 * dropped and counted. No packet makes it allocate or throw.
 *
 * What `fromPort` and `fromUnderlay` are given is the switch's to change, view and bytes, until
 * they return. Frames wait to go out together: call `flush` after each burst.
 */
export class SwitchEngine {
  readonly #counts = new SwitchCounts()
  readonly #tables = new SwitchTables(this.#counts)
  readonly #sums: ByteSum
  readonly #segmenter: Segmenter
  readonly #lanes: TransmitLanes
  readonly #delivery: PortDelivery
  readonly #sealedLanes: TransmitLanes
  readonly #security: SwitchSecurity
  readonly #encapsulator: Encapsulator
  readonly #sealedEncapsulator: SealedEncapsulator
  readonly #decapsulator: Decapsulator
  readonly #answers: NeighbourAnswers
  readonly #errors: IcmpErrors
  readonly #answer: PacketView
  readonly #answerAt: number
  readonly #problem: { -readonly [Key in keyof IcmpProblem]: IcmpProblem[Key] }

  constructor(sink: SwitchSink, { arena, quick = null, segmentsMax, sealing }: SwitchOptions) {
    const { bytes, start } = arena
    this.#sums = new ByteSum(quick)
    this.#segmenter = new Segmenter(this.#sums)
    const [counts, tables, sums, segmenter] = [
      this.#counts,
      this.#tables,
      this.#sums,
      this.#segmenter,
    ]
    this.#lanes = new TransmitLanes(sink, arena, segmentsMax)
    const sealedArena = { bytes, start: start + LANES * LANE_BYTES }
    const transmit = sink.transmitSealed.bind(sink)
    this.#sealedLanes = new TransmitLanes({ transmit }, sealedArena, segmentsMax)
    const security = new SwitchSecurity(sealing)
    this.#security = security
    this.#answerAt = start + 2 * LANES * LANE_BYTES
    const room = { bytes, start: this.#answerAt + LANE_BYTES }
    this.#delivery = new PortDelivery({ sink, tables, sums, segmenter, room })
    this.#encapsulator = new Encapsulator({ lanes: this.#lanes, sums, segmenter, counts })
    const lanes = this.#sealedLanes
    const sealed = { lanes, sums, segmenter, counts, tables, security }
    this.#sealedEncapsulator = new SealedEncapsulator(sealed)
    const delivery = this.#delivery
    this.#decapsulator = new Decapsulator({ tables, counts, sums, delivery, security })
    this.#answers = new NeighbourAnswers(bytes, this.#answerAt)
    this.#errors = new IcmpErrors(bytes, this.#answerAt)
    this.#answer = new PacketView(bytes)
    this.#problem = { kind: 'too-big', mtu: 0, from: null }
  }

  /**
   * Know this and nothing else from now on. What waits to be sent is sent first. Endpoints are told
   * who came to an address of their subnet.
   */
  load(state: EngineState): void {
    this.flush()
    const room = { bytes: this.#lanes.bytes, start: this.#answerAt }
    const arrivals = this.#tables.load(state)
    announce(arrivals, { tables: this.#tables, delivery: this.#delivery, room })
  }

  /**
   * Seal and open with this from now on, and with nothing else; null: neither. What waits to be
   * sent is sent first. Says what could not be.
   */
  secure(spec: EngineSecurity | null): readonly SecurityProblem[] {
    this.flush()
    return this.#security.load(spec)
  }

  /** Names of the keys in use by peer, read from the associations. */
  associations(): ReadonlyMap<Ip, PeerKeys> {
    return this.#security.read()
  }

  /** Peers whose sequence numbers run out, that were not named by an earlier call. */
  rekeysWanted(): readonly RekeyWanted[] {
    return this.#security.drain()
  }

  /** What the tables say, read from them. */
  read(): EngineState {
    return this.#tables.read()
  }

  /** A frame that a local endpoint sends. */
  fromPort(port: number, packet: PacketView): void {
    const sender = this.#tables.port(port)
    if (sender === undefined) return this.#drop('frame-unplugged')
    const { bytes, start, end } = packet
    const fault: WireFault | null = ethernet.check(bytes, start, end)
    if (fault !== null) return this.#drop('frame-malformed')
    const packetBytes = this.#packetBytes(packet)
    if (packetBytes < 0) return this.#drop('frame-bad-offload')
    const tagBytes = ethernet.payloadStart(bytes, start) - start - ethernet.headerLength
    const { mtuBytes } = sender.subnet.spec
    if (packetBytes > Math.min(mtuBytes, mtuMaxOf(sender.subnet) - tagBytes)) {
      this.#tell(sender, packet, 'too-big')
      return this.#drop('frame-too-long')
    }
    if (ethernet.isGroup(bytes, start)) return this.#toGroup(sender, packet)
    this.#toMac(sender, packet)
  }

  /** One datagram, or several of one flow, with a source as the socket told it. */
  fromUnderlay(packet: PacketView, from: UnderlaySource): void {
    this.#decapsulator.receive(packet, from)
  }

  /**
   * One ESP packet, or several of one length, as `fromUnderlay`. Of a burst all but the last say
   * that more is behind: until then what was handed in stays as it is, the switch's to change.
   */
  fromSealed(packet: PacketView, from: UnderlaySource, isMoreBehind: boolean): void {
    this.#decapsulator.receiveSealed(packet, from, isMoreBehind)
  }

  /** Send what waits. */
  flush(): void {
    this.#lanes.flush()
    this.#sealedLanes.flush()
  }

  /** Send what waits, and zero every key. */
  close(): void {
    this.flush()
    this.#security.close()
  }

  /** Numbers since the switch was made. */
  counters(): SwitchCounters {
    return this.#counts.read(this.#tables.networks)
  }

  /** Bytes of the longest IP packet that this frame becomes; -1 when its offloads make no sense. */
  #packetBytes(packet: PacketView): number {
    if (packet.gsoType === GSO_TYPE.none) {
      if (!isChecksumInside(packet)) return -1
      return packet.end - ethernet.payloadStart(packet.bytes, packet.start)
    }
    return this.#segmenter.prepare(packet) ? this.#segmenter.packetBytes : -1
  }

  /** Questions are answered from the tables; the rest is for the ports of this node. */
  #toGroup(sender: SwitchPort, packet: PacketView): void {
    if (this.#answerNeighbour(sender, packet)) return
    this.#delivery.flood(sender.subnet, sender.number, packet)
  }

  #toMac(sender: SwitchPort, packet: PacketView): void {
    const { subnet } = sender
    const { bytes, start } = packet
    const number = subnet.local.find(bytes, start)
    if (number === sender.number) return this.#drop('frame-for-sender')
    const port = this.#tables.port(number)
    if (port !== undefined) return this.#delivery.deliver(port, packet)
    const peer = subnet.remote.find(bytes, start)
    if (peer >= 0) return this.#toPeer(subnet, peer, packet)
    if (isMacAt(bytes, start, subnet.addresses.gatewayMac)) return this.#toGateway(sender, packet)
    this.#drop('frame-unknown-destination')
  }

  #toPeer(subnet: SwitchSubnet, peer: number, packet: PacketView): void {
    if (subnet.spec.encapsulation === 'vxlan') this.#encapsulator.send(subnet, peer, packet)
    else this.#sealedEncapsulator.send(subnet, peer, packet)
  }

  /** Neighbours confirm their gateway by asking it alone, and ping it, and go through it. */
  #toGateway(sender: SwitchPort, packet: PacketView): void {
    if (this.#answerNeighbour(sender, packet)) return
    const { bytes, start, end } = packet
    const family = familyOf(bytes, start, end)
    if (family === 0) return this.#drop('frame-for-gateway')
    const destination = destinationAt(start, family)
    const subnets = this.#tables.beside(sender.subnet)
    for (const subnet of subnets) {
      if (!subnet.addresses.isGateway(bytes, destination, family)) continue
      if (packet.gsoType !== GSO_TYPE.none) return this.#drop('frame-for-gateway')
      finishPacket(packet, this.#sums)
      if (!answerEcho(bytes, start, family)) return this.#drop('frame-for-gateway')
      return this.#delivery.deliver(sender, packet)
    }
    for (const subnet of subnets) {
      if (!subnet.addresses.covers(bytes, destination, family)) continue
      return this.#route(sender, subnet, packet)
    }
    this.#drop('frame-unroutable')
  }

  /** Pass a packet on into a subnet of the same network. */
  #route(sender: SwitchPort, subnet: SwitchSubnet, packet: PacketView): void {
    const { bytes, start, end } = packet
    const family = familyOf(bytes, start, end)
    if (family === 0) return
    if (hopsLeft(bytes, start, family) <= 1) {
      this.#problem.from = sender.subnet.addresses.gatewayOf(family)
      this.#tell(sender, packet, 'expired')
      return this.#drop('frame-expired')
    }
    const mac = subnet.addresses.ownerOf(bytes, destinationAt(start, family), family)
    if (mac === null) return this.#drop('frame-unroutable')
    copyBytes(mac, 0, MAC_BYTES, bytes, start)
    copyBytes(subnet.addresses.gatewayMac, 0, MAC_BYTES, bytes, start + ETHERNET_OFFSET.source)
    countHop(bytes, start, family)
    const port = this.#tables.port(subnet.local.find(bytes, start))
    if (port !== undefined) return this.#delivery.deliver(port, packet)
    const peer = subnet.remote.find(bytes, start)
    if (peer < 0) return this.#drop('frame-unroutable')
    this.#toPeer(subnet, peer, packet)
  }

  #answerNeighbour(sender: SwitchPort, packet: PacketView): boolean {
    if (packet.gsoType !== GSO_TYPE.none) return false
    finishPacket(packet, this.#sums)
    const { bytes, start, end } = packet
    const length = this.#answers.answer(bytes, start, end, sender.subnet.addresses)
    if (length > 0) this.#deliverAnswer(sender, length)
    return length > 0
  }

  /** Tell a sender what became of its packet, where that is to be told. */
  #tell(sender: SwitchPort, packet: PacketView, kind: IcmpProblem['kind']): void {
    this.#problem.kind = kind
    this.#problem.mtu = Math.min(sender.subnet.spec.mtuBytes, mtuMaxOf(sender.subnet))
    const { bytes, start, end } = packet
    const length = this.#errors.write(bytes, start, end, this.#problem)
    this.#problem.from = null
    if (length > 0) this.#deliverAnswer(sender, length)
  }

  #deliverAnswer(to: SwitchPort, length: number): void {
    const start = this.#answerAt
    this.#answer.setPlain(this.#lanes.bytes, start, start + length)
    this.#delivery.deliver(to, this.#answer)
  }

  #drop(reason: DropReason): void {
    this.#counts.drop(reason)
  }
}

/** What a subnet's packets may have at most, whatever it says itself. */
function mtuMaxOf({ spec }: SwitchSubnet): number {
  return spec.encapsulation === 'vxlan' ? SWITCH_MTU_MAX_BYTES : SEALED_MTU_MAX_BYTES
}
