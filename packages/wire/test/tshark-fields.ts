/** Our reading of a layer in tshark's words, to compare the two field by field. */
import { u16 } from '@weft/core'
import {
  ETHER_TYPE,
  IPV6_EXTENSION,
  type ChecksumState,
  type EthernetHeader,
  type HeaderLayer,
  type Icmpv6Message,
  type Ipv4Header,
  type Ipv6Header,
  type Layer,
  type NeighbourOption,
  type TcpOption,
} from '../src/index.ts'

/** A layer as tools/vectors keeps it: values in order of appearance, as tshark prints them. */
export interface TsharkLayer {
  readonly proto: string
  readonly fields: { readonly [field: string]: readonly string[] }
}

type Value = string | number | boolean
type Fields = { readonly [field: string]: Value | readonly Value[] | undefined }

function show(value: Value): string {
  return typeof value === 'boolean' ? (value ? '1' : '0') : String(value)
}

/** A layer from plain values; fields that are undefined or empty are not there. */
function named(proto: string, fields: Fields): TsharkLayer {
  const kept: { [field: string]: string[] } = {}
  for (const [name, value] of Object.entries(fields)) {
    const values: readonly Value[] = value === undefined ? [] : [value].flat()
    const shown = values.map(show)
    if (shown.length > 0) kept[`${proto}.${name}`] = shown
  }
  return { proto, fields: kept }
}

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`
}

/** tshark's numbers: 0 bad, 1 good, 3 not present. It takes partial checksums for bad ones. */
function status(state: ChecksumState): number {
  if (state === 'absent') return 3
  return state === 'good' ? 1 : 0
}

function ethernetFields(header: EthernetHeader): TsharkLayer[] {
  const types = [...header.tags.map((tag) => tag.etherType), header.etherType]
  const tags = header.tags.map((tag, i) => {
    const service = tag.etherType === ETHER_TYPE.serviceVlan
    return named(service ? 'ieee8021ad' : 'vlan', {
      priority: tag.priority,
      dei: tag.dropEligible,
      id: tag.vlanId,
      // tshark shows no type behind a service tag.
      etype: service ? undefined : hex(types[i + 1] ?? 0, 4),
    })
  })
  const { destination: dst, source: src } = header
  return [named('eth', { dst, src, type: hex(types[0] ?? 0, 4) }), ...tags]
}

function ipv4Fields(bytes: Uint8Array, start: number, header: Ipv4Header): TsharkLayer {
  const optionBytes = header.options.reduce(
    (sum, { type, body }) => sum + body.length + (type === 1 ? 1 : 2),
    0,
  )
  const types = header.options.map(({ type }) => type)
  return named('ip', {
    hdr_len: 20 + Math.ceil(optionBytes / 4) * 4,
    'dsfield.dscp': header.dscp,
    'dsfield.ecn': header.ecn,
    len: header.totalLength,
    id: hex(header.identification, 4),
    'flags.rb': header.reserved,
    'flags.df': header.dontFragment,
    'flags.mf': header.moreFragments,
    frag_offset: header.fragmentOffset / 8,
    ttl: header.ttl,
    proto: header.protocol,
    // check verified it, or there would be a fault in place of this layer.
    checksum: hex(u16(bytes, start + 10), 4),
    'checksum.status': 1,
    src: header.source,
    dst: header.destination,
    // tshark lists an end that only pads; we imply it.
    'opt.type': optionBytes % 4 === 0 ? types : [...types, 0],
  })
}

function ipv6Fields(header: Ipv6Header): TsharkLayer[] {
  const types = [
    ...header.extensions.map((each) => (each.kind === 'fragment' ? 44 : each.type)),
    header.protocol,
  ]
  const extensions = header.extensions.flatMap((each, i) => {
    const nxt = types[i + 1]
    if (each.kind === 'fragment') {
      const ident = hex(each.identification, 8)
      return [named('ipv6.fraghdr', { nxt, offset: each.offset / 8, more: each.more, ident })]
    }
    const isHopByHop = each.type === IPV6_EXTENSION.hopByHop
    return isHopByHop ? [named('ipv6.hopopts', { nxt, len_oct: 2 + each.body.length })] : []
  })
  const base = named('ipv6', {
    tclass: hex(header.trafficClass, 8),
    flow: hex(header.flowLabel, 6),
    plen: header.payloadLength,
    nxt: types[0],
    hlim: header.hopLimit,
    src: header.source,
    dst: header.destination,
  })
  return [base, ...extensions]
}

function icmpFields(bytes: Uint8Array, layer: HeaderLayer<'icmp'>): TsharkLayer {
  const { header, start } = layer
  const isEcho = header.kind === 'echo-request' || header.kind === 'echo-reply'
  const tooBig = header.kind === 'unreachable' && header.code === 4
  return named('icmp', {
    type: bytes[start],
    code: 'code' in header ? header.code : 0,
    checksum: hex(u16(bytes, start + 2), 4),
    'checksum.status': 1,
    ident: isEcho ? header.identifier : undefined,
    seq: isEcho ? header.sequence : undefined,
    mtu: tooBig ? header.mtu : undefined,
  })
}

const OPTION_TYPES = { 'source-link-layer': 1, 'target-link-layer': 2, prefix: 3, mtu: 5 } as const

function optionFields(options: readonly NeighbourOption[]): Fields {
  const prefixes = options.filter((option) => option.kind === 'prefix')
  return {
    'opt.type': options.map((each) =>
      each.kind === 'other' ? each.type : OPTION_TYPES[each.kind],
    ),
    'opt.linkaddr': options.flatMap((option) => ('mac' in option ? [option.mac] : [])),
    'opt.mtu': options.flatMap((option) => (option.kind === 'mtu' ? [option.mtu] : [])),
    'opt.prefix': prefixes.map((option) => option.prefix),
    'opt.prefix.length': prefixes.map((option) => option.length),
    'opt.prefix.valid_lifetime': prefixes.map((option) => option.validSeconds),
    'opt.prefix.preferred_lifetime': prefixes.map((option) => option.preferredSeconds),
  }
}

function neighbourFields(header: Extract<Icmpv6Message, { options: unknown }>): Fields {
  const options = optionFields(header.options)
  switch (header.kind) {
    case 'router-solicitation':
      return options
    case 'router-advertisement':
      return {
        'nd.ra.cur_hop_limit': header.hopLimit,
        'nd.ra.flag': hex(header.flags, 2),
        'nd.ra.router_lifetime': header.lifetimeSeconds,
        'nd.ra.reachable_time': header.reachableMs,
        'nd.ra.retrans_timer': header.retransmitMs,
        ...options,
      }
    case 'neighbour-solicitation':
      return { 'nd.ns.target_address': header.target, ...options }
    case 'neighbour-advertisement':
      return {
        'nd.na.flag.r': header.router,
        'nd.na.flag.s': header.solicited,
        'nd.na.flag.o': header.override,
        'nd.na.target_address': header.target,
        ...options,
      }
    case 'redirect':
      return {
        'nd.rd.target_address': header.target,
        'rd.na.destination_address': header.destination,
        ...options,
      }
  }
}

function icmpv6Fields(bytes: Uint8Array, layer: HeaderLayer<'icmpv6'>): TsharkLayer {
  const { header, start } = layer
  const isEcho = header.kind === 'echo-request' || header.kind === 'echo-reply'
  return named('icmpv6', {
    type: bytes[start],
    code: 'code' in header ? header.code : 0,
    checksum: hex(header.checksum, 4),
    'checksum.status': status(layer.checksum),
    'echo.identifier': isEcho ? hex(header.identifier, 4) : undefined,
    'echo.sequence_number': isEcho ? header.sequence : undefined,
    mtu: header.kind === 'packet-too-big' ? header.mtu : undefined,
    ...('options' in header ? neighbourFields(header) : {}),
  })
}

const TCP_KINDS = { mss: 2, 'window-scale': 3, 'sack-permitted': 4, timestamps: 8 } as const

function tcpOptionFields(options: readonly TcpOption[]): Fields {
  const stamps = options.filter((option) => option.kind === 'timestamps')
  return {
    option_kind: options.map((each) => (each.kind === 'other' ? each.type : TCP_KINDS[each.kind])),
    'options.mss_val': options.flatMap((each) => (each.kind === 'mss' ? [each.bytes] : [])),
    'options.wscale.shift': options.flatMap((each) =>
      each.kind === 'window-scale' ? [each.shift] : [],
    ),
    'options.timestamp.tsval': stamps.map((each) => each.value),
    'options.timestamp.tsecr': stamps.map((each) => each.echo),
  }
}

function tcpFields(layer: HeaderLayer<'tcp'>): TsharkLayer {
  const { header } = layer
  return named('tcp', {
    srcport: header.sourcePort,
    dstport: header.destinationPort,
    seq_raw: header.sequence,
    ack_raw: header.acknowledgement,
    hdr_len: layer.end - layer.start,
    flags: hex(header.flags, 4),
    window_size_value: header.window,
    checksum: hex(header.checksum, 4),
    'checksum.status': status(layer.checksum),
    urgent_pointer: header.urgent,
    ...tcpOptionFields(header.options),
  })
}

/** What tshark should show for one of our layers; nothing for payloads. */
export function tsharkLayersOf(bytes: Uint8Array, layer: Layer): TsharkLayer[] {
  switch (layer.kind) {
    case 'ethernet':
      return ethernetFields(layer.header)
    case 'arp':
      return [
        named('arp', {
          opcode: layer.header.operation,
          'src.hw_mac': layer.header.senderMac,
          'src.proto_ipv4': layer.header.senderIp,
          'dst.hw_mac': layer.header.targetMac,
          'dst.proto_ipv4': layer.header.targetIp,
        }),
      ]
    case 'ipv4':
      return [ipv4Fields(bytes, layer.start, layer.header)]
    case 'ipv6':
      return ipv6Fields(layer.header)
    case 'quote':
      return 'ttl' in layer.header
        ? [ipv4Fields(bytes, layer.start, layer.header)]
        : ipv6Fields(layer.header)
    case 'icmp':
      return [icmpFields(bytes, layer)]
    case 'icmpv6':
      return [icmpv6Fields(bytes, layer)]
    case 'udp':
      return [
        named('udp', {
          srcport: layer.header.sourcePort,
          dstport: layer.header.destinationPort,
          length: layer.header.length,
          checksum: hex(layer.header.checksum, 4),
          'checksum.status': status(layer.checksum),
        }),
      ]
    case 'tcp':
      return [tcpFields(layer)]
    case 'vxlan': {
      const { flags, reserved, vni, trailer } = layer.header
      const gbp = reserved & 0xffff
      const bits = hex((flags << 8) | (reserved >>> 16), 4)
      return [named('vxlan', { flags: bits, gbp, vni, reserved8: trailer })]
    }
    case 'esp': {
      const { spi, sequence } = layer.header
      return [named('esp', { spi: hex(spi, 8), sequence })]
    }
    default:
      return []
  }
}
