/** Prints a frame's layers for people, one line each, indented as they nest. */
import { arp } from './arp.ts'
import { dissect, type DissectOptions } from './dissect.ts'
import { esp } from './esp.ts'
import { ethernet } from './ethernet.ts'
import { icmp } from './icmp.ts'
import { icmpv6 } from './icmpv6.ts'
import { ipv4 } from './ipv4.ts'
import { ipv6 } from './ipv6.ts'
import type { Layer } from './layer.ts'
import { tcp } from './tcp.ts'
import { udp } from './udp.ts'
import { vxlan } from './vxlan.ts'

/** One line for one layer. */
export function describeLayer(layer: Layer): string {
  const text = describePlain(layer)
  if (!('checksum' in layer)) return text
  const silent = layer.checksum === 'good' || layer.checksum === 'unknown'
  return silent ? text : `${text} checksum ${layer.checksum}`
}

function describePlain(layer: Layer): string {
  switch (layer.kind) {
    case 'ethernet':
      return ethernet.describe(layer.header)
    case 'arp':
      return arp.describe(layer.header)
    case 'ipv4':
      return ipv4.describe(layer.header)
    case 'ipv6':
      return ipv6.describe(layer.header)
    case 'icmp':
      return icmp.describe(layer.header)
    case 'icmpv6':
      return icmpv6.describe(layer.header)
    case 'udp':
      return udp.describe(layer.header)
    case 'tcp':
      return tcp.describe(layer.header)
    case 'vxlan':
      return vxlan.describe(layer.header)
    case 'esp':
      return esp.describe(layer.header)
    default:
      return describeEnd(layer)
  }
}

function describeEnd(layer: Extract<Layer, { kind: 'quote' | 'payload' | 'fault' }>): string {
  if (layer.kind === 'payload') return `payload of ${layer.of}, ${layer.end - layer.start} B`
  if (layer.kind === 'fault') {
    return `${layer.format} refused: ${layer.fault}, ${layer.end - layer.start} B`
  }
  const { header } = layer
  const text = 'ttl' in header ? ipv4.describe(header) : ipv6.describe(header)
  return `about ${text}`
}

/** The layers of a frame as lines, each indented one step further than the layer around it. */
export function describeFrame(bytes: Uint8Array, options: DissectOptions = {}): string {
  return dissect(bytes, options)
    .map((layer, depth) => '  '.repeat(depth) + describeLayer(layer))
    .join('\n')
}
