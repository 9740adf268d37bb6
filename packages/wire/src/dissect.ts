/** Takes a frame apart into its nested layers, for checks, captures and people; never throws. */
import { CODECS } from './codecs.ts'
import { ESP_IN_UDP_PORT, espInUdp } from './esp-in-udp.ts'
import { ETHER_TYPE } from './ethernet.ts'
import { icmp } from './icmp.ts'
import { icmpv6 } from './icmpv6.ts'
import { IP_PROTOCOL, nameOfProtocol } from './ip-protocol.ts'
import { ipv4 } from './ipv4.ts'
import { ipv6 } from './ipv6.ts'
import type { Format, HeaderLayer, Layer } from './layer.ts'
import { transportChecksumState } from './transport-checksum.ts'
import { udp } from './udp.ts'
import { VXLAN_PORT } from './vxlan.ts'

/** Layers in one frame; what nests deeper (VXLAN in VXLAN and so on) is cut off as `too-deep`. */
export const LAYERS_MAX = 32

/** What to dissect. */
export interface DissectOptions {
  /** Where the frame begins; 0 unless given. */
  readonly start?: number
  /** Where it ends; the end of the bytes unless given. */
  readonly end?: number
  /** The destination port that means VXLAN; 4789 unless given. */
  readonly vxlanPort?: number
}

/** What stands at a place, as the layer before it said. `ip` is where the last IP header began. */
interface Step {
  readonly format: Format | 'payload' | 'quote'
  readonly start: number
  readonly end: number
  readonly ip: number
  readonly of: string
}

/**
 * The layers of an Ethernet frame, outermost first. The last one is a payload, a quote, a fault or
 * a message that fills the rest. Bytes of Ethernet padding belong to no layer.
 */
export function dissect(bytes: Uint8Array, options: DissectOptions = {}): readonly Layer[] {
  const { start = 0, end = bytes.length, vxlanPort = VXLAN_PORT } = options
  const layers: Layer[] = []
  let step: Step | null = { format: 'ethernet', start, end, ip: -1, of: '' }
  while (step !== null) {
    const layer: Layer = readLayer(bytes, step, layers.length)
    layers.push(layer)
    step = isHeader(layer) ? nextStep(bytes, { layer, step, vxlanPort }) : null
  }
  return layers
}

/** The first layer of a kind in a dissection, if there is one; `skip` passes over earlier ones. */
export function layerOf<Kind extends Layer['kind']>(
  layers: readonly Layer[],
  kind: Kind,
  skip = 0,
): Extract<Layer, { readonly kind: Kind }> | undefined {
  const isKind = (layer: Layer): layer is Extract<Layer, { readonly kind: Kind }> =>
    layer.kind === kind
  return layers.filter(isKind)[skip]
}

function isHeader(layer: Layer): layer is HeaderLayer {
  return 'checksum' in layer
}

function readLayer(bytes: Uint8Array, step: Step, depth: number): Layer {
  const { format, start, end } = step
  if (format === 'payload') return { kind: 'payload', start, end, of: step.of }
  if (depth >= LAYERS_MAX) return { kind: 'fault', format, fault: 'too-deep', start, end }
  if (format === 'quote') return readQuote(bytes, start, end)
  return readHeader(bytes, { ...step, format })
}

function readHeader<F extends Format>(bytes: Uint8Array, step: Step & { format: F }): Layer {
  const { format, start, end } = step
  const codec = CODECS[format]
  const fault = codec.check(bytes, start, end)
  if (fault !== null) return { kind: 'fault', format, fault, start, end }
  const verified = format === 'udp' || format === 'tcp' || format === 'icmpv6'
  return {
    kind: format,
    header: codec.decode(bytes, start, end),
    checksum: verified ? transportChecksumState(bytes, step.ip) : 'unknown',
    start,
    end: codec.payloadStart(bytes, start, end),
  } as HeaderLayer
}

function readQuote(bytes: Uint8Array, start: number, end: number): Layer {
  const codec = start < end && (bytes[start] ?? 0) >>> 4 === 6 ? ipv6 : ipv4
  const fault = codec.checkQuoted(bytes, start, end)
  if (fault !== null) return { kind: 'fault', format: 'quote', fault, start, end }
  const header = codec.decode(bytes, start)
  return { kind: 'quote', header, start, end: codec.payloadStart(bytes, start) }
}

interface Position {
  readonly layer: HeaderLayer
  readonly step: Step
  readonly vxlanPort: number
}

function nextStep(bytes: Uint8Array, position: Position): Step | null {
  const { layer, step, vxlanPort } = position
  const rest = { start: layer.end, end: step.end, ip: step.ip, of: layer.kind }
  switch (layer.kind) {
    case 'ethernet':
      return { ...rest, ...behindEthernet(layer.header.etherType) }
    case 'ipv4':
    case 'ipv6':
      return behindIp(bytes, layer)
    case 'udp': {
      const end = udp.payloadEnd(bytes, layer.start)
      if (layer.header.destinationPort === vxlanPort) return { ...rest, end, format: 'vxlan' }
      return { ...rest, end, ...behindUdp(bytes, layer, end) }
    }
    case 'esp':
      return { ...rest, format: 'payload' }
    case 'tcp':
      return layer.end < step.end ? { ...rest, format: 'payload' } : null
    case 'vxlan':
      return { ...rest, format: 'ethernet' }
    case 'icmp':
    case 'icmpv6':
      return behindIcmp(bytes, layer)
    default:
      return null
  }
}

function behindEthernet(etherType: number): { format: Step['format']; of: string } {
  if (etherType === ETHER_TYPE.ipv4) return { format: 'ipv4', of: 'ethernet' }
  if (etherType === ETHER_TYPE.ipv6) return { format: 'ipv6', of: 'ethernet' }
  if (etherType === ETHER_TYPE.arp) return { format: 'arp', of: 'ethernet' }
  return { format: 'payload', of: `type 0x${etherType.toString(16).padStart(4, '0')}` }
}

/** On the port of ESP in UDP the first bytes tell what the payload is. */
function behindUdp(
  bytes: Uint8Array,
  { header, end: start }: HeaderLayer<'udp'>,
  end: number,
): { format: Step['format']; of: string } {
  const isEspPort =
    header.destinationPort === ESP_IN_UDP_PORT || header.sourcePort === ESP_IN_UDP_PORT
  if (!isEspPort) return { format: 'payload', of: 'udp' }
  const found = espInUdp(bytes, start, end)
  if (found === 'keepalive') return { format: 'payload', of: 'keepalive' }
  return { format: found === 'esp' ? 'esp' : 'payload', of: 'udp' }
}

function behindIp(bytes: Uint8Array, layer: HeaderLayer<'ipv4' | 'ipv6'>): Step {
  const codec = layer.kind === 'ipv4' ? ipv4 : ipv6
  const { protocol } = layer.header
  const at = { start: layer.end, end: codec.payloadEnd(bytes, layer.start), ip: layer.start }
  if (codec.isFragment(bytes, layer.start)) return { ...at, format: 'payload', of: 'fragment' }
  return { ...at, format: transportFormat(layer.kind, protocol), of: nameOfProtocol(protocol) }
}

function transportFormat(kind: 'ipv4' | 'ipv6', protocol: number): Format | 'payload' {
  if (protocol === IP_PROTOCOL.udp) return 'udp'
  if (protocol === IP_PROTOCOL.tcp) return 'tcp'
  if (protocol === IP_PROTOCOL.esp) return 'esp'
  if (kind === 'ipv4' && protocol === IP_PROTOCOL.icmp) return 'icmp'
  return kind === 'ipv6' && protocol === IP_PROTOCOL.icmpv6 ? 'icmpv6' : 'payload'
}

function behindIcmp(bytes: Uint8Array, layer: HeaderLayer<'icmp' | 'icmpv6'>): Step | null {
  const { start, end } = layer
  const isError = 'quote' in layer.header
  const codec = layer.kind === 'icmp' ? icmp : icmpv6
  if (!isError) return null
  return { format: 'quote', start: codec.quoteStart(bytes, start), end, ip: -1, of: layer.kind }
}
