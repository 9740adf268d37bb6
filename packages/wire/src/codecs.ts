/** Every header format of this package by name, for code that treats them alike. */
import { arp } from './arp.ts'
import { esp } from './esp.ts'
import { ethernet } from './ethernet.ts'
import type { HeaderCodec } from './header-codec.ts'
import { icmp } from './icmp.ts'
import { icmpv6 } from './icmpv6.ts'
import { ipv4 } from './ipv4.ts'
import { ipv6 } from './ipv6.ts'
import type { Format, LayerHeaders } from './layer.ts'
import { tcp } from './tcp.ts'
import { udp } from './udp.ts'
import { vxlan } from './vxlan.ts'

/** The codec of each format that `dissect` reads. */
export const CODECS: { readonly [F in Format]: HeaderCodec<LayerHeaders[F]> } = {
  ethernet,
  arp,
  ipv4,
  ipv6,
  icmp,
  icmpv6,
  udp,
  tcp,
  vxlan,
  esp,
}
