/** The ESP recording: what we open and what tshark decrypts are the same overlay packets. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex } from '@weft/core'
import { ESP_HEADER_BYTES } from '@weft/encryption'
import { dissect, layerOf, readPcapng, udp, vxlan, type Layer } from '@weft/wire'
import { describe, expect, it } from 'vitest'
import { ESP_DECRYPTION, ESP_ENDS, ESP_RECORDED, recordedInbound } from '../src/esp-keys.ts'
import { dissectWithTshark, tsharkVersion, type TsharkFrames } from '../src/tshark-dissection.ts'

const FOLDER = join(import.meta.dirname, '../../../packages/wire/vectors')
const PATH = join(FOLDER, 'esp.pcapng')
const packets = readPcapng(new Uint8Array(readFileSync(PATH))).sections[0]?.packets ?? []
const kept = JSON.parse(readFileSync(join(FOLDER, 'esp.decrypted.tshark.json'), 'utf8')) as {
  readonly version: string
  readonly frames: TsharkFrames
}

/** What an overlay frame is made of, to compare. */
interface Inner {
  readonly vni: string
  readonly source: string
  readonly destinationPort: string
  readonly text: string
}

interface Sealed {
  readonly frame: number
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  readonly spi: number
  readonly source: string
}

/** ESP packets of node A; node B only quotes them, to say that it has no use for them. */
const sealed: readonly Sealed[] = packets.flatMap(({ bytes }, frame) => {
  const layers = dissect(bytes)
  const found = layerOf(layers, 'esp')
  const end = layerOf(layers, 'payload')?.end
  const ip = layerOf(layers, 'ipv4') ?? layerOf(layers, 'ipv6')
  if (found === undefined || end === undefined || ip === undefined) return []
  const { source } = ip.header
  return [{ frame, bytes, start: found.start, end, spi: found.header.spi, source }]
})

/** The association that a packet names, opened anew. */
function opened({ bytes, start, end, spi, source }: Sealed): Uint8Array | string {
  for (const ends of ESP_ENDS.filter((one) => one.source === source)) {
    for (const { suite, tag } of ESP_RECORDED) {
      const association = recordedInbound(ends, suite, tag)
      if (association.spi !== spi) continue
      const copy = bytes.slice()
      const result = association.open(copy, start, end)
      return typeof result === 'number' ? copy.slice(start + ESP_HEADER_BYTES, result) : result
    }
  }
  return 'unknown-spi'
}

function innerOf(datagram: Uint8Array | string): Inner {
  if (typeof datagram === 'string') throw new Error(datagram)
  expect(udp.check(datagram, 0, datagram.length)).toBe(null)
  const at = udp.payloadStart(datagram, 0)
  expect(vxlan.check(datagram, at, datagram.length)).toBe(null)
  const layers: readonly Layer[] = dissect(datagram, { start: vxlan.payloadStart(datagram, at) })
  const payload = layerOf(layers, 'payload')
  const text = Buffer.from(datagram.subarray(payload?.start, payload?.end)).toString('latin1')
  return {
    vni: String(vxlan.vni(datagram, at)),
    source: layerOf(layers, 'ipv4')?.header.source ?? '',
    destinationPort: String(layerOf(layers, 'udp')?.header.destinationPort),
    text,
  }
}

describe('the ESP recording', () => {
  it('has every suite, over both IP versions, raw and in UDP, under every padding', () => {
    expect(sealed).toHaveLength(2 * 2 * ESP_RECORDED.length * 4)
    const padded = sealed.map(({ start, end }) => end - start)
    expect(new Set(padded).size).toBeGreaterThan(1)
  })

  it.each(sealed)('frame $frame opens to an overlay packet', (packet) => {
    const inner = innerOf(opened(packet))
    expect(inner).toMatchObject({ vni: '4097', source: '10.0.2.2', destinationPort: '5001' })
    expect(inner.text).toMatch(/^clear text!*$/)
  })

  it('shows nothing of what is sealed', () => {
    const file = Buffer.from(readFileSync(PATH))
    expect(file.includes('clear text')).toBe(false)
    // Nor the inner addresses.
    expect(file.includes(Buffer.from('0a0002020a000203', 'hex'))).toBe(false)
  })

  it('is decrypted by tshark to the same packets, where tshark knows the suite', () => {
    let compared = 0
    for (const packet of sealed) {
      const layers = kept.frames[packet.frame] ?? []
      const field = (proto: string, name: string): string | undefined =>
        layers.findLast((layer) => layer.proto === proto)?.fields[`${proto}.${name}`]?.[0]
      const spi = `0x${packet.spi.toString(16).padStart(8, '0')}`
      expect(field('esp', 'spi')).toBe(spi)
      const isKnown = ESP_DECRYPTION.some((preference) => preference.includes(spi))
      expect(field('vxlan', 'vni') !== undefined).toBe(isKnown)
      if (!isKnown) continue
      const inner = innerOf(opened(packet))
      expect(field('vxlan', 'vni')).toBe(inner.vni)
      expect(field('ip', 'src')).toBe(inner.source)
      expect(field('udp', 'dstport')).toBe(inner.destinationPort)
      expect(Number(field('udp', 'length'))).toBe(8 + inner.text.length)
      // The inner checksum holds: every byte of the text is the one that was sent.
      expect(field('udp', 'checksum.status')).toBe('1')
      compared++
    }
    expect(compared).toBe(2 * 2 * 2 * 4)
  })

  const installed = versionHere()
  it.skipIf(installed !== kept.version)('is so today (needs the same tshark)', () => {
    expect(dissectWithTshark(PATH, ESP_DECRYPTION)).toEqual(kept.frames)
  })

  it('is refused whole when one bit of it is another', () => {
    const [packet] = sealed
    if (packet === undefined) throw new Error('no packet')
    for (let bit = 8 * (packet.start + 4); bit < 8 * packet.end; bit++) {
      const bytes = packet.bytes.slice()
      bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
      expect(opened({ ...packet, bytes }), toHex(bytes)).toBe('bad-icv')
    }
  })
})

function versionHere(): string {
  try {
    return tsharkVersion()
  } catch {
    return 'none'
  }
}
