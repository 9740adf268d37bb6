/** Several attachments by one request: a line of the answer for each, as they come to be. */
import type { AttachmentRequest } from '@weft/swarm'
import { errorAnswer } from '../engine-answer.ts'
import type { EngineContext } from '../engine-context.ts'
import type { AttachedJson } from '../objects/weft-json.ts'

/**
 * Begins all of them in their order. Each stands for itself: what one is refused for is its own
 * line. A reader that goes away calls off what is not attached by then.
 */
export function attachEach(
  context: EngineContext,
  wanted: readonly AttachmentRequest[],
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const gone = new AbortController()
  const until = AbortSignal.any([signal, gone.signal])
  const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    const tell = async (request: AttachmentRequest, index: number): Promise<void> => {
      const line = await outcome(context, { request, index, signal: until })
      if (!until.aborted) controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`))
    }
    void Promise.all(wanted.map(tell)).then(() => {
      if (!until.aborted) controller.close()
    })
  }
  return new ReadableStream({ start, cancel: () => gone.abort() })
}

async function outcome(
  { node, log }: EngineContext,
  one: {
    readonly request: AttachmentRequest
    readonly index: number
    readonly signal: AbortSignal
  },
): Promise<AttachedJson> {
  const { request, index, signal } = one
  try {
    return { index, attachment: await node.attach(request, { signal }) }
  } catch (error) {
    if (signal.aborted) return { index, error: { message: 'called off' } }
    return { index, error: errorAnswer(error, 'node', log).body }
  }
}
