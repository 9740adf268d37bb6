/** VXLAN headers (RFC 7348 §5) with group policy (draft-smith-vxlan-group-policy-05 §2.1). */
import { setU24, setU8, u16, u24, u8, type Vni } from '@weft/core'
import { windowLength, type Accessors, type HeaderCodec, type WireFault } from './header-codec.ts'

/** The UDP port IANA assigned to VXLAN. */
export const VXLAN_PORT = 4789

/** Bits of the first byte. `vni` (the I flag) must be set; `groupPolicy` is the draft's G flag. */
export const VXLAN_FLAG = { vni: 0x08, groupPolicy: 0x80 } as const

const HEADER_BYTES = 8
const VNI_AT = 4
const DONT_LEARN = 0x40
const POLICY_APPLIED = 0x08

/**
 * The 8 bytes in front of an encapsulated frame. Reserved bits are ignored on receipt, as the RFC
 * asks, and kept: what was read is written back.
 */
export interface VxlanHeader {
  /** All 8 bits of the first byte; VXLAN_FLAG names two. */
  readonly flags: number
  /** The 24 bits behind the flags: zero, or the group policy. */
  readonly reserved: number
  readonly vni: Vni
  /** The last byte. */
  readonly trailer: number
}

/** The source group tag that Linux calls GBP. */
export interface GroupPolicy {
  /** Group policy ID, 0 to 65,535. */
  readonly id: number
  /** D bit: the receiver must not learn the source address. */
  readonly dontLearn: boolean
  /** A bit: a policy was applied already. */
  readonly applied: boolean
}

/** A header for this VNI with every other bit zero: the only one the RFC lets a sender make. */
export function vxlanHeader(vni: Vni): VxlanHeader {
  return { flags: VXLAN_FLAG.vni, reserved: 0, vni, trailer: 0 }
}

/** The group policy a header carries, or null when its G flag is clear. */
export function groupPolicyOf(header: VxlanHeader): GroupPolicy | null {
  if ((header.flags & VXLAN_FLAG.groupPolicy) === 0) return null
  const bits = header.reserved >>> 16
  return {
    id: header.reserved & 0xffff,
    dontLearn: (bits & DONT_LEARN) !== 0,
    applied: (bits & POLICY_APPLIED) !== 0,
  }
}

/** The header with this group policy set in place of its reserved bits. */
export function withGroupPolicy(header: VxlanHeader, policy: GroupPolicy): VxlanHeader {
  const bits = (policy.dontLearn ? DONT_LEARN : 0) | (policy.applied ? POLICY_APPLIED : 0)
  const flags = header.flags | VXLAN_FLAG.groupPolicy
  return { ...header, flags, reserved: (bits << 16) | policy.id }
}

function check(bytes: Uint8Array, start: number, end: number): WireFault | null {
  if (windowLength(bytes, start, end) < HEADER_BYTES) return 'short'
  return (u8(bytes, start) & VXLAN_FLAG.vni) === 0 ? 'bad-flags' : null
}

function payloadStart(_bytes: Uint8Array, start: number): number {
  return start + HEADER_BYTES
}

function flags(bytes: Uint8Array, start: number): number {
  return u8(bytes, start)
}

function vni(bytes: Uint8Array, start: number): Vni {
  return u24(bytes, start + VNI_AT) as Vni
}

/** The group policy ID, or -1 when the G flag is clear. */
function groupPolicyId(bytes: Uint8Array, start: number): number {
  return (u8(bytes, start) & VXLAN_FLAG.groupPolicy) === 0 ? -1 : u16(bytes, start + 2)
}

function decode(bytes: Uint8Array, start: number): VxlanHeader {
  return {
    flags: u8(bytes, start),
    reserved: u24(bytes, start + 1),
    vni: vni(bytes, start),
    trailer: u8(bytes, start + 7),
  }
}

function lengthOf(): number {
  return HEADER_BYTES
}

function write(bytes: Uint8Array, start: number, header: VxlanHeader): void {
  setU8(bytes, start, header.flags)
  setU24(bytes, start + 1, header.reserved)
  setU24(bytes, start + VNI_AT, header.vni)
  setU8(bytes, start + 7, header.trailer)
}

function describe(header: VxlanHeader): string {
  const policy = groupPolicyOf(header)
  const group = policy === null ? '' : ` group ${policy.id}`
  const odd = header.flags & ~(VXLAN_FLAG.vni | VXLAN_FLAG.groupPolicy)
  return `vxlan vni ${header.vni}${group}${odd === 0 ? '' : ` flags 0x${odd.toString(16)}`}`
}

/** VXLAN. A header without the I flag is refused as `bad-flags`. */
export const vxlan = {
  name: 'vxlan',
  headerLength: HEADER_BYTES,
  check,
  payloadStart,
  flags,
  vni,
  groupPolicyId,
  decode,
  lengthOf,
  write,
  describe,
} satisfies HeaderCodec<VxlanHeader> & Accessors
