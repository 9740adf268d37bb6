/** IPsec policies (RFC 4301 §4.4.1): which packets must be transformed, and how. */
import {
  ipFromBytes,
  setU16le,
  setU32,
  setU32le,
  setU8,
  u16le,
  u32,
  u32le,
  u8,
  writeIp,
  type Ip,
} from '@weft/core'
import type { MessageWriter } from './message-writer.ts'
import type { MessageReader } from './messages.ts'
import {
  IPPROTO_ESP,
  POLICY,
  POLICY_BYTES,
  POLICY_ID_BYTES,
  POLICY_ID_DIRECTION,
  TEMPLATE,
  TEMPLATE_BYTES,
  XFRM_MSG,
  XFRMA,
} from './xfrm-numbers.ts'
import {
  familyOfXfrm,
  readSelector,
  readXfrmMark,
  writeLimits,
  writeSelector,
  writeXfrmMark,
  xfrmFamily,
  type XfrmMark,
  type XfrmSelector,
} from './xfrm-selector.ts'

const DIRECTIONS = ['in', 'out', 'forward'] as const

/** Which packets: those received, sent, or passed on. */
export type XfrmDirection = (typeof DIRECTIONS)[number]

/** A policy by what the kernel finds it with. */
export interface XfrmPolicyRef {
  readonly direction: XfrmDirection
  readonly selector: XfrmSelector
  readonly mark?: XfrmMark
}

/** ESP in transport mode between two addresses. */
export interface XfrmTemplate {
  readonly source: Ip
  readonly destination: Ip
  readonly reqid: number
  /** This state and no other; left out, any that fits. */
  readonly spi?: number
}

/** A policy. */
export interface XfrmPolicySpec extends XfrmPolicyRef {
  /** `block`: throw the packets away. */
  readonly action: 'allow' | 'block'
  /** Lower ones come first. */
  readonly priority?: number
  /** Without one, packets that are allowed pass as they are. */
  readonly template?: XfrmTemplate
}

/** A policy as the kernel has it. */
export interface XfrmPolicy extends XfrmPolicySpec {
  readonly priority: number
}

/** Write the request that adds a policy; `replace` does so whether or not it is there. */
export function writeXfrmPolicy(
  writer: MessageWriter,
  operation: 'create' | 'replace',
  spec: XfrmPolicySpec,
): void {
  const type = operation === 'create' ? XFRM_MSG.NEWPOLICY : XFRM_MSG.UPDPOLICY
  const bytes = new Uint8Array(POLICY_BYTES)
  writeSelector(bytes, spec.selector)
  writeLimits(bytes, POLICY.LIMITS, {})
  setU32le(bytes, POLICY.PRIORITY, spec.priority ?? 0)
  setU8(bytes, POLICY.DIRECTION, DIRECTIONS.indexOf(spec.direction))
  setU8(bytes, POLICY.ACTION, spec.action === 'block' ? 1 : 0)
  writer.setBytes(writer.begin(type, 0, POLICY_BYTES), bytes)
  if (spec.template !== undefined) writer.bytes(XFRMA.TMPL, templateBytes(spec.template))
  writeXfrmMark(writer, spec.mark)
}

/** Write the request that removes a policy. */
export function writeDeleteXfrmPolicy(writer: MessageWriter, ref: XfrmPolicyRef): void {
  const bytes = new Uint8Array(POLICY_ID_BYTES)
  writeSelector(bytes, ref.selector)
  setU8(bytes, POLICY_ID_DIRECTION, DIRECTIONS.indexOf(ref.direction))
  writer.setBytes(writer.begin(XFRM_MSG.DELPOLICY, 0, POLICY_ID_BYTES), bytes)
  writeXfrmMark(writer, ref.mark)
}

/** The policy of a message; null when it is malformed, or of a direction nobody asked for. */
export function readXfrmPolicy(message: MessageReader): XfrmPolicy | null {
  if (message.length < POLICY_BYTES) return null
  const { bytes, from } = message
  const selector = readSelector(bytes, from)
  // Sockets have policies of their own, of directions from 3 up.
  const direction = DIRECTIONS[u8(bytes, from + POLICY.DIRECTION)]
  if (selector === null || direction === undefined) return null
  let mark: XfrmMark | null = null
  let template: XfrmTemplate | null = null
  const attributes = message.attributes(POLICY_BYTES)
  while (attributes.next()) {
    if (attributes.type === XFRMA.MARK) mark = readXfrmMark(attributes)
    else if (attributes.type === XFRMA.TMPL && attributes.length >= TEMPLATE_BYTES) {
      template = readTemplate(bytes, attributes.from)
    }
  }
  return {
    direction,
    selector,
    action: u8(bytes, from + POLICY.ACTION) === 0 ? 'allow' : 'block',
    priority: u32le(bytes, from + POLICY.PRIORITY),
    ...(mark === null ? {} : { mark }),
    ...(template === null ? {} : { template }),
  }
}

function templateBytes({ destination, reqid, source, spi }: XfrmTemplate): Uint8Array {
  const bytes = new Uint8Array(TEMPLATE_BYTES)
  writeIp(bytes, TEMPLATE.DESTINATION, destination)
  setU32(bytes, TEMPLATE.SPI, spi ?? 0)
  setU8(bytes, TEMPLATE.PROTOCOL, IPPROTO_ESP)
  setU16le(bytes, TEMPLATE.FAMILY, xfrmFamily(destination))
  writeIp(bytes, TEMPLATE.SOURCE, source)
  setU32le(bytes, TEMPLATE.REQID, reqid)
  // Masks of algorithms that may be used: authentication, encryption, compression.
  bytes.fill(0xff, TEMPLATE.ALGORITHMS, TEMPLATE_BYTES)
  return bytes
}

/** The first of the templates; others make no sense in transport mode. */
function readTemplate(bytes: Uint8Array, at: number): XfrmTemplate | null {
  const family = familyOfXfrm(u16le(bytes, at + TEMPLATE.FAMILY))
  if (family === null) return null
  const spi = u32(bytes, at + TEMPLATE.SPI)
  return {
    source: ipFromBytes(bytes, at + TEMPLATE.SOURCE, family),
    destination: ipFromBytes(bytes, at + TEMPLATE.DESTINATION, family),
    reqid: u32le(bytes, at + TEMPLATE.REQID),
    ...(spi === 0 ? {} : { spi }),
  }
}
