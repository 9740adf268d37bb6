/** Forwarding entries (FDB) of bridges and VXLAN devices: RTM_NEWNEIGH of AF_BRIDGE. */
import { u16le, u32le, u8, type Ip, type Mac } from '@weft/core'
import { MessageWriter } from './message-writer.ts'
import type { MessageReader } from './messages.ts'
import { neighbourState, WRITE_FLAGS } from './neighbours.ts'
import { NLM_F } from './netlink-numbers.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { NDA, NDMSG_BYTES, NTF, RTM } from './rtnetlink-numbers.ts'
import { AF } from './socket-numbers.ts'

/** Whose table: the device's own (`bridge fdb … self`), its bridge's (`… master`), or both. */
export type ForwardingTable = 'self' | 'master' | 'both'

/** An entry to be written: frames for `mac` leave by this link, to `destination` on a VXLAN. */
export interface ForwardingSpec {
  readonly linkIndex: number
  /** All zero: the default of a VXLAN device, for what no other entry matches. */
  readonly mac: Mac
  readonly table: ForwardingTable
  /** Tunnel endpoint of a VXLAN entry. */
  readonly destination?: Ip
  /** UDP port of the tunnel when it is not the device's. */
  readonly port?: number
  /** VNI to send with when it is not the device's. */
  readonly vni?: number
  /** VNI that must have been received, for devices that carry several. */
  readonly sourceVni?: number
  /** Device under the tunnel. */
  readonly viaIndex?: number
  /** Bits of `neighbourState`; permanent when left out. */
  readonly state?: number
}

/** An entry as the kernel has it. A MAC with several destinations gives several entries. */
export interface ForwardingEntry {
  readonly linkIndex: number
  readonly mac: Mac
  readonly table: 'self' | 'master'
  /** The bridge whose table it stands in. */
  readonly masterIndex: number | null
  readonly destination: Ip | null
  readonly port: number | null
  readonly vni: number | null
  readonly sourceVni: number | null
  readonly viaIndex: number | null
  readonly state: number
  /** NTF_… bits. */
  readonly flags: number
}

/** What to do: `append` adds one more destination of a group or all-zero MAC. */
export type ForwardingOperation = 'create' | 'replace' | 'append' | 'delete'

const TABLE_FLAGS = { self: NTF.SELF, master: NTF.MASTER, both: NTF.SELF | NTF.MASTER } as const

/** Write one request into a batch. Creates no garbage. */
export function writeForwarding(
  writer: MessageWriter,
  operation: ForwardingOperation,
  entry: ForwardingSpec,
): void {
  const type = operation === 'delete' ? RTM.DELNEIGH : RTM.NEWNEIGH
  const body = writer.begin(type, WRITE_FLAGS[operation], NDMSG_BYTES)
  writer.setU8(body, AF.BRIDGE)
  writer.setU32(body + 4, entry.linkIndex)
  writer.setU16(body + 8, entry.state ?? neighbourState.permanent)
  writer.setU8(body + 10, TABLE_FLAGS[entry.table])
  writer.mac(NDA.LLADDR, entry.mac)
  if (entry.destination !== undefined) writer.ip(NDA.DST, entry.destination)
  if (entry.port !== undefined) writer.u16be(NDA.PORT, entry.port)
  if (entry.vni !== undefined) writer.u32(NDA.VNI, entry.vni)
  if (entry.sourceVni !== undefined) writer.u32(NDA.SRC_VNI, entry.sourceVni)
  if (entry.viaIndex !== undefined) writer.u32(NDA.IFINDEX, entry.viaIndex)
}

/** The forwarding entry of a message; null when it is malformed or of another family. */
export function readForwarding(message: MessageReader): ForwardingEntry | null {
  const { bytes, from } = message
  if (message.length < NDMSG_BYTES || u8(bytes, from) !== AF.BRIDGE) return null
  const found: Found = {}
  const attributes = message.attributes(NDMSG_BYTES)
  while (attributes.next()) {
    if (attributes.type === NDA.LLADDR) found.mac = attributes.mac()
    else if (attributes.type === NDA.DST) found.destination = attributes.ip()
    else if (attributes.type === NDA.PORT) found.port = attributes.u16be()
    else if (attributes.type === NDA.VNI) found.vni = attributes.u32()
    else if (attributes.type === NDA.SRC_VNI) found.sourceVni = attributes.u32()
    else if (attributes.type === NDA.IFINDEX) found.viaIndex = attributes.u32()
    else if (attributes.type === NDA.MASTER) found.masterIndex = attributes.u32()
  }
  const mac = found.mac ?? null
  if (mac === null) return null
  const flags = u8(bytes, from + 10)
  return {
    linkIndex: u32le(bytes, from + 4),
    mac,
    table: (flags & NTF.SELF) !== 0 ? 'self' : 'master',
    masterIndex: found.masterIndex ?? null,
    destination: found.destination ?? null,
    port: found.port ?? null,
    vni: found.vni ?? null,
    sourceVni: found.sourceVni ?? null,
    viaIndex: found.viaIndex ?? null,
    state: u16le(bytes, from + 8),
    flags,
  }
}

interface Found {
  mac?: Mac | null
  destination?: Ip | null
  port?: number | null
  vni?: number | null
  sourceVni?: number | null
  viaIndex?: number | null
  masterIndex?: number | null
}

/** Forwarding entries as seen by one netlink socket. For many, write a batch and transact it. */
export class Forwarding {
  readonly #socket: NetlinkSocket
  readonly #writer = new MessageWriter()

  constructor(socket: NetlinkSocket) {
    this.#socket = socket
  }

  /** Write one entry. Throws ERR_KERNEL. */
  apply(operation: ForwardingOperation, entry: ForwardingSpec): void {
    writeForwarding(this.#writer.clear(), operation, entry)
    const attempt = { operation: `${operation} forwarding entry`, object: entry.mac }
    this.#socket.carryOut(this.#writer, attempt)
  }

  /** Entries of a link, or of all: those of its own table and those it has in its bridge's. */
  list(linkIndex?: number): ForwardingEntry[] {
    const writer = this.#writer.clear()
    const body = writer.begin(RTM.GETNEIGH, NLM_F.DUMP, NDMSG_BYTES)
    writer.setU8(body, AF.BRIDGE)
    if (linkIndex !== undefined) writer.setU32(body + 4, linkIndex)
    const attempt = { operation: 'list forwarding entries', object: `link ${linkIndex ?? 'any'}` }
    return this.#socket.dump(writer, attempt, (message) => {
      const entry = message.type === RTM.NEWNEIGH ? readForwarding(message) : null
      if (entry === null) return null
      return linkIndex === undefined || entry.linkIndex === linkIndex ? entry : null
    })
  }
}
