/** ARP and neighbour discovery: questions, answers, and what is to be learnt from either. */
import {
  ipFamily,
  ipFromBytes,
  isGroupMac,
  isMulticastIp,
  macFromBytes,
  parseIp,
  type Instant,
  type Ip,
  type Mac,
} from '@weft/core'
import {
  arp,
  ARP_OPERATION,
  arpReplyFrame,
  arpRequestFrame,
  ethernet,
  ETHERNET_OFFSET,
  icmpv6,
  ipv6,
  IPV6_OFFSET,
  NEIGHBOUR_HOP_LIMIT,
  neighbourAdvertisementFrame,
  neighbourSolicitationFrame,
  transportChecksumState,
  unsolicitedAdvertisementFrame,
  ZERO_MAC,
  type Icmpv6Message,
  type NeighbourMessage,
} from '@weft/wire'
import type { Addressing } from './addressing.ts'
import type { NeighbourCache } from './neighbour-cache.ts'
import type { ReceiveDrop } from './stack-counters.ts'

/** What messages are judged by and change. */
export interface NeighbourScene {
  readonly addressing: Addressing
  readonly neighbours: NeighbourCache
  readonly now: Instant
  /** Put an answer on the wire. */
  readonly answer: (frame: Uint8Array) => void
}

const ANY_IPV6 = parseIp('::')

/** Who has `ip`? Null when there is no address to ask from. */
export function neighbourQuestion(addressing: Addressing, ip: Ip): Uint8Array | null {
  const route = addressing.route(ip)
  if (typeof route === 'string') return null
  const sender = { mac: addressing.mac, ip: route.source }
  return ipFamily(ip) === 6 ? neighbourSolicitationFrame(sender, ip) : arpRequestFrame(sender, ip)
}

/** An ARP message at `at`, in a frame whose Ethernet header was read. */
export function receiveArp(
  scene: NeighbourScene,
  frame: Uint8Array,
  at: number,
): ReceiveDrop | null {
  const fault = arp.check(frame, at, frame.length)
  if (fault !== null) return fault
  const { addressing } = scene
  const { operation, senderIp, senderMac, targetIp } = arp.decode(frame, at)
  if (!isStation(senderMac)) return 'bad-neighbour'
  if (addressing.isOwn(senderIp)) return 'address-conflict'
  const isRequest = operation === ARP_OPERATION.request
  if (!isRequest && operation !== ARP_OPERATION.reply) return 'unhandled'
  const isForUs = addressing.isOwn(targetIp)
  const isKnown = learn(scene, {
    ip: senderIp,
    mac: senderMac,
    isAnswer: !isRequest && isForUs && !ethernet.isGroup(frame, 0),
    overrides: true,
    isForUs: isRequest && isForUs,
  })
  if (!isForUs) return isKnown ? null : 'not-ours'
  if (isRequest) {
    const own = { mac: addressing.mac, ip: targetIp }
    scene.answer(arpReplyFrame(own, { mac: senderMac, ip: senderIp }))
  }
  return isRequest || isKnown ? null : 'unexpected'
}

/** A message of neighbour discovery in the checked IPv6 packet at `at` (RFC 4861 §7.1, §7.2). */
export function receiveNeighbourMessage(
  scene: NeighbourScene,
  frame: Uint8Array,
  at: number,
): ReceiveDrop | null {
  const [start, end] = [ipv6.payloadStart(frame, at), ipv6.payloadEnd(frame, at)]
  const fault = icmpv6.check(frame, start, end)
  if (fault !== null) return fault
  if (transportChecksumState(frame, at) !== 'good') return 'bad-checksum'
  if (ipv6.hopLimit(frame, at) !== NEIGHBOUR_HOP_LIMIT) return 'bad-neighbour'
  const packet = {
    source: ipFromBytes(frame, at + IPV6_OFFSET.source, 6),
    destination: ipFromBytes(frame, at + IPV6_OFFSET.destination, 6),
    sourceMac: macFromBytes(frame, ETHERNET_OFFSET.source),
  }
  const message = icmpv6.decode(frame, start, end)
  if (message.kind === 'neighbour-solicitation') return solicited(scene, message, packet)
  if (message.kind === 'neighbour-advertisement') return advertised(scene, message, packet)
  return message.kind === 'other' ? 'bad-neighbour' : 'unhandled'
}

/** Between whom a message of neighbour discovery went. */
interface Packet {
  readonly source: Ip
  readonly destination: Ip
  readonly sourceMac: Mac
}

type Received<Kind> = Extract<Icmpv6Message, { kind: Kind }>

function solicited(
  scene: NeighbourScene,
  message: Received<'neighbour-solicitation'>,
  { destination, source, sourceMac }: Packet,
): ReceiveDrop | null {
  const { addressing } = scene
  const stated = linkLayerIn(message, 'source-link-layer')
  const isProbe = source === ANY_IPV6
  const isWrong =
    isMulticastIp(message.target) ||
    (isProbe && (stated !== null || !isMulticastIp(destination))) ||
    (!isProbe && isMulticastIp(source)) ||
    !isStation(stated ?? sourceMac)
  if (isWrong) return 'bad-neighbour'
  if (addressing.isOwn(source)) return 'address-conflict'
  if (!addressing.isOwn(message.target)) return 'not-ours'
  const own = { mac: addressing.mac, ip: message.target }
  if (isProbe) scene.answer(unsolicitedAdvertisementFrame(own))
  else {
    if (stated !== null) {
      const news = { ip: source, mac: stated, isAnswer: false, overrides: true, isForUs: true }
      learn(scene, news)
    }
    const asker = { mac: stated ?? sourceMac, ip: source }
    scene.answer(neighbourAdvertisementFrame(own, asker))
  }
  return null
}

function advertised(
  scene: NeighbourScene,
  message: Received<'neighbour-advertisement'>,
  { destination, sourceMac }: Packet,
): ReceiveDrop | null {
  const { override, solicited: isAnswer, target } = message
  const isGroup = isMulticastIp(destination)
  if (isMulticastIp(target) || (isGroup && isAnswer)) return 'bad-neighbour'
  if (scene.addressing.isOwn(target)) return 'address-conflict'
  // An answer to a unicast question may leave its MAC out (RFC 4861 §4.4): it is where it was.
  const mac = linkLayerIn(message, 'target-link-layer') ?? sourceMac
  if (!isStation(mac)) return 'bad-neighbour'
  const news = { ip: target, mac, isAnswer, overrides: override, isForUs: false }
  return learn(scene, news) ? null : 'unexpected'
}

function learn(
  { addressing, neighbours, now }: NeighbourScene,
  news: Parameters<NeighbourCache['heard']>[1],
): boolean {
  const isFit = addressing.isPeer(news.ip) && addressing.isOnLink(news.ip)
  return isFit && neighbours.heard(now, news)
}

function isStation(mac: Mac): boolean {
  return !isGroupMac(mac) && mac !== ZERO_MAC
}

function linkLayerIn(
  { options }: NeighbourMessage,
  kind: 'source-link-layer' | 'target-link-layer',
): Mac | null {
  for (const option of options) if (option.kind === kind && 'mac' in option) return option.mac
  return null
}
