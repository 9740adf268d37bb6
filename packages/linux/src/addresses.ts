/** Addresses of links: RTM_NEWADDR, RTM_DELADDR and RTM_GETADDR. */
import {
  addressOf,
  ipFamily,
  prefixLength,
  u32le,
  u8,
  type InterfaceAddress,
  type Ip,
} from '@weft/core'
import { MessageWriter } from './message-writer.ts'
import type { MessageReader } from './messages.ts'
import { WRITE_FLAGS } from './neighbours.ts'
import { NLM_F } from './netlink-numbers.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { IFA, IFA_F, IFADDRMSG_BYTES, RT_SCOPE, RTM } from './rtnetlink-numbers.ts'
import { AF } from './socket-numbers.ts'

/** An address to be written. */
export interface AddressSpec {
  readonly linkIndex: number
  readonly address: InterfaceAddress
  /** Usable at once: no duplicate address detection (IPv6). */
  readonly noDuplicateDetection?: boolean
  /** Make no route to the prefix. */
  readonly noPrefixRoute?: boolean
  /** IPv4 broadcast address; none when left out. */
  readonly broadcast?: Ip
}

/** An address as the kernel has it. */
export interface LinkAddress {
  readonly linkIndex: number
  readonly address: InterfaceAddress
  /** IFA_F_… bits. */
  readonly flags: number
  /** RT_SCOPE number: 0 is global, 253 link, 254 host. */
  readonly scope: number
}

/** Write one request into a batch. */
export function writeAddress(
  writer: MessageWriter,
  operation: 'create' | 'replace' | 'delete',
  spec: AddressSpec,
): void {
  const type = operation === 'delete' ? RTM.DELADDR : RTM.NEWADDR
  const ip = addressOf(spec.address)
  // struct ifaddrmsg: family, prefix length, flags, scope, index.
  const body = writer.begin(type, WRITE_FLAGS[operation], IFADDRMSG_BYTES)
  writer.setU8(body, ipFamily(ip) === 4 ? AF.INET : AF.INET6)
  writer.setU8(body + 1, prefixLength(spec.address))
  writer.setU8(body + 3, isLoopback(ip) ? RT_SCOPE.HOST : RT_SCOPE.UNIVERSE)
  writer.setU32(body + 4, spec.linkIndex)
  writer.ip(IFA.LOCAL, ip)
  writer.ip(IFA.ADDRESS, ip)
  if (spec.broadcast !== undefined) writer.ip(IFA.BROADCAST, spec.broadcast)
  const flags =
    (spec.noDuplicateDetection === true ? IFA_F.NODAD : 0) |
    (spec.noPrefixRoute === true ? IFA_F.NOPREFIXROUTE : 0)
  if (flags !== 0) writer.u32(IFA.FLAGS, flags)
}

/** The address of a message; null when it is malformed or of another family. */
export function readAddress(message: MessageReader): LinkAddress | null {
  if (message.length < IFADDRMSG_BYTES) return null
  const { bytes, from } = message
  let flags = u8(bytes, from + 2)
  let local: Ip | null = null
  let peer: Ip | null = null
  const attributes = message.attributes(IFADDRMSG_BYTES)
  while (attributes.next()) {
    if (attributes.type === IFA.LOCAL) local = attributes.ip()
    else if (attributes.type === IFA.ADDRESS) peer = attributes.ip()
    else if (attributes.type === IFA.FLAGS) flags = attributes.u32() ?? flags
  }
  const ip = local ?? peer
  if (ip === null) return null
  return {
    linkIndex: u32le(bytes, from + 4),
    address: `${ip}/${u8(bytes, from + 1)}` as InterfaceAddress,
    flags,
    scope: u8(bytes, from + 3),
  }
}

/** Addresses as seen by one netlink socket. */
export class Addresses {
  readonly #socket: NetlinkSocket
  readonly #writer = new MessageWriter()

  constructor(socket: NetlinkSocket) {
    this.#socket = socket
  }

  /** Write one address. Throws ERR_KERNEL. */
  apply(operation: 'create' | 'replace' | 'delete', spec: AddressSpec): void {
    writeAddress(this.#writer.clear(), operation, spec)
    const attempt = { operation: `${operation} address`, object: spec.address }
    this.#socket.carryOut(this.#writer, attempt)
  }

  /** Addresses of a link, or of all; both families. Throws ERR_KERNEL. */
  list(linkIndex?: number): LinkAddress[] {
    const writer = this.#writer.clear()
    const body = writer.begin(RTM.GETADDR, NLM_F.DUMP, IFADDRMSG_BYTES)
    if (linkIndex !== undefined) writer.setU32(body + 4, linkIndex)
    const attempt = { operation: 'list addresses', object: `link ${linkIndex ?? 'any'}` }
    return this.#socket.dump(writer, attempt, (message) => {
      const address = message.type === RTM.NEWADDR ? readAddress(message) : null
      if (address === null) return null
      return linkIndex === undefined || address.linkIndex === linkIndex ? address : null
    })
  }
}

function isLoopback(ip: Ip): boolean {
  return ip === '::1' || ip.startsWith('127.')
}
