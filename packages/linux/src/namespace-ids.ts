/** Ids by which one namespace names others: RTM_NEWNSID and RTM_GETNSID. */
import { MessageWriter } from './message-writer.ts'
import type { MessageReader } from './messages.ts'
import { NLM_F } from './netlink-numbers.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { NETNSA, RTGENMSG_BYTES, RTM } from './rtnetlink-numbers.ts'

/** NETNSA_NSID_NOT_ASSIGNED: no id yet; in a request, pick one. */
const NOT_ASSIGNED = -1

/** The id of a message, null when it holds none. */
export function readNamespaceId(message: MessageReader): number | null {
  const attributes = message.attributes(RTGENMSG_BYTES)
  while (attributes.next()) if (attributes.type === NETNSA.NSID) return attributes.s32()
  return null
}

/** Namespace ids as seen by one netlink socket. */
export class NamespaceIds {
  readonly #socket: NetlinkSocket
  readonly #writer = new MessageWriter()

  constructor(socket: NetlinkSocket) {
    this.#socket = socket
  }

  /** The id this namespace has for that of a descriptor, or null. Throws ERR_KERNEL. */
  of(namespaceFd: number): number | null {
    const writer = this.#writer.clear()
    writer.begin(RTM.GETNSID, 0, RTGENMSG_BYTES)
    writer.u32(NETNSA.FD, namespaceFd)
    const attempt = { operation: 'get namespace id', object: `descriptor ${namespaceFd}` }
    const id = this.#socket.ask(writer, attempt, readNamespaceId)
    return id === NOT_ASSIGNED ? null : id
  }

  /** The id for the namespace of a descriptor, assigned now if it has none. Throws ERR_KERNEL. */
  assign(namespaceFd: number): number {
    const present = this.of(namespaceFd)
    if (present !== null) return present
    const writer = this.#writer.clear()
    writer.begin(RTM.NEWNSID, 0, RTGENMSG_BYTES)
    writer.u32(NETNSA.NSID, NOT_ASSIGNED)
    writer.u32(NETNSA.FD, namespaceFd)
    const attempt = { operation: 'assign namespace id', object: `descriptor ${namespaceFd}` }
    const { faults } = this.#socket.transact(writer)
    // Somebody else may have been faster.
    const id = this.of(namespaceFd)
    if (id === null) this.#socket.throwFirst(faults, attempt)
    return id ?? NOT_ASSIGNED
  }

  /** All ids this namespace has given. Throws ERR_KERNEL. */
  list(): number[] {
    const writer = this.#writer.clear()
    writer.begin(RTM.GETNSID, NLM_F.DUMP, RTGENMSG_BYTES)
    const attempt = { operation: 'list namespace ids', object: 'namespaces' }
    return this.#socket.dump(writer, attempt, readNamespaceId)
  }
}
