/** Several attachments by one request: what came of each, and what ends it. */
import { WeftError } from '@weft/core'
import { swarmError } from '@weft/swarm'
import { describe, expect, test } from 'vitest'
import { createEngineClient, type AttachJson, type AttachOutcome } from '../src/client.ts'
import { ATTACH_LIST_LENGTH_MAX } from '../src/index.ts'
import { rig, type Rig } from './scripted-node.ts'

const clientOf = ({ api }: Rig): ReturnType<typeof createEngineClient> =>
  createEngineClient(async (url, request) => api(new Request(url, request)))

const wish = (name: string): AttachJson => ({ network: 'blue', name, netns: `/run/netns/${name}` })

const all = async (outcomes: AsyncIterable<AttachOutcome>): Promise<AttachOutcome[]> => {
  const heard: AttachOutcome[] = []
  for await (const outcome of outcomes) heard.push(outcome)
  return heard
}

describe('a list', () => {
  test('is begun in its order, and each is told as it comes to be, for itself', async () => {
    const one = rig('worker')
    const { attach } = one.node
    const first = Promise.withResolvers<void>()
    const began: string[] = []
    one.node.attach = async (request, options) => {
      began.push(request.name)
      if (request.name === 'c1') await first.promise
      if (request.name === 'c2') throw swarmError('ERR_EXHAUSTED', 'no room', { subject: 'blue' })
      return attach.call(one.node, request, options)
    }
    const heard: [number, string][] = []
    const { attachments } = clientOf(one)
    for await (const outcome of attachments.createEach(['c1', 'c2', 'c3'].map(wish))) {
      const { index, error, attachment } = outcome
      heard.push([index, error === null ? attachment.name : error.code])
      if (heard.length === 2) first.resolve()
    }
    expect(began).toEqual(['c1', 'c2', 'c3'])
    expect(heard.slice(0, 2).toSorted(([a], [b]) => a - b)).toEqual([
      [1, 'ERR_EXHAUSTED'],
      [2, 'c3'],
    ])
    expect(heard[2]).toEqual([0, 'c1'])
    expect((await attachments.list()).map(({ name }) => name)).toEqual(['c3', 'c1'])
  })

  test('of none is answered with nothing', async () => {
    expect(await all(clientOf(rig('worker')).attachments.createEach([]))).toEqual([])
  })

  const begun = async (one: Rig, body: unknown): Promise<[number, string]> => {
    const response = await one.send('POST', '/weft/attachments', body)
    const { message } = (await response.json()) as { message: string }
    expect(one.node.calls).toEqual([])
    return [response.status, message]
  }

  test.each([
    [[wish('c1'), { ...wish('c2'), netns: 'c2' }], 'netns must be an absolute path: "c2"'],
    [[wish('c1'), { network: 'blue', netns: '/x' }], 'name is required'],
    [[wish('c1'), 7], 'json: cannot unmarshal number into Go value of type Attachment[1]'],
    [[{ ...wish('c1'), name: 7 }], 'Go struct field Attachment[0].name of type string'],
    [7, 'json: cannot unmarshal number into Go value of type Attachment'],
  ])('that does not read is refused before any is begun: %j', async (body, words) => {
    const [status, message] = await begun(rig('worker'), body)
    expect(status).toBe(400)
    expect(message).toContain(words)
  })

  test('has at most ATTACH_LIST_LENGTH_MAX', async () => {
    const names = Array.from({ length: ATTACH_LIST_LENGTH_MAX + 1 }, (_, i) => `c${i}`)
    const message = `more than ${ATTACH_LIST_LENGTH_MAX} attachments at once`
    expect(await begun(rig('worker'), names.map(wish))).toEqual([400, message])
    const { attachments } = clientOf(rig('worker'))
    const outcomes = await all(attachments.createEach(names.slice(1).map(wish)))
    expect(outcomes).toHaveLength(ATTACH_LIST_LENGTH_MAX)
  })
})

describe('the end of an answer', () => {
  test('by who reads it calls off what is not attached by then', async () => {
    const one = rig('worker')
    const { attach } = one.node
    const calledOff = Promise.withResolvers<unknown>()
    one.node.attach = (request, options) => {
      if (request.name === 'c1') return attach.call(one.node, request, options)
      const signal = options?.signal as AbortSignal
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          calledOff.resolve(request.name)
          reject(new Error('called off'))
        })
      })
    }
    const { attachments } = clientOf(one)
    for await (const { index } of attachments.createEach(['c1', 'c2'].map(wish))) {
      expect(index).toBe(0)
      break
    }
    expect(await calledOff.promise).toBe('c2')
    expect((await attachments.list()).map(({ name }) => name)).toEqual(['c1'])
  })

  const cut = (body: string | ReadableStream<Uint8Array>): Promise<AttachOutcome[]> => {
    const client = createEngineClient(async () => new Response(body))
    return all(client.attachments.createEach(['c1', 'c2'].map(wish)))
  }

  test('too early is ERR_UNAVAILABLE, with how many are not known', async () => {
    const failing = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error('cut')),
    })
    for (const body of ['{"index":0,"error":{"message":"no"}}\n{"in', '', failing]) {
      const error: unknown = await cut(body).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(WeftError)
      expect(error).toMatchObject({ code: 'ERR_UNAVAILABLE' })
      expect((error as Error).message).toMatch(/^the answer broke off, .* of [12] attachments/)
    }
  })
})
