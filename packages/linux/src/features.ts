/** Offloads of devices, as `ethtool -k` and `-K` have them: over ethtool's generic netlink. */
import type { AttributeReader } from './attribute-reader.ts'
import { errno } from './errno.ts'
import { kernelError, kernelFault, type Attempt } from './errors.ts'
import type { LinkRef } from './link-writer.ts'
import { MessageWriter } from './message-writer.ts'
import type { MessageReader } from './messages.ts'
import { inNamespace } from './namespaces.ts'
import { NetlinkSocket } from './netlink-socket.ts'
import { NETLINK } from './socket-numbers.ts'

/**
 * What makes a VXLAN device leave the checksums inside its tunnel to the underlay's device. A real
 * one finishes them; a veth hands them on unfinished, and whoever takes the tunnel apart outside
 * the kernel gets segments with wrong checksums. Off, the kernel finishes them first.
 */
export const TUNNEL_CHECKSUM_FEATURES: readonly string[] = [
  'tx-udp_tnl-segmentation',
  'tx-udp_tnl-csum-segmentation',
  'tx-checksum-ip-generic',
]

/** linux/genetlink.h: the controller, its question and two attributes. */
const GENL_ID_CTRL = 16
const GENL_HEADER_BYTES = 4
const CTRL_CMD_GETFAMILY = 3
const CTRL_ATTR = { FAMILY_ID: 1, FAMILY_NAME: 2 } as const

/** linux/ethtool_netlink.h. */
const ETHTOOL_VERSION = 1
const ETHTOOL_MSG = { FEATURES_GET: 11, FEATURES_SET: 12 } as const
const ETHTOOL_A_HEADER = { DEV_INDEX: 1, DEV_NAME: 2 } as const
const ETHTOOL_A_FEATURES = { HEADER: 1, HW: 2, WANTED: 3, ACTIVE: 4, NOCHANGE: 5 } as const
const ETHTOOL_A_BITSET_BITS = 3
const ETHTOOL_A_BITSET_BITS_BIT = 1
const ETHTOOL_A_BITSET_BIT = { NAME: 2, VALUE: 3 } as const

/** One feature of a device. */
export interface Feature {
  readonly active: boolean
  /** False: the driver has it always or never. */
  readonly changeable: boolean
}

/** Features by the names `ethtool -k` knows them under (`tx-generic-segmentation`, …). */
export type FeatureStates = ReadonlyMap<string, Feature>

/** Features of the devices of one namespace. */
export class Features implements Disposable {
  readonly #socket: NetlinkSocket
  readonly #family: number
  readonly #writer = new MessageWriter()

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket
    this.#family = this.#resolve('ethtool')
  }

  /**
   * Open those of a namespace, the current one when left out. Throws ERR_KERNEL: ENOENT on kernels
   * before 5.7, or built without ethtool's netlink.
   */
  static open(namespace?: string | number): Features {
    const open = (): NetlinkSocket => NetlinkSocket.open(NETLINK.GENERIC)
    const socket = namespace === undefined ? open() : inNamespace(namespace, open)
    try {
      return new Features(socket)
    } catch (error) {
      socket.close()
      throw error
    }
  }

  /** All features of a device. Throws ERR_KERNEL: ENODEV. */
  read(ref: LinkRef): FeatureStates {
    this.#begin(ETHTOOL_MSG.FEATURES_GET, ref)
    const attempt = { operation: 'read features of link', object: String(ref) }
    return this.#answer(attempt, readFeatures)
  }

  /**
   * Switch features on and off. The names of those that are not as wished afterwards: unknown to
   * this kernel, fixed by the driver, or held up by another feature. Throws ERR_KERNEL.
   */
  change(ref: LinkRef, wishes: Readonly<Record<string, boolean>>): string[] {
    const before = this.read(ref)
    // One that cannot be changed would have all of them refused.
    const asked = Object.entries(wishes).filter(([name, on]) => {
      const feature = before.get(name)
      return feature?.active === !on && feature.changeable
    })
    if (asked.length > 0) {
      this.#begin(ETHTOOL_MSG.FEATURES_SET, ref)
      const wanted = this.#writer.open(ETHTOOL_A_FEATURES.WANTED)
      const bits = this.#writer.open(ETHTOOL_A_BITSET_BITS)
      for (const [name, on] of asked) this.#writeBit(name, on)
      this.#writer.close(bits)
      this.#writer.close(wanted)
      const attempt = { operation: 'change features of link', object: String(ref) }
      this.#socket.carryOut(this.#writer, attempt)
    }
    const after = this.read(ref)
    return Object.entries(wishes).flatMap(([name, on]) =>
      after.get(name)?.active === on ? [] : [name],
    )
  }

  /** Idempotent. */
  close(): void {
    this.#socket.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #begin(command: number, ref: LinkRef): void {
    const writer = this.#writer.clear()
    const body = writer.begin(this.#family, 0, GENL_HEADER_BYTES)
    writer.setU8(body, command)
    writer.setU8(body + 1, ETHTOOL_VERSION)
    const header = writer.open(ETHTOOL_A_FEATURES.HEADER)
    if (typeof ref === 'number') writer.u32(ETHTOOL_A_HEADER.DEV_INDEX, ref)
    else writer.text(ETHTOOL_A_HEADER.DEV_NAME, ref)
    writer.close(header)
  }

  #writeBit(name: string, on: boolean): void {
    const bit = this.#writer.open(ETHTOOL_A_BITSET_BITS_BIT)
    this.#writer.text(ETHTOOL_A_BITSET_BIT.NAME, name)
    if (on) this.#writer.flag(ETHTOOL_A_BITSET_BIT.VALUE)
    this.#writer.close(bit)
  }

  /** Families of generic netlink have numbers that the kernel gives out at its start. */
  #resolve(name: string): number {
    const writer = this.#writer.clear()
    const body = writer.begin(GENL_ID_CTRL, 0, GENL_HEADER_BYTES)
    writer.setU8(body, CTRL_CMD_GETFAMILY)
    writer.setU8(body + 1, 1)
    writer.text(CTRL_ATTR.FAMILY_NAME, name)
    const attempt = { operation: 'find netlink family', object: name }
    return this.#answer(attempt, (message) => {
      const attributes = message.attributes(GENL_HEADER_BYTES)
      while (attributes.next()) {
        if (attributes.type === CTRL_ATTR.FAMILY_ID) return attributes.u16()
      }
      return null
    })
  }

  #answer<Item>(attempt: Attempt, read: (message: MessageReader) => Item | null): Item {
    const item = this.#socket.ask(this.#writer, attempt, read)
    if (item === null) throw kernelError(attempt, kernelFault(errno.ENODATA))
    return item
  }
}

/** `changeable` comes with every name; of the others only those that are set. */
function readFeatures(message: MessageReader): FeatureStates {
  const states = new Map<string, { active: boolean; changeable: boolean }>()
  const attributes = message.attributes(GENL_HEADER_BYTES)
  while (attributes.next()) {
    const { type } = attributes
    if (type === ETHTOOL_A_FEATURES.HW) {
      for (const [name, changeable] of readBits(attributes.nested())) {
        states.set(name, { active: false, changeable })
      }
    } else if (type === ETHTOOL_A_FEATURES.ACTIVE) {
      for (const [name] of readBits(attributes.nested())) setOf(states, name).active = true
    } else if (type === ETHTOOL_A_FEATURES.NOCHANGE) {
      for (const [name] of readBits(attributes.nested())) setOf(states, name).changeable = false
    }
  }
  return states
}

function setOf(
  states: Map<string, { active: boolean; changeable: boolean }>,
  name: string,
): { active: boolean; changeable: boolean } {
  const known = states.get(name)
  if (known !== undefined) return known
  const state = { active: false, changeable: false }
  states.set(name, state)
  return state
}

/** The bits of a bitset with their values; without a mask every bit that is listed is set. */
function* readBits(bitset: AttributeReader): Generator<[name: string, value: boolean]> {
  while (bitset.next()) {
    if (bitset.type !== ETHTOOL_A_BITSET_BITS) continue
    const bits = bitset.nested()
    while (bits.next()) {
      const bit = bits.nested()
      let [name, value] = ['', false]
      while (bit.next()) {
        if (bit.type === ETHTOOL_A_BITSET_BIT.NAME) name = bit.text()
        else if (bit.type === ETHTOOL_A_BITSET_BIT.VALUE) value = true
      }
      if (name !== '') yield [name, value]
    }
  }
}
