/** tshark's reading of a capture, reduced to the fields that the wire package reads too. */
import { execFileSync } from 'node:child_process'

/** One protocol layer of a frame: its name, and each field's values in order of appearance. */
export interface TsharkLayer {
  readonly proto: string
  readonly fields: { readonly [field: string]: readonly string[] }
}

/** Frames, each as its layers from the outside in. */
export type TsharkFrames = readonly (readonly TsharkLayer[])[]

/** Checksums verified, nothing reassembled, numbers as they stand in the packet. */
const PREFERENCES = [
  'ip.defragment:FALSE',
  'ipv6.defragment:FALSE',
  'ip.check_checksum:TRUE',
  'udp.check_checksum:TRUE',
  'tcp.check_checksum:TRUE',
  'tcp.relative_sequence_numbers:FALSE',
  'tcp.analyze_sequence_numbers:FALSE',
  'tcp.desegment_tcp_streams:FALSE',
]

function anyOf(...names: readonly (readonly string[])[]): RegExp {
  return new RegExp(`^(${names.flat().join('|').replaceAll('.', '\\.')})$`)
}

/** The fields kept of each protocol, as regular expressions over the part behind the protocol. */
const KEPT: { readonly [proto: string]: RegExp } = {
  eth: /^(dst|src|type|len)$/,
  vlan: /^(priority|dei|id|etype)$/,
  ieee8021ad: /^(priority|dei|id|etype)$/,
  arp: /^(opcode|(src|dst)\.(hw_mac|proto_ipv4))$/,
  ip: anyOf(
    ['hdr_len', 'dsfield.dscp', 'dsfield.ecn', 'len', 'id', 'flags.rb', 'flags.df', 'flags.mf'],
    ['frag_offset', 'ttl', 'proto', 'src', 'dst', 'checksum', 'checksum.status', 'opt.type'],
  ),
  ipv6: /^(tclass|flow|plen|nxt|hlim|src|dst)$/,
  'ipv6.hopopts': /^(nxt|len_oct)$/,
  'ipv6.fraghdr': /^(nxt|offset|more|ident)$/,
  icmp: /^(type|code|checksum(\.status)?|ident|seq|mtu)$/,
  icmpv6: anyOf(
    ['type', 'code', 'checksum', 'checksum.status', 'echo.identifier', 'echo.sequence_number'],
    ['mtu', 'nd.ns.target_address', 'nd.na.target_address', 'nd.rd.target_address'],
    ['rd.na.destination_address'],
    ['nd.na.flag.r', 'nd.na.flag.s', 'nd.na.flag.o', 'nd.ra.cur_hop_limit', 'nd.ra.flag'],
    ['nd.ra.router_lifetime', 'nd.ra.reachable_time', 'nd.ra.retrans_timer'],
    ['opt.type', 'opt.linkaddr', 'opt.mtu', 'opt.prefix', 'opt.prefix.length'],
    ['opt.prefix.valid_lifetime', 'opt.prefix.preferred_lifetime'],
  ),
  udp: /^(srcport|dstport|length|checksum(\.status)?)$/,
  tcp: anyOf(
    ['srcport', 'dstport', 'seq_raw', 'ack_raw', 'hdr_len', 'flags', 'window_size_value'],
    ['checksum', 'checksum.status', 'urgent_pointer', 'option_kind', 'options.mss_val'],
    ['options.wscale.shift', 'options.timestamp.tsval', 'options.timestamp.tsecr'],
  ),
  vxlan: /^(flags|vni|gbp|reserved8)$/,
  esp: /^(spi|sequence)$/,
}

/** Recordings are small; their dissection is some kilobytes a frame. */
const OUTPUT_BYTES_MAX = 1 << 28

/** Read a capture with the tshark that is installed. Throws when it is not. */
export function dissectWithTshark(path: string, more: readonly string[] = []): TsharkFrames {
  const preferences = [...PREFERENCES, ...more].flatMap((preference) => ['-o', preference])
  return framesOf(tshark(['-r', path, '-n', '-T', 'pdml', ...preferences]))
}

/** What tshark calls itself. Throws when there is none. */
export function tsharkVersion(): string {
  return tshark(['--version']).split('\n')[0] ?? ''
}

function tshark(args: readonly string[]): string {
  return execFileSync('tshark', args, {
    encoding: 'utf8',
    maxBuffer: OUTPUT_BYTES_MAX,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

interface OpenLayer {
  readonly proto: string
  readonly fields: { [field: string]: string[] }
}

/** PDML puts one element on a line, so lines are enough. */
function framesOf(pdml: string): OpenLayer[][] {
  const frames: OpenLayer[][] = []
  // Layers nest where one packet quotes another: fields go to the innermost that knows them.
  let open: (OpenLayer | null)[] = []
  for (const line of pdml.split('\n')) {
    const text = line.trim()
    if (text === '<packet>') {
      frames.push([])
      open = []
    } else if (text.startsWith('<proto ')) {
      const proto = attribute(text, 'name')
      const layer = KEPT[proto] === undefined ? null : { proto, fields: {} }
      if (layer !== null) frames.at(-1)?.push(layer)
      if (!text.endsWith('/>')) open.push(layer)
    } else if (text === '</proto>') open.pop()
    else if (text.startsWith('<field ')) keepField(text, open)
  }
  return frames
}

function keepField(text: string, open: readonly (OpenLayer | null)[]): void {
  const layer = open.at(-1)
  const name = attribute(text, 'name')
  if (layer === null || layer === undefined || !name.startsWith(`${layer.proto}.`)) return
  if (KEPT[layer.proto]?.test(name.slice(layer.proto.length + 1)) !== true) return
  const values = (layer.fields[name] ??= [])
  values.push(attribute(text, 'show'))
}

function attribute(text: string, name: string): string {
  return new RegExp(` ${name}="([^"]*)"`).exec(text)?.[1] ?? ''
}
