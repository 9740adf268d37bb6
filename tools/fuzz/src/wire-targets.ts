/** Every decoder of the wire package. */
import { setU16, u32le } from '@weft/core'
import {
  CODECS,
  describeFrame,
  dissect,
  flowHash,
  icmp,
  internetChecksum,
  ipv4,
  ipv6,
  readPcapng,
  transportChecksumState,
  type Format,
  type HeaderCodec,
  type LayerHeaders,
} from '@weft/wire'
import { recordedFiles, recordedFrames, recordedFrom } from './recordings.ts'
import type { FuzzTarget } from './target.ts'

/**
 * Check, and when that passes decode, describe and write again. Fails when an accepted header is
 * not written back as long as it was.
 */
function runCodec<F extends Format>(
  format: F,
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
): unknown {
  const codec: HeaderCodec<LayerHeaders[F]> = CODECS[format]
  const fault = codec.check(bytes, start, end)
  if (fault !== null) return fault
  const header = codec.decode(bytes, start, end)
  const length = codec.payloadStart(bytes, start, end) - start
  if (length > end - start) throw new Error(`a header of ${length} bytes in ${end - start}`)
  if (codec.lengthOf(header) !== length) throw new Error('written longer or shorter than read')
  const again = new Uint8Array(length)
  codec.write(again, 0, header)
  return { header, length, again, text: codec.describe(header) }
}

const REPAIRS: { readonly [F in Format]?: (bytes: Uint8Array) => void } = {
  ipv4(bytes) {
    const length = bytes.length < 20 ? 0 : ipv4.payloadStart(bytes, 0)
    if (length < 20 || length > bytes.length) return
    setU16(bytes, 2, Math.min(0xffff, bytes.length))
    ipv4.updateHeaderChecksum(bytes, 0)
  },
  icmp(bytes) {
    if (bytes.length < icmp.headerLength) return
    setU16(bytes, 2, 0)
    setU16(bytes, 2, internetChecksum(bytes, 0, bytes.length))
  },
  ipv6(bytes) {
    if (bytes.length >= ipv6.headerLength) setU16(bytes, 4, bytes.length - ipv6.headerLength)
  },
}

function codecTarget(format: Format): FuzzTarget {
  const repair = REPAIRS[format]
  return {
    name: `wire/${format}`,
    about: `check, decode, describe and write again: ${format} headers`,
    corpus: () => recordedFrom(format),
    run: (bytes, start, end) => runCodec(format, bytes, { start, end }),
    ...(repair === undefined ? {} : { repair }),
  }
}

/** IPv4 headers deep in a frame are put right, so that changes behind them are reached. */
function repairFrame(frame: Uint8Array): void {
  for (const layer of dissect(frame)) {
    if (layer.kind === 'fault' && layer.fault === 'bad-checksum' && layer.format === 'ipv4') {
      ipv4.updateHeaderChecksum(frame, layer.start)
      return
    }
  }
}

function checksumOf(bytes: Uint8Array, start: number, end: number): unknown {
  const codec = start < end && (bytes[start] ?? 0) >>> 4 === 6 ? ipv6 : ipv4
  return codec.check(bytes, start, end) ?? transportChecksumState(bytes, start)
}

/** One target for each decoder of the package. */
export const wireTargets: readonly FuzzTarget[] = [
  ...(Object.keys(CODECS) as Format[]).map(codecTarget),
  {
    name: 'wire/dissect',
    about: 'take whole frames apart and print them',
    corpus: recordedFrames,
    run: (bytes, start, end) => [
      dissect(bytes, { start, end }).map((layer) => ({
        ...layer,
        start: layer.start - start,
        end: layer.end - start,
      })),
      describeFrame(bytes, { start, end }),
    ],
    repair: repairFrame,
  },
  {
    name: 'wire/flow-hash',
    about: 'hash the flow of whole frames',
    corpus: recordedFrames,
    run: flowHash,
    repair: repairFrame,
  },
  {
    name: 'wire/transport-checksum',
    about: 'judge the transport checksum of IP packets that pass their check',
    corpus: () => [...recordedFrom('ipv4'), ...recordedFrom('ipv6')],
    run: checksumOf,
    repair: (bytes) => ((bytes[0] ?? 0) >>> 4 === 6 ? REPAIRS.ipv6 : REPAIRS.ipv4)?.(bytes),
  },
  {
    name: 'wire/pcapng',
    about: 'read capture files',
    corpus: recordedFiles,
    run: (bytes, start, end) => readPcapng(bytes.subarray(start, end)),
    repair: repairBlocks,
  },
]

/** The length at the end of each block is put right, so that changes inside are reached. */
function repairBlocks(file: Uint8Array): void {
  for (let at = 0; at + 12 <= file.length; ) {
    const length = u32le(file, at + 4)
    if (length < 12 || length % 4 !== 0 || at + length > file.length) return
    file.copyWithin(at + length - 4, at + 4, at + 8)
    at += length
  }
}
