/** Trains of ESP packets from a peer, and what is in them by the slow way of node:crypto. */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { parseIp, setU16, setU32, toHex, u16, u32, u8, utf8Bytes } from '@weft/core'
import { ESP_HEADER_BYTES, spiOf } from '@weft/encryption'
import { udpFrame } from '@weft/wire'
import { macOf, SealedNode, SECRET_PORT, SECRET_VNI, tagsOf, vtepOf } from './sealed-node.ts'
import type { FuzzTarget } from './target.ts'

/** In front of a train: the length of each packet but the last; 0 for one alone. */
const TRAIN_BYTES = 2
const TAG_BYTES = 8
const ALGORITHM = 'aes-128-gcm'
const [HERE, PEER] = [0, 1]
const TAGS = tagsOf(1)
/** UDP and VXLAN in front of a frame. */
const INNER_BYTES = 16
const TUNNEL_PORT = 4789
const VXLAN_FLAGS = 8

const packets: Uint8Array[] = []
let frames: Uint8Array[] = []
const ear = {
  sent: ({ bytes }: { readonly bytes: Uint8Array }): void => void packets.push(bytes),
  delivered: (_: number, port: number, frame: Uint8Array): void => {
    if (port === SECRET_PORT) frames.push(frame)
  },
}

/** Sealed frames of some lengths, alone and as trains of one length. */
function corpus(): readonly Uint8Array[] {
  const peer = new SealedNode(PEER, ear)
  peer.load()
  const ends = { source: parseIp('10.0.0.3'), destination: parseIp('10.0.0.2') }
  const macs = { sourceMac: macOf(PEER, SECRET_PORT), destinationMac: macOf(HERE, SECRET_PORT) }
  return [0, 1, 2, 60, 700, 1300].flatMap((length) => {
    const payload = utf8Bytes('x'.repeat(length))
    const frame = udpFrame({ ...macs, ...ends }, { sourcePort: 1, destinationPort: 2, payload })
    packets.length = 0
    for (let i = 0; i < 3; i++) peer.send(SECRET_PORT, frame)
    const [one = new Uint8Array(0)] = packets
    return [train([one], 0), train(packets, one.length), train([...packets, one], one.length)]
  })
}

function train(parts: readonly Uint8Array[], step: number): Uint8Array {
  const bytes = new Uint8Array(TRAIN_BYTES + parts.reduce((sum, { length }) => sum + length, 0))
  setU16(bytes, 0, step)
  let at = TRAIN_BYTES
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function partsOf(bytes: Uint8Array, start: number, end: number): readonly Uint8Array[] {
  const step = u16(bytes, start) || Math.max(1, end - start - TRAIN_BYTES)
  const count = Math.ceil((end - start - TRAIN_BYTES) / step)
  return Array.from({ length: count }, (_, i) => {
    const at = start + TRAIN_BYTES + i * step
    return bytes.slice(at, Math.min(end, at + step))
  })
}

interface Sealing {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  readonly associated: Uint8Array
}

/** Under the key that the SPI names; null where it names none. */
function sealingOf(packet: Uint8Array): Sealing | null {
  if (packet.length < ESP_HEADER_BYTES + 2 + TAG_BYTES) return null
  const spi = u32(packet, 0)
  const ends = { source: vtepOf(PEER), destination: vtepOf(HERE) }
  const tag = TAGS.find((each) => spiOf({ ...ends, tag: each }, 'sixteen-byte') === spi)
  if (tag === undefined) return null
  const nonce = Uint8Array.from([...packet.subarray(0, 4), ...packet.subarray(8, 16)])
  const key = new Uint8Array(16).fill(16 + (tag % 16))
  return { key, nonce, associated: packet.subarray(0, 8) }
}

/** The frame in a packet, by the book; null where there is none that may be believed. */
function frameIn(packet: Uint8Array): Uint8Array | null {
  const sealing = sealingOf(packet)
  if (sealing === null) return null
  const { associated, key, nonce } = sealing
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(associated)
  decipher.setAuthTag(packet.subarray(packet.length - TAG_BYTES))
  const text = decipher.update(packet.subarray(ESP_HEADER_BYTES, packet.length - TAG_BYTES))
  try {
    decipher.final()
  } catch {
    return null
  }
  const padding = text[text.length - 2] ?? 0
  const payload = new Uint8Array(text.subarray(0, Math.max(0, text.length - 2 - padding)))
  const isRight = text.subarray(payload.length, -2).every((byte, i) => byte === i + 1)
  if (text.at(-1) !== 17 || !isRight || payload.length < INNER_BYTES) return null
  const length = u16(payload, 4)
  if (length < INNER_BYTES || length > payload.length) return null
  if (u16(payload, 2) !== TUNNEL_PORT || (u8(payload, 8) & VXLAN_FLAGS) === 0) return null
  if (u32(payload, 12) >>> 8 !== SECRET_VNI) return null
  return payload.slice(INNER_BYTES, length)
}

/** What is delivered stands in the train, in this order, and nothing of it twice. */
function run(bytes: Uint8Array, start: number, end: number): unknown {
  if (end - start <= TRAIN_BYTES) return null
  frames = []
  const node = new SealedNode(HERE, ear)
  node.load()
  const train = bytes.slice(start + TRAIN_BYTES, end)
  node.receive(PEER, { bytes: train, isSealed: true, segmentBytes: u16(bytes, start) })
  const dropped = [...node.engine.counters().dropped]
  node.engine.close()
  const believed = partsOf(bytes, start, end).map(frameIn)
  let next = 0
  for (const frame of frames) {
    const text = toHex(frame)
    while (next < believed.length && text !== toHex(believed[next] ?? new Uint8Array(0))) next++
    if (next++ >= believed.length) throw new Error('delivered what is in no authentic packet')
  }
  const counted = dropped.reduce((sum, [, count]) => sum + count, 0)
  if (counted + frames.length !== believed.length) throw new Error('neither delivered nor counted')
  return [dropped, frames.map(toHex)]
}

/** Seal what stands there, so that what is inside is read with any content. */
function repair(bytes: Uint8Array): void {
  if (bytes.length <= TRAIN_BYTES) return
  let at = TRAIN_BYTES
  for (const [i, part] of partsOf(bytes, 0, bytes.length).entries()) {
    sealAgain(part, i)
    bytes.set(part, at)
    at += part.length
  }
}

function sealAgain(packet: Uint8Array, number: number): void {
  if (packet.length < ESP_HEADER_BYTES + 2 + TAG_BYTES) return
  const tag = TAGS[u8(packet, 4) % TAGS.length] ?? 1
  const ends = { source: vtepOf(PEER), destination: vtepOf(HERE) }
  setU32(packet, 0, spiOf({ ...ends, tag }, 'sixteen-byte'))
  // Each is a packet of its own, most often of one run, with inner headers of which half are right.
  if (u8(packet, 5) % 4 !== 0) setU32(packet, 4, number + 1)
  if (u8(packet, 8) % 4 !== 0) packet.fill(7, 8, 12)
  if (u8(packet, 8) % 4 !== 0) setU32(packet, 12, (0x0707_0707 ^ u32(packet, 4)) >>> 0)
  const end = packet.length - TAG_BYTES
  if (u8(packet, ESP_HEADER_BYTES) % 2 === 0) makeInnerRight(packet, end)
  const sealing = sealingOf(packet)
  if (sealing === null) return
  const { associated, key, nonce } = sealing
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(associated)
  packet.set(cipher.update(packet.subarray(ESP_HEADER_BYTES, end)), ESP_HEADER_BYTES)
  cipher.final()
  packet.set(cipher.getAuthTag(), end)
}

function makeInnerRight(packet: Uint8Array, end: number): void {
  packet[end - 1] = 17
  packet[end - 2] = 0
  const at = ESP_HEADER_BYTES
  if (end - at < INNER_BYTES + 14 + 2) return
  setU16(packet, at + 2, TUNNEL_PORT)
  setU16(packet, at + 4, end - 2 - at)
  setU32(packet, at + 8, VXLAN_FLAGS << 24)
  setU32(packet, at + 12, SECRET_VNI << 8)
}

/** What comes in sealed. */
export const sealedInbound: FuzzTarget = {
  name: 'sealed/inbound',
  about: 'trains of ESP, forged and authentic: only what an authentic packet holds is delivered',
  corpus,
  run,
  repair,
}
