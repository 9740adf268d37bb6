/** A file of the agent: a line that says what it is and whether it is whole, then JSON. */
import { toHex, utf8Bytes, utf8Text, type Files } from '@weft/core'
import type { Certificates } from '@weft/swarm'
import { agentError } from '../agent-errors.ts'
import { JsonFault, type Json } from './json-fields.ts'

/** Version of both files; another one is refused, not guessed at. */
export const STATE_VERSION = 1

const MAGIC = 'weft-agent'
const NEWLINE = 0x0a
/** The first line is shorter than this, in bytes. */
const HEADER_BYTES = 128

/** Where a file is, and what proves it whole. */
export interface StateFile {
  readonly files: Files
  readonly name: string
  readonly sha256: Certificates['sha256']
}

/** Replace the file. Throws FilesErrors. */
export async function writeState({ files, name, sha256 }: StateFile, value: Json): Promise<void> {
  const body = utf8Bytes(JSON.stringify(value))
  const header = utf8Bytes(`${MAGIC} ${STATE_VERSION} ${toHex(sha256(body))}\n`)
  const bytes = new Uint8Array(header.length + body.length)
  bytes.set(header)
  bytes.set(body, header.length)
  await files.write(name, bytes)
}

/**
 * What the file holds, as `read` makes it of the JSON; null when there is none. Throws
 * ERR_STATE_CORRUPT, ERR_STATE_VERSION, FilesErrors; the file stays as it is.
 */
export async function readState<Value>(
  { files, name, sha256 }: StateFile,
  read: (json: unknown) => Value,
): Promise<Value | null> {
  const bytes = await files.read(name)
  if (bytes === null) return null
  const end = bytes.subarray(0, HEADER_BYTES).indexOf(NEWLINE)
  const [magic, version, digest] = utf8Text(bytes, 0, Math.max(end, 0)).split(' ')
  if (magic !== MAGIC || version === undefined) throw corrupt(name, 'it is no file of an agent')
  if (version !== String(STATE_VERSION)) {
    const facts = { file: name, version, expected: STATE_VERSION }
    throw agentError('ERR_STATE_VERSION', 'the file is of another version', facts)
  }
  const body = bytes.subarray(end + 1)
  if (digest !== toHex(sha256(body))) throw corrupt(name, 'its checksum does not fit')
  try {
    return read(JSON.parse(utf8Text(body, 0, body.length)))
  } catch (error) {
    if (error instanceof JsonFault) throw corrupt(name, error.message, error)
    throw corrupt(name, 'its content is not what an agent writes', error)
  }
}

function corrupt(file: string, problem: string, cause?: unknown): Error {
  const remedy =
    `move ${file} away and start again: endpoints of before are then detached, ` +
    'and have to be attached anew'
  return agentError('ERR_STATE_CORRUPT', 'the file is damaged', { file, problem, remedy }, cause)
}
