/** Corpus: the frames that the kernel sent, and their layers. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dissect, readPcapng, type Format } from '@weft/wire'

const FOLDER = join(import.meta.dirname, '../../../packages/wire/vectors')

/** Whole captures. */
export function recordedFiles(): readonly Uint8Array[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.pcapng'))
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(FOLDER, name))))
}

/** Every frame of every capture. */
export function recordedFrames(): readonly Uint8Array[] {
  return recordedFiles().flatMap((file) =>
    readPcapng(file).sections.flatMap(({ packets }) => packets.map(({ bytes }) => bytes)),
  )
}

/** What stands in the frames from each header of this format on. */
export function recordedFrom(format: Format): readonly Uint8Array[] {
  return recordedFrames().flatMap((frame) =>
    dissect(frame)
      .filter(({ kind }) => kind === format)
      .map(({ start }) => frame.subarray(start)),
  )
}
