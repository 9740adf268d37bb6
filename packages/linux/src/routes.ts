/** Routes: RTM_NEWROUTE, RTM_DELROUTE and RTM_GETROUTE, one next hop each. */
import {
  addressOf,
  ipBytes,
  ipFamily,
  prefixLength,
  u32le,
  u8,
  type Cidr,
  type Ip,
} from '@weft/core'
import type { AttributeReader } from './attribute-reader.ts'
import { isKernelError } from './errors.ts'
import { MessageWriter } from './message-writer.ts'
import type { MessageReader } from './messages.ts'
import { WRITE_FLAGS } from './neighbours.ts'
import { NLM_F } from './netlink-numbers.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import {
  RT_SCOPE,
  RT_TABLE_MAIN,
  RTA,
  RTAX_MTU,
  RTM,
  RTMSG_BYTES,
  RTNH_F_ONLINK,
  RTPROT_STATIC,
} from './rtnetlink-numbers.ts'
import { AF } from './socket-numbers.ts'

/** Types of routes by number (RTN_…, rtnetlink.h). */
const TYPES = ['unspecified', 'unicast', 'local', 'broadcast', 'anycast', 'multicast',
  'blackhole', 'unreachable', 'prohibit'] as const

/** What a route does with a packet. */
export type RouteType = (typeof TYPES)[number]

/** A route to be written. */
export interface RouteSpec {
  /** `0.0.0.0/0` or `::/0` for the default route. */
  readonly destination: Cidr
  readonly type?: 'unicast' | 'blackhole' | 'unreachable' | 'prohibit'
  /** Gateway, of either family. */
  readonly via?: Ip
  readonly linkIndex?: number
  /** The gateway is on the link even if no address says so. */
  readonly onLink?: boolean
  /** Preferred source address. */
  readonly source?: Ip
  /** Largest packet along this route. */
  readonly mtuBytes?: number
  /** Lower wins among routes to the same prefix. */
  readonly priority?: number
  /** Routing table, 254 (main) when left out. */
  readonly table?: number
  /** Who made it, an RTPROT number: 4 (an administrator) when left out. */
  readonly protocol?: number
}

/** A route as the kernel has it. */
export interface Route {
  readonly destination: Cidr
  readonly type: RouteType | number
  readonly via: Ip | null
  readonly linkIndex: number | null
  readonly source: Ip | null
  readonly mtuBytes: number | null
  readonly priority: number
  readonly table: number
  /** RTPROT number: 2 the kernel, 4 an administrator. */
  readonly protocol: number
  /** RTNH_F_… bits. */
  readonly flags: number
}

/** Write one request into a batch. */
export function writeRoute(
  writer: MessageWriter,
  operation: 'create' | 'replace' | 'delete',
  spec: RouteSpec,
): void {
  const address = addressOf(spec.destination)
  const family = ipFamily(address)
  const type = TYPES.indexOf(spec.type ?? 'unicast')
  const table = spec.table ?? RT_TABLE_MAIN
  // struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags.
  const request = operation === 'delete' ? RTM.DELROUTE : RTM.NEWROUTE
  const body = writer.begin(request, WRITE_FLAGS[operation], RTMSG_BYTES)
  writer.setU8(body, family === 4 ? AF.INET : AF.INET6)
  writer.setU8(body + 1, prefixLength(spec.destination))
  writer.setU8(body + 4, table > 255 ? 0 : table)
  if (operation !== 'delete') writer.setU8(body + 5, spec.protocol ?? RTPROT_STATIC)
  writer.setU8(body + 6, operation === 'delete' ? RT_SCOPE.NOWHERE : scopeOf(spec))
  if (operation !== 'delete' || spec.type !== undefined) writer.setU8(body + 7, type)
  if (spec.onLink === true) writer.setU32(body + 8, RTNH_F_ONLINK)
  if (table > 255) writer.u32(RTA.TABLE, table)
  if (prefixLength(spec.destination) > 0) writer.ip(RTA.DST, address)
  writeNextHop(writer, spec)
}

/** As `ip route` chooses: what has a gateway or is no unicast is universal, the rest on-link. */
function scopeOf({ via, type = 'unicast' }: RouteSpec): number {
  return via === undefined && type === 'unicast' ? RT_SCOPE.LINK : RT_SCOPE.UNIVERSE
}

function writeNextHop(writer: MessageWriter, spec: RouteSpec): void {
  const { destination, linkIndex, mtuBytes, priority, source, via } = spec
  if (via !== undefined && ipFamily(via) === ipFamily(addressOf(destination))) {
    writer.ip(RTA.GATEWAY, via)
  } else if (via !== undefined) {
    // struct rtvia: a family in host order, then the address.
    const family = ipFamily(via) === 4 ? AF.INET : AF.INET6
    writer.bytes(RTA.VIA, Uint8Array.of(family, 0, ...ipBytes(via)))
  }
  if (linkIndex !== undefined) writer.u32(RTA.OIF, linkIndex)
  if (source !== undefined) writer.ip(RTA.PREFSRC, source)
  if (priority !== undefined) writer.u32(RTA.PRIORITY, priority)
  if (mtuBytes !== undefined) {
    const metrics = writer.open(RTA.METRICS)
    writer.u32(RTAX_MTU, mtuBytes)
    writer.close(metrics)
  }
}

/** The route of a message; null when it is malformed or of another family. */
export function readRoute(message: MessageReader): Route | null {
  if (message.length < RTMSG_BYTES) return null
  const { bytes, from } = message
  const family = u8(bytes, from)
  if (family !== AF.INET && family !== AF.INET6) return null
  const number = u8(bytes, from + 7)
  const found = readRouteAttributes(message.attributes(RTMSG_BYTES))
  const destination = found.destination ?? (family === AF.INET ? '0.0.0.0' : '::')
  return {
    destination: `${destination}/${u8(bytes, from + 1)}` as Cidr,
    type: TYPES[number] ?? number,
    via: found.via ?? null,
    linkIndex: found.linkIndex ?? null,
    source: found.source ?? null,
    mtuBytes: found.mtuBytes ?? null,
    priority: found.priority ?? 0,
    table: found.table ?? u8(bytes, from + 4),
    protocol: u8(bytes, from + 5),
    flags: u32le(bytes, from + 8),
  }
}

interface Found {
  destination?: Ip | null
  via?: Ip | null
  source?: Ip | null
  linkIndex?: number | null
  priority?: number | null
  table?: number | null
  mtuBytes?: number | null
}

function readRouteAttributes(attributes: AttributeReader): Found {
  const found: Found = {}
  while (attributes.next()) {
    const { type } = attributes
    if (type === RTA.DST) found.destination = attributes.ip()
    else if (type === RTA.GATEWAY) found.via = attributes.ip()
    else if (type === RTA.VIA) found.via = attributes.ip(2)
    else if (type === RTA.PREFSRC) found.source = attributes.ip()
    else if (type === RTA.OIF) found.linkIndex = attributes.u32()
    else if (type === RTA.PRIORITY) found.priority = attributes.u32()
    else if (type === RTA.TABLE) found.table = attributes.u32()
    else if (type === RTA.METRICS) {
      const metrics = attributes.nested()
      while (metrics.next()) if (metrics.type === RTAX_MTU) found.mtuBytes = metrics.u32()
    }
  }
  return found
}

/** Routes as seen by one netlink socket. */
export class Routes {
  readonly #socket: NetlinkSocket
  readonly #writer = new MessageWriter()

  constructor(socket: NetlinkSocket) {
    this.#socket = socket
  }

  /** Write one route. Throws ERR_KERNEL. */
  apply(operation: 'create' | 'replace' | 'delete', spec: RouteSpec): void {
    writeRoute(this.#writer.clear(), operation, spec)
    const attempt = { operation: `${operation} route`, object: spec.destination }
    this.#socket.carryOut(this.#writer, attempt)
  }

  /** Routes of a table, the main one when left out; both families. Throws ERR_KERNEL. */
  list(table: number = RT_TABLE_MAIN): Route[] {
    const writer = this.#writer
    return [AF.INET, AF.INET6].flatMap((family) => {
      const body = writer.clear().begin(RTM.GETROUTE, NLM_F.DUMP, RTMSG_BYTES)
      writer.setU8(body, family)
      writer.u32(RTA.TABLE, table)
      return this.#dump(table)
    })
  }

  #dump(table: number): Route[] {
    const attempt = { operation: 'list routes', object: `table ${table}` }
    try {
      return this.#socket.dump(this.#writer, attempt, (message) => {
        const route = message.type === RTM.NEWROUTE ? readRoute(message) : null
        return route?.table === table ? route : null
      })
    } catch (error) {
      // A table that has never had a route of this family.
      if (isKernelError(error, 'ENOENT')) return []
      throw error
    }
  }
}
