/** Neighbour entries (ARP and ND) of one namespace: RTM_NEWNEIGH of AF_INET and AF_INET6. */
import { ipFamily, u16le, u32le, u8, type Ip, type Mac } from '@weft/core'
import { MessageWriter } from './message-writer.ts'
import type { MessageReader } from './messages.ts'
import { NLM_F } from './netlink-numbers.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { NDA, NDMSG_BYTES, NTF, RTM } from './rtnetlink-numbers.ts'
import { AF } from './socket-numbers.ts'

/** States of neighbours and forwarding entries (NUD_…, neighbour.h). */
export const neighbourState = {
  none: 0,
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noArp: 0x40,
  permanent: 0x80,
} as const

/** An entry to be written: an address on a link has this MAC. */
export interface NeighbourSpec {
  readonly linkIndex: number
  readonly ip: Ip
  readonly mac: Mac
  /** Bits of `neighbourState`; permanent when left out. */
  readonly state?: number
}

/** An entry as the kernel has it. */
export interface Neighbour {
  readonly linkIndex: number
  readonly ip: Ip
  /** Null while it is not known. */
  readonly mac: Mac | null
  readonly state: number
  /** NTF_… bits. */
  readonly flags: number
}

/** What to do with an entry: `create` refuses an existing one, `replace` overwrites it. */
export type NeighbourOperation = 'create' | 'replace' | 'delete'

/** Flags of the requests that write an entry; `append` exists for forwarding entries only. */
export const WRITE_FLAGS = {
  create: NLM_F.CREATE | NLM_F.EXCL,
  replace: NLM_F.CREATE | NLM_F.REPLACE,
  append: NLM_F.CREATE | NLM_F.APPEND,
  delete: 0,
} as const

/** Write one request into a batch. Creates no garbage. */
export function writeNeighbour(
  writer: MessageWriter,
  operation: NeighbourOperation,
  entry: NeighbourSpec,
): void {
  const type = operation === 'delete' ? RTM.DELNEIGH : RTM.NEWNEIGH
  const body = writer.begin(type, WRITE_FLAGS[operation], NDMSG_BYTES)
  writer.setU8(body, ipFamily(entry.ip) === 4 ? AF.INET : AF.INET6)
  writer.setU32(body + 4, entry.linkIndex)
  writer.setU16(body + 8, entry.state ?? neighbourState.permanent)
  writer.ip(NDA.DST, entry.ip)
  if (operation !== 'delete') writer.mac(NDA.LLADDR, entry.mac)
}

/** The neighbour of a message; null when it is malformed or of another family. */
export function readNeighbour(message: MessageReader): Neighbour | null {
  if (message.length < NDMSG_BYTES) return null
  const { bytes, from } = message
  const family = u8(bytes, from)
  if (family !== AF.INET && family !== AF.INET6) return null
  let ip: Ip | null = null
  let mac: Mac | null = null
  const attributes = message.attributes(NDMSG_BYTES)
  while (attributes.next()) {
    if (attributes.type === NDA.DST) ip = attributes.ip()
    else if (attributes.type === NDA.LLADDR) mac = attributes.mac()
  }
  if (ip === null) return null
  return {
    linkIndex: u32le(bytes, from + 4),
    ip,
    mac,
    state: u16le(bytes, from + 8),
    flags: u8(bytes, from + 10),
  }
}

/** Neighbours as seen by one netlink socket. For many entries, write a batch and transact it. */
export class Neighbours {
  readonly #socket: NetlinkSocket
  readonly #writer = new MessageWriter()

  constructor(socket: NetlinkSocket) {
    this.#socket = socket
  }

  /** Write one entry. Throws ERR_KERNEL. */
  apply(operation: NeighbourOperation, entry: NeighbourSpec): void {
    writeNeighbour(this.#writer.clear(), operation, entry)
    const attempt = { operation: `${operation} neighbour`, object: `${entry.ip} ${entry.mac}` }
    this.#socket.carryOut(this.#writer, attempt)
  }

  /** Entries of a link, or of all; both families. Throws ERR_KERNEL. */
  list(linkIndex?: number): Neighbour[] {
    const writer = this.#writer.clear()
    writer.begin(RTM.GETNEIGH, NLM_F.DUMP, NDMSG_BYTES)
    if (linkIndex !== undefined) writer.u32(NDA.IFINDEX, linkIndex)
    const attempt = { operation: 'list neighbours', object: `link ${linkIndex ?? 'any'}` }
    return this.#socket.dump(writer, attempt, (message) => {
      const entry = message.type === RTM.NEWNEIGH ? readNeighbour(message) : null
      if (entry === null || (entry.flags & NTF.PROXY) !== 0) return null
      return linkIndex === undefined || entry.linkIndex === linkIndex ? entry : null
    })
  }
}
