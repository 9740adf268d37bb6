/** Every recording in `vectors` becomes tests: our reading, tshark's, and the bytes again. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex } from '@weft/core'
import { describe, expect, it } from 'vitest'
import {
  CODECS,
  describeFrame,
  dissect,
  readPcapng,
  writePcapng,
  type Format,
  type Layer,
  type LayerHeaders,
  type PcapngPacket,
  type PcapngSection,
} from '../src/index.ts'
import { tsharkLayersOf, type TsharkLayer } from './tshark-fields.ts'

const FOLDER = join(import.meta.dirname, '../vectors')
const NAMES = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.pcapng'))
  .map((file) => file.slice(0, -'.pcapng'.length))

interface Recording {
  readonly section: PcapngSection
  readonly frames: readonly Uint8Array[]
  readonly tshark: readonly (readonly TsharkLayer[])[]
}

function open(name: string): Recording {
  const reading = readPcapng(new Uint8Array(readFileSync(join(FOLDER, `${name}.pcapng`))))
  expect(reading.fault).toBe(null)
  expect(reading.sections).toHaveLength(1)
  const [section] = reading.sections
  if (section === undefined) throw new Error('a recording without a section')
  const text = readFileSync(join(FOLDER, `${name}.tshark.json`), 'utf8')
  const tshark = (JSON.parse(text) as { frames: TsharkLayer[][] }).frames
  return { section, frames: section.packets.map(({ bytes }) => bytes), tshark }
}

/** The layer written again, in place of the bytes it was read from. */
function rewritten(frame: Uint8Array, layer: Layer): { before: string; after: string } {
  const before = toHex(frame.subarray(layer.start, layer.end))
  if (!('checksum' in layer)) return { before, after: before }
  return { before, after: toHex(written(layer.kind, layer.header)) }
}

function written<F extends Format>(format: F, header: LayerHeaders[F]): Uint8Array {
  const bytes = new Uint8Array(CODECS[format].lengthOf(header)).fill(0xa5)
  CODECS[format].write(bytes, 0, header)
  return bytes
}

const FIELDS = [
  'frame.time_epoch',
  'frame.len',
  'frame.md5_hash',
  'frame.interface_name',
  'frame.packet_flags',
  'frame.comment',
]

/** tshark's own words for the frames of a capture, one line each. */
function readByTshark(capture: Uint8Array): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'weft-wire-'))
  try {
    const path = join(folder, 'ours.pcapng')
    writeFileSync(path, capture)
    const options = ['-n', '-o', 'frame.generate_md5_hash:TRUE', '-T', 'fields']
    const args = ['-r', path, ...options, ...FIELDS.flatMap((name) => ['-e', name])]
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore']
    const text = execFileSync('tshark', args, { encoding: 'utf8', stdio })
    return text.split('\n').filter((line) => line !== '')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The same line by our reckoning. */
function expectedLine(packet: PcapngPacket): string {
  const time = packet.timestampNs ?? 0n
  const seconds = time / 1_000_000_000n
  const rest = String(time % 1_000_000_000n).padStart(9, '0')
  const digest = createHash('md5').update(packet.bytes).digest('hex')
  const flags = packet.direction === 'inbound' ? '0x00000001' : '0x00000002'
  const comment = packet.comment ?? ''
  const { originalLength } = packet
  return [`${seconds}.${rest}`, originalLength, digest, 'eth0', flags, comment].join('\t')
}

function hasTshark(): boolean {
  try {
    execFileSync('tshark', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe.each(NAMES)('recording %s', (name) => {
  it('has its provenance beside it', () => {
    const text = readFileSync(join(FOLDER, `${name}.md`), 'utf8')
    for (const part of ['- Kernel: Linux ', '- Date: 20', '## Commands']) {
      expect(text).toContain(part)
    }
  })

  it('is read without a fault, and each field says what tshark says', () => {
    const { frames, tshark } = open(name)
    expect(frames.length).toBeGreaterThan(0)
    expect(tshark).toHaveLength(frames.length)
    for (const [i, frame] of frames.entries()) {
      const layers = dissect(frame)
      expect(layers.filter(({ kind }) => kind === 'fault')).toEqual([])
      const ours = layers.flatMap((layer) => tsharkLayersOf(frame, layer))
      expect(ours, describeFrame(frame)).toEqual((tshark[i] ?? []).slice(0, ours.length))
    }
  })

  it('comes out the same when its headers are written again', () => {
    for (const frame of open(name).frames) {
      for (const layer of dissect(frame)) {
        const { before, after } = rewritten(frame, layer)
        expect(after, layer.kind).toBe(before)
      }
    }
  })

  it('survives our own writer', () => {
    const { section } = open(name)
    const again = readPcapng(writePcapng(section))
    expect(again).toMatchObject({ fault: null, sections: [section] })
  })

  it.skipIf(!hasTshark())('is read by tshark from our writer (needs tshark)', () => {
    const { section } = open(name)
    const packets = section.packets.map((packet, i) => ({
      ...packet,
      direction: i % 2 === 0 ? ('inbound' as const) : ('outbound' as const),
      comment: i % 3 === 0 ? `frame ${i}: für später` : null,
    }))
    const capture = writePcapng({ ...section, comment: 'written by weft', packets })
    expect(readByTshark(capture)).toEqual(packets.map(expectedLine))
  })
})
