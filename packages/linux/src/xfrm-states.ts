/** IPsec states (security associations, RFC 4301 §4.4.2): requests, and what the kernel has. */
import {
  assert,
  ipFromBytes,
  setU16,
  setU16le,
  setU32,
  setU32le,
  setU8,
  u16,
  u16le,
  u32,
  u32le,
  u8,
  writeIp,
  type Ip,
} from '@weft/core'
import type { AttributeReader } from './attribute-reader.ts'
import type { MessageWriter } from './message-writer.ts'
import type { MessageReader } from './messages.ts'
import {
  AEAD,
  IPPROTO_ESP,
  REPLAY_ESN,
  STATE,
  STATE_BYTES,
  STATE_ID,
  STATE_ID_BYTES,
  UDP_TEMPLATE_BYTES,
  UDP_TEMPLATE_ESP,
  XFRM_MSG,
  XFRM_STATE_ESN,
  XFRMA,
} from './xfrm-numbers.ts'
import {
  familyOfXfrm,
  readXfrmMark,
  writeLimits,
  writeXfrmMark,
  xfrmFamily,
  type XfrmLimits,
  type XfrmMark,
} from './xfrm-selector.ts'

/** Longest anti-replay window the kernel keeps (XFRMA_REPLAY_ESN_MAX, in bits). */
export const REPLAY_WINDOW_PACKETS_MAX = 4096

/** A state by what the kernel finds it with. */
export interface XfrmStateRef {
  readonly source: Ip
  readonly destination: Ip
  /** From 256 up; the first ones are reserved (RFC 4303 §2.1). */
  readonly spi: number
  readonly mark?: XfrmMark
}

/** An ESP state in transport mode. */
export interface XfrmStateSpec extends XfrmStateRef {
  /** Ties states and policies together, and marks what is ours. */
  readonly reqid: number
  readonly aead: {
    /** `rfc4106(gcm(aes))`, `rfc7539esp(chacha20,poly1305)`. */
    readonly name: string
    /** With its salt. Not kept here. */
    readonly key: Uint8Array
    readonly icvBits: number
  }
  /** Packets an inbound state accepts out of order; 0 turns the protection off. */
  readonly replayWindow: number
  /** Mark of packets that have gone through, in the bits of the mask; others stay as they are. */
  readonly outputMark?: XfrmMark
  /** Sequence numbers of 64 bits; both sides must do it. */
  readonly extendedSequence?: boolean
  readonly limits?: XfrmLimits
  /** ESP inside UDP (RFC 3948). */
  readonly udpEncapsulation?: { readonly sourcePort: number; readonly destinationPort: number }
}

/** A state as the kernel has it; its key stays there. */
export interface XfrmState extends XfrmStateRef {
  readonly protocol: number
  readonly reqid: number
  readonly mode: 'transport' | 'tunnel' | number
  /** Null for states of other kinds, and for those the kernel waits for. */
  readonly aead: {
    readonly name: string
    readonly keyBits: number
    readonly icvBits: number
  } | null
  readonly replayWindow: number
  readonly extendedSequence: boolean
  readonly udpEncapsulation: XfrmStateSpec['udpEncapsulation'] | null
  readonly packets: number
  readonly bytes: number
  /** Packets thrown away: too old for the window, seen before, and not authentic. */
  readonly tooOld: number
  readonly replayed: number
  readonly forged: number
}

/** Write the request that adds a state, or replaces the key material and counters of one. */
export function writeXfrmState(
  writer: MessageWriter,
  operation: 'create' | 'replace',
  spec: XfrmStateSpec,
): void {
  // The type says whether to add or to replace; flags mean nothing here.
  const type = operation === 'create' ? XFRM_MSG.NEWSA : XFRM_MSG.UPDSA
  const body = writer.begin(type, 0, STATE_BYTES)
  writer.setBytes(body, stateBytes(spec))
  writeAead(writer, spec.aead)
  writeXfrmMark(writer, spec.mark)
  if (spec.udpEncapsulation !== undefined) writeEncapsulation(writer, spec.udpEncapsulation)
  if (spec.outputMark !== undefined) {
    writer.u32(XFRMA.SET_MARK, spec.outputMark.value)
    writer.u32(XFRMA.SET_MARK_MASK, spec.outputMark.mask)
  }
  if (hasLongForm(spec)) writeReplay(writer, spec.replayWindow)
}

/** Write the request that removes a state. */
export function writeDeleteXfrmState(writer: MessageWriter, ref: XfrmStateRef): void {
  const bytes = new Uint8Array(STATE_ID_BYTES)
  writeIp(bytes, STATE_ID.DESTINATION, ref.destination)
  setU32(bytes, STATE_ID.SPI, ref.spi)
  setU16le(bytes, STATE_ID.FAMILY, xfrmFamily(ref.destination))
  setU8(bytes, STATE_ID.PROTOCOL, IPPROTO_ESP)
  writer.setBytes(writer.begin(XFRM_MSG.DELSA, 0, STATE_ID_BYTES), bytes)
  const source = new Uint8Array(16)
  writeIp(source, 0, ref.source)
  writer.bytes(XFRMA.SRCADDR, source)
  writeXfrmMark(writer, ref.mark)
}

/** The state in a message that begins with one; null when it is malformed or of no IP family. */
export function readXfrmState(message: MessageReader): XfrmState | null {
  if (message.length < STATE_BYTES) return null
  const { bytes, from } = message
  const family = familyOfXfrm(u16le(bytes, from + STATE.FAMILY))
  if (family === null) return null
  const state: Writable<XfrmState> = {
    source: ipFromBytes(bytes, from + STATE.SOURCE, family),
    destination: ipFromBytes(bytes, from + STATE.DESTINATION, family),
    spi: u32(bytes, from + STATE.SPI),
    protocol: u8(bytes, from + STATE.PROTOCOL),
    reqid: u32le(bytes, from + STATE.REQID),
    mode: modeOf(u8(bytes, from + STATE.MODE)),
    aead: null,
    replayWindow: u8(bytes, from + STATE.REPLAY_WINDOW),
    extendedSequence: (u8(bytes, from + STATE.FLAGS) & XFRM_STATE_ESN) !== 0,
    udpEncapsulation: null,
    packets: u64(bytes, from + STATE.USED_PACKETS),
    bytes: u64(bytes, from + STATE.USED_BYTES),
    tooOld: u32le(bytes, from + STATE.REPLAY_WINDOW_MISSES),
    replayed: u32le(bytes, from + STATE.REPLAYS),
    forged: u32le(bytes, from + STATE.INTEGRITY_FAILURES),
  }
  const attributes = message.attributes(attributesAt(message))
  while (attributes.next()) readStateAttribute(state, attributes, bytes)
  return state
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** In an expiry a byte follows the state. */
function attributesAt({ type }: MessageReader): number {
  return type === XFRM_MSG.EXPIRE ? STATE_BYTES + 8 : STATE_BYTES
}

function readStateAttribute(
  state: Writable<XfrmState>,
  attribute: AttributeReader,
  bytes: Uint8Array,
): void {
  const { from, length, type } = attribute
  if (type === XFRMA.ALG_AEAD && length >= AEAD.KEY) {
    const name = attribute.text().slice(0, AEAD.NAME_BYTES)
    const bits = (at: number): number => u32le(bytes, from + at)
    state.aead = { name, keyBits: bits(AEAD.KEY_BITS), icvBits: bits(AEAD.ICV_BITS) }
  } else if (type === XFRMA.MARK) {
    const mark = readXfrmMark(attribute)
    if (mark !== null) state.mark = mark
  } else if (type === XFRMA.ENCAP && length >= UDP_TEMPLATE_BYTES) {
    state.udpEncapsulation = {
      sourcePort: u16(bytes, from + 2),
      destinationPort: u16(bytes, from + 4),
    }
  } else if (type === XFRMA.REPLAY_ESN_VAL && length >= REPLAY_ESN.BITMAP) {
    state.replayWindow = u32le(bytes, from + REPLAY_ESN.WINDOW)
  }
}

function stateBytes(spec: XfrmStateSpec): Uint8Array {
  const bytes = new Uint8Array(STATE_BYTES)
  writeIp(bytes, STATE.DESTINATION, spec.destination)
  setU32(bytes, STATE.SPI, spec.spi)
  setU8(bytes, STATE.PROTOCOL, IPPROTO_ESP)
  writeIp(bytes, STATE.SOURCE, spec.source)
  writeLimits(bytes, STATE.LIMITS, spec.limits ?? {})
  setU32le(bytes, STATE.REQID, spec.reqid)
  setU16le(bytes, STATE.FAMILY, xfrmFamily(spec.destination))
  const { replayWindow } = spec
  assert(replayWindow >= 0, 'an anti-replay window has a length')
  assert(replayWindow <= REPLAY_WINDOW_PACKETS_MAX, 'the anti-replay window is too long')
  if (spec.extendedSequence === true) setU8(bytes, STATE.FLAGS, XFRM_STATE_ESN)
  if (!hasLongForm(spec)) setU8(bytes, STATE.REPLAY_WINDOW, replayWindow)
  return bytes
}

/** A window of more than a word stands in an attribute, as all do with numbers of 64 bits. */
function hasLongForm({ extendedSequence, replayWindow }: XfrmStateSpec): boolean {
  return extendedSequence === true || replayWindow > 32
}

function writeAead(writer: MessageWriter, { icvBits, key, name }: XfrmStateSpec['aead']): void {
  const bytes = new Uint8Array(AEAD.KEY + key.length)
  const { read } = new TextEncoder().encodeInto(name, bytes.subarray(0, AEAD.NAME_BYTES - 1))
  assert(read === name.length, 'the name of an algorithm is too long')
  setU32le(bytes, AEAD.KEY_BITS, 8 * key.length)
  setU32le(bytes, AEAD.ICV_BITS, icvBits)
  bytes.set(key, AEAD.KEY)
  writer.bytes(XFRMA.ALG_AEAD, bytes)
  bytes.fill(0)
}

function writeEncapsulation(
  writer: MessageWriter,
  { destinationPort, sourcePort }: NonNullable<XfrmStateSpec['udpEncapsulation']>,
): void {
  const bytes = new Uint8Array(UDP_TEMPLATE_BYTES)
  setU16le(bytes, 0, UDP_TEMPLATE_ESP)
  setU16(bytes, 2, sourcePort)
  setU16(bytes, 4, destinationPort)
  writer.bytes(XFRMA.ENCAP, bytes)
}

/** A bitmap without bits may be left out. */
function writeReplay(writer: MessageWriter, window: number): void {
  const bytes = new Uint8Array(REPLAY_ESN.BITMAP)
  setU32le(bytes, REPLAY_ESN.BITMAP_WORDS, Math.ceil(window / 32))
  setU32le(bytes, REPLAY_ESN.WINDOW, window)
  writer.bytes(XFRMA.REPLAY_ESN_VAL, bytes)
}

function modeOf(number: number): XfrmState['mode'] {
  if (number === 0) return 'transport'
  return number === 1 ? 'tunnel' : number
}

/** Exact up to 2^53. */
function u64(bytes: Uint8Array, at: number): number {
  return u32le(bytes, at) + u32le(bytes, at + 4) * 2 ** 32
}
