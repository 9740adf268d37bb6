/** The links of one namespace: create, change, delete, look up, list. */
import { assert } from '@weft/core'
import { isKernelError, type Attempt } from './errors.ts'
import { readLink, type Link } from './link-reader.ts'
import {
  changeAfterCreate,
  writeChangeLink,
  writeCreateLink,
  writeDeleteLink,
  writeGetLink,
  type LinkChange,
  type LinkRef,
  type LinkSpec,
} from './link-writer.ts'
import { MessageWriter } from './message-writer.ts'
import { NLM_F } from './netlink-numbers.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { IFINFOMSG_BYTES, IFLA, IFLA_INFO, RTM } from './rtnetlink-numbers.ts'

/** Which links a listing shows; the kernel filters, except very old ones. */
export interface LinkFilter {
  readonly kind?: string
  readonly masterIndex?: number
}

/** Links as seen by one netlink socket. */
export class Links {
  readonly #socket: NetlinkSocket
  readonly #writer = new MessageWriter()

  constructor(socket: NetlinkSocket) {
    this.#socket = socket
  }

  /**
   * Make a device in this namespace and return its index. What the kernel takes only of a device
   * that is there (alias, port properties) follows in a second request; the device comes up last,
   * and is removed again when that request is refused. Throws ERR_KERNEL: EEXIST for a name or VNI
   * taken, EOPNOTSUPP for an unknown kind, ….
   */
  create(spec: LinkSpec): number {
    assert(spec.namespaceFd === undefined, 'createIn makes devices in another namespace')
    const later = changeAfterCreate(spec)
    const attempt = { operation: `create ${spec.kind} link`, object: spec.name }
    const index = this.#make(later === null ? spec : { ...spec, up: false }, attempt)
    if (later === null) return index
    writeChangeLink(this.#writer.clear(), index, later)
    const { faults } = this.#socket.transact(this.#writer)
    if (faults.size > 0) {
      writeDeleteLink(this.#writer.clear(), index)
      this.#socket.transact(this.#writer)
    }
    this.#socket.throwFirst(faults, attempt)
    return index
  }

  /**
   * Make a device directly in the namespace of `namespaceFd`. What binds it to a namespace at its
   * birth (a VXLAN's UDP socket) stays in the namespace of this object. Alias and port properties
   * are for a `change` from inside. Throws ERR_KERNEL.
   */
  createIn(namespaceFd: number, spec: LinkSpec): void {
    assert(changeAfterCreate(spec) === null, 'alias and port are set from inside the namespace')
    writeCreateLink(this.#writer.clear(), { ...spec, namespaceFd })
    const operation = `create ${spec.kind} link in another namespace`
    this.#socket.carryOut(this.#writer, { operation, object: spec.name })
  }

  /** Change a device. Throws ERR_KERNEL. */
  change(ref: LinkRef, change: LinkChange): void {
    writeChangeLink(this.#writer.clear(), ref, change)
    this.#socket.carryOut(this.#writer, { operation: 'change link', object: String(ref) })
  }

  /** Remove a device; false when it was not there. Throws ERR_KERNEL. */
  delete(ref: LinkRef): boolean {
    writeDeleteLink(this.#writer.clear(), ref)
    try {
      this.#socket.carryOut(this.#writer, { operation: 'delete link', object: String(ref) })
      return true
    } catch (error) {
      if (isKernelError(error, 'ENODEV')) return false
      throw error
    }
  }

  /** One link; null when there is none. Throws ERR_KERNEL. */
  get(ref: LinkRef): Link | null {
    try {
      return this.require(ref)
    } catch (error) {
      if (isKernelError(error, 'ENODEV')) return null
      throw error
    }
  }

  /** One link that should be there. Throws ERR_KERNEL, ENODEV when it is not. */
  require(ref: LinkRef): Link {
    writeGetLink(this.#writer.clear(), ref)
    const attempt = { operation: 'get link', object: String(ref) }
    const link = this.#socket.ask(this.#writer, attempt, readLink)
    assert(link !== null, 'the kernel acknowledged a link request and sent no link')
    return link
  }

  /** All links, or those the filter leaves. Throws ERR_KERNEL. */
  list(filter: LinkFilter = {}): Link[] {
    const writer = this.#writer.clear()
    writer.begin(RTM.GETLINK, NLM_F.DUMP, IFINFOMSG_BYTES)
    if (filter.masterIndex !== undefined) writer.u32(IFLA.MASTER, filter.masterIndex)
    if (filter.kind !== undefined) {
      const linkInfo = writer.open(IFLA.LINKINFO)
      writer.text(IFLA_INFO.KIND, filter.kind)
      writer.close(linkInfo)
    }
    return this.#socket.dump(writer, { operation: 'list links', object: 'links' }, (message) => {
      const link = message.type === RTM.NEWLINK ? readLink(message) : null
      return link !== null && matches(link, filter) ? link : null
    })
  }

  /** Make a device and ask for its index, in one send. */
  #make(spec: LinkSpec, attempt: Attempt): number {
    writeCreateLink(this.#writer.clear(), spec)
    writeGetLink(this.#writer, spec.name)
    const link = this.#socket.ask(this.#writer, attempt, readLink)
    assert(link !== null, 'the kernel made a link and did not show it')
    return link.index
  }
}

function matches(link: Link, { kind, masterIndex }: LinkFilter): boolean {
  if (kind !== undefined && link.kind !== kind) return false
  return masterIndex === undefined || link.masterIndex === masterIndex
}
