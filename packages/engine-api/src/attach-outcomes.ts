/** The client's side of several attachments by one request. */
import { WeftError } from '@weft/core'
import { swarmError } from '@weft/swarm/errors'
import { callEngine, errorOfBody } from './engine-call.ts'
import type { AttachOutcome, EngineCallOptions, EngineFetch } from './engine-client.ts'
import { readJsonLines } from './json-lines.ts'
import type { AttachedJson, AttachJson } from './objects/weft-json.ts'

const PATH = '/weft/attachments'

/** See `AttachmentsClient.createEach`. */
export async function* attachOutcomes(
  fetch: EngineFetch,
  requests: readonly AttachJson[],
  options: EngineCallOptions,
): AsyncGenerator<AttachOutcome> {
  const call = { ...options, method: 'POST', path: PATH, body: requests } as const
  const { body, status } = await callEngine(fetch, call)
  let unknown = requests.length
  try {
    for await (const line of body === null ? [] : readJsonLines(body)) {
      unknown -= 1
      yield outcomeOf(line as AttachedJson, status)
    }
  } catch (cause) {
    options.signal?.throwIfAborted()
    throw cause instanceof WeftError ? cause : brokenOff(unknown, cause)
  }
  if (unknown > 0) throw brokenOff(unknown)
}

function outcomeOf(line: AttachedJson, status: number): AttachOutcome {
  const { index } = line
  if ('attachment' in line) return { index, attachment: line.attachment, error: null }
  return { index, attachment: null, error: errorOfBody(PATH, status, line.error) }
}

/** Also when the server ended it properly: it stops. */
function brokenOff(unknown: number, cause?: unknown): WeftError {
  const text = `the answer broke off, and what came of ${unknown} attachments is not known`
  const subject = cause instanceof Error ? cause.message : 'the end of the answer'
  return swarmError('ERR_UNAVAILABLE', text, { subject })
}
