/** Where a frame goes, obviously right and slow: strings, maps and the dissector. */
import { formatSocketAddress, type Ip, type Mac } from '@weft/core'
import { ARP_OPERATION, dissect, ethernet } from '@weft/wire'
import type { EngineState, EngineSubnet } from '../src/engine/index.ts'

/** What becomes of a frame. */
export type Verdict =
  | { readonly kind: 'deliver'; readonly ports: readonly number[] }
  | { readonly kind: 'transmit'; readonly peer: number; readonly vni: number }
  | { readonly kind: 'answer'; readonly mac: Mac }
  | { readonly kind: 'gateway' }
  | { readonly kind: 'drop'; readonly reason: string }

interface Place {
  readonly vni: number
  readonly subnet: EngineSubnet
}

function placeOf(state: EngineState, port: number): Place | null {
  for (const [vni, subnet] of state.subnets) {
    for (const one of subnet.ports.values()) if (one.port === port) return { vni, subnet }
  }
  return null
}

function drop(reason: string): Verdict {
  return { kind: 'drop', reason }
}

/** What becomes of a plain frame from a port. */
export function verdictOf(state: EngineState, port: number, frame: Uint8Array): Verdict {
  const place = placeOf(state, port)
  if (place === null) return drop('frame-unplugged')
  const { subnet, vni } = place
  if (ethernet.check(frame, 0, frame.length) !== null) return drop('frame-malformed')
  const { destination } = ethernet.decode(frame, 0)
  const packetBytes = frame.length - ethernet.payloadStart(frame, 0)
  if (packetBytes > subnet.mtuBytes) return drop('frame-too-long')
  const asked = askedFor(frame)
  const gatewayMac = `02:77:65:${hex(vni >>> 16)}:${hex(vni >>> 8)}:${hex(vni)}`
  const answer = asked === null ? null : answerOf(subnet, asked, gatewayMac as Mac)
  const isGroup = (Number.parseInt(destination.slice(0, 2), 16) & 1) === 1
  if (isGroup) {
    if (answer !== null) return { kind: 'answer', mac: answer }
    const others = [...subnet.ports.values()].map((one) => one.port).filter((one) => one !== port)
    return { kind: 'deliver', ports: others.sort((a, b) => a - b) }
  }
  const local = subnet.ports.get(destination)
  if (local !== undefined) {
    return local.port === port ? drop('frame-for-sender') : { kind: 'deliver', ports: [local.port] }
  }
  if (destination === gatewayMac) {
    return answer === null ? { kind: 'gateway' } : { kind: 'answer', mac: answer }
  }
  const peer = subnet.forwarding.get(destination)
  return peer === undefined ? drop('frame-unknown-destination') : { kind: 'transmit', peer, vni }
}

/** What becomes of a frame out of a datagram from a peer. */
export function tunnelVerdictOf(state: EngineState, vni: number, frame: Uint8Array): Verdict {
  const subnet = [...state.subnets].find(([id]) => id === vni)?.[1]
  if (subnet === undefined) return drop('datagram-unknown-vni')
  if (ethernet.check(frame, 0, frame.length) !== null) return drop('frame-malformed')
  const { destination } = ethernet.decode(frame, 0)
  const packetBytes = frame.length - ethernet.payloadStart(frame, 0)
  if (packetBytes > subnet.mtuBytes) return drop('frame-too-long')
  if ((Number.parseInt(destination.slice(0, 2), 16) & 1) === 1) {
    const ports = [...subnet.ports.values()].map((one) => one.port)
    return { kind: 'deliver', ports: ports.sort((a, b) => a - b) }
  }
  const local = subnet.ports.get(destination)
  if (local === undefined) return drop('frame-unknown-destination')
  return { kind: 'deliver', ports: [local.port] }
}

function hex(value: number): string {
  return (value & 0xff).toString(16).padStart(2, '0')
}

function askedFor(frame: Uint8Array): Ip | null {
  const [first, second, third] = dissect(frame)
  if (first?.kind !== 'ethernet' || first.header.tags.length > 0) return null
  if (second?.kind === 'arp') {
    return second.header.operation === ARP_OPERATION.request ? second.header.targetIp : null
  }
  if (second?.kind !== 'ipv6' || third?.kind !== 'icmpv6') return null
  if (second.header.hopLimit !== 255 || third.checksum !== 'good') return null
  return third.header.kind === 'neighbour-solicitation' ? third.header.target : null
}

function answerOf(subnet: EngineSubnet, ip: Ip, gatewayMac: Mac): Mac | null {
  if (subnet.prefixes.some(({ gateway }) => gateway === ip)) return gatewayMac
  return subnet.neighbours.get(ip) ?? null
}

/** A state as text, for comparisons in which order does not matter. */
export function textOf({ peers, subnets }: EngineState): string[] {
  const lines = [...peers].map(([peer, { ip, port }]) => {
    return `peer ${peer} ${formatSocketAddress({ ip, port })}`
  })
  for (const [vni, { ports, forwarding, neighbours, ...shape }] of subnets) {
    lines.push(`subnet ${vni} ${JSON.stringify(shape)}`)
    for (const [mac, { port, addresses, offloads }] of ports) {
      lines.push(`port ${vni} ${mac} ${port} ${[...addresses].sort().join()} ${offloads}`)
    }
    for (const [mac, peer] of forwarding) lines.push(`forwarding ${vni} ${mac} ${peer}`)
    for (const [ip, mac] of neighbours) lines.push(`neighbour ${vni} ${ip} ${mac}`)
  }
  return lines.sort()
}
