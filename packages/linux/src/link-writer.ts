/** Link requests: what to make, what to change, and the messages that ask for it. */
import { assert, type Mac } from '@weft/core'
import {
  writeBridge,
  writeBridgePort,
  type BridgeAttributes,
  type BridgePortAttributes,
} from './bridge-attributes.ts'
import type { MessageWriter } from './message-writer.ts'
import { NLM_F } from './netlink-numbers.ts'
import { IFF, IFINFOMSG_BYTES, IFLA, IFLA_INFO, RTM, VETH_INFO_PEER } from './rtnetlink-numbers.ts'
import { writeVxlan, type VxlanAttributes } from './vxlan-attributes.ts'

/** A link by its index or by its name. */
export type LinkRef = number | string

/** What can be said of any link at birth and later. */
export interface LinkChange {
  /** At most 15 bytes. */
  readonly name?: string
  readonly mtuBytes?: number
  readonly mac?: Mac
  /** Text of at most 255 bytes that stays with the device: an ownership mark. */
  readonly alias?: string
  /** The bridge (or bond) this is a port of; 0 releases it. */
  readonly masterIndex?: number
  readonly up?: boolean
  readonly transmitQueueLength?: number
  /** Move it to the namespace of this descriptor. */
  readonly namespaceFd?: number
  /** Properties as a port of a bridge; needs a master, from before or in the same call. */
  readonly bridgePort?: BridgePortAttributes
}

/**
 * The other end of a veth pair, made in the same step, in another namespace if one is given. It
 * cannot be brought up in this step: the kernel joins the ends only after (veth_newlink).
 */
export interface VethPeer {
  readonly name: string
  readonly mac?: Mac
  readonly mtuBytes?: number
  readonly namespaceFd?: number
}

/** What kind of device, with what only this kind has. */
export type LinkKind =
  | ({ readonly kind: 'vxlan' } & { readonly vxlan: VxlanAttributes })
  | { readonly kind: 'bridge'; readonly bridge?: BridgeAttributes }
  | { readonly kind: 'veth'; readonly peer: VethPeer }
  | { readonly kind: 'dummy' }

/** A device to be made. */
export type LinkSpec = LinkKind &
  LinkChange & {
    readonly name: string
    /** The namespace that keeps the device's lower half: a VXLAN's socket (IFLA_LINK_NETNSID). */
    readonly linkNetnsId?: number
  }

/**
 * Write the request that makes a device. Alias and port properties are not in it: the kernel takes
 * them only of a device that is there. `Links.create` sends them after, and not into the same
 * batch: a batch goes on after a refusal, and would change whoever has the name.
 */
export function writeCreateLink(writer: MessageWriter, spec: LinkSpec): void {
  const flags = NLM_F.CREATE | NLM_F.EXCL
  const up = spec.up === true ? true : undefined
  beginLink(writer, { type: RTM.NEWLINK, flags, ref: spec.name, up })
  writeProperties(writer, spec)
  if (spec.linkNetnsId !== undefined) writer.u32(IFLA.LINK_NETNSID, spec.linkNetnsId)
  const linkInfo = writer.open(IFLA.LINKINFO)
  writer.text(IFLA_INFO.KIND, spec.kind)
  writeKindData(writer, spec)
  writer.close(linkInfo)
}

/** What of a new device has to be said after it was made; null when nothing has. */
export function changeAfterCreate(spec: LinkSpec): LinkChange | null {
  const { alias, bridgePort } = spec
  if (alias === undefined && bridgePort === undefined) return null
  return {
    ...(alias === undefined ? {} : { alias }),
    ...(bridgePort === undefined ? {} : { bridgePort }),
    ...(spec.up === true ? { up: true } : {}),
  }
}

/** Write the request that changes a device (RTM_NEWLINK without NLM_F_CREATE, as `ip` does). */
export function writeChangeLink(writer: MessageWriter, ref: LinkRef, change: LinkChange): void {
  // A port takes its properties only when its master was set by an earlier message.
  const { bridgePort, ...first } = change
  if (bridgePort !== undefined && change.masterIndex !== undefined) {
    writeChange(writer, ref, first)
    writeChange(writer, ref, { bridgePort })
  } else writeChange(writer, ref, change)
}

/** Write the request that removes a device. */
export function writeDeleteLink(writer: MessageWriter, ref: LinkRef): void {
  beginLink(writer, { type: RTM.DELLINK, flags: 0, ref, up: undefined })
}

/** Write the request for one device. */
export function writeGetLink(writer: MessageWriter, ref: LinkRef): void {
  beginLink(writer, { type: RTM.GETLINK, flags: 0, ref, up: undefined })
}

function writeChange(writer: MessageWriter, ref: LinkRef, change: LinkChange): void {
  beginLink(writer, { type: RTM.NEWLINK, flags: 0, ref, up: change.up })
  const { name } = change
  // By name the name finds the device, so a new one must come under an index.
  assert(name === undefined || name === ref || typeof ref === 'number', 'rename by index')
  if (name !== undefined && name !== ref) writer.text(IFLA.IFNAME, name)
  writeProperties(writer, change)
  if (change.alias !== undefined) writer.text(IFLA.IFALIAS, change.alias)
  if (change.bridgePort !== undefined) {
    const linkInfo = writer.open(IFLA.LINKINFO)
    writer.text(IFLA_INFO.SLAVE_KIND, 'bridge')
    const data = writer.open(IFLA_INFO.SLAVE_DATA)
    writeBridgePort(writer, change.bridgePort)
    writer.close(data)
    writer.close(linkInfo)
  }
}

function writeProperties(writer: MessageWriter, change: LinkChange): void {
  const { mac, masterIndex, mtuBytes, namespaceFd, transmitQueueLength } = change
  if (mac !== undefined) writer.mac(IFLA.ADDRESS, mac)
  if (mtuBytes !== undefined) writer.u32(IFLA.MTU, mtuBytes)
  if (transmitQueueLength !== undefined) writer.u32(IFLA.TXQLEN, transmitQueueLength)
  if (masterIndex !== undefined) writer.u32(IFLA.MASTER, masterIndex)
  if (namespaceFd !== undefined) writer.u32(IFLA.NET_NS_FD, namespaceFd)
}

function writeKindData(writer: MessageWriter, spec: LinkSpec): void {
  if (spec.kind === 'dummy') return
  const data = writer.open(IFLA_INFO.DATA)
  if (spec.kind === 'vxlan') writeVxlan(writer, spec.vxlan)
  else if (spec.kind === 'bridge') writeBridge(writer, spec.bridge ?? {})
  else writePeer(writer, spec.peer)
  writer.close(data)
}

/** VETH_INFO_PEER holds a link request of its own: an ifinfomsg, then attributes (veth.h). */
function writePeer(writer: MessageWriter, peer: VethPeer): void {
  const opened = writer.open(VETH_INFO_PEER, IFINFOMSG_BYTES)
  writer.text(IFLA.IFNAME, peer.name)
  writeProperties(writer, peer)
  writer.close(opened)
}

interface LinkHead {
  readonly type: number
  readonly flags: number
  readonly ref: LinkRef
  readonly up: boolean | undefined
}

/** `struct ifinfomsg`: family, type, index at 4, flags at 8, change mask at 12. */
function beginLink(writer: MessageWriter, { type, flags, ref, up }: LinkHead): void {
  const body = writer.begin(type, flags, IFINFOMSG_BYTES)
  if (typeof ref === 'number') writer.setU32(body + 4, ref)
  if (up !== undefined) writer.patchU32(body + 8, [up ? IFF.UP : 0, IFF.UP])
  if (typeof ref === 'string') writer.text(IFLA.IFNAME, ref)
}
