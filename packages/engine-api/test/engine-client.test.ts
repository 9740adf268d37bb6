/** The typed client: against our API, against answers that are none, over a socket. */
import { describe, expect, test } from 'vitest'
import { WeftError } from '@weft/core'
import {
  ANSWER_BYTES_MAX,
  createEngineClient,
  LINE_BYTES_MAX,
  socketFetch,
  type EngineClient,
  type EngineFetch,
} from '../src/client.ts'
import { swarmError, type SwarmErrorCode } from '@weft/swarm'
import { readJsonLines } from '../src/json-lines.ts'
import type { EngineApi } from '../src/engine-api.ts'
import { serve } from './engine-server.ts'
import { RECORDED_NETWORKS, RECORDED_NODES, RECORDED_SWARM } from './recorded.ts'
import { controlOf, rig } from './scripted-node.ts'

type Body = string | ReadableStream<Uint8Array>
const answering = (status: number, body: Body): EngineClient =>
  createEngineClient(async () => new Response(body, { status }))

/** In one process: what the API takes is the standard's. */
const clientOf = (api: EngineApi): EngineClient =>
  createEngineClient(async (url, request) => api(new Request(url, request)))

const failure = async (work: Promise<unknown>): Promise<WeftError> => {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (error instanceof WeftError) return error
  throw new Error('no WeftError', { cause: error })
}

describe('all calls', () => {
  test('of a manager', async () => {
    const one = rig('manager')
    const client = clientOf(one.api)
    expect(await client.swarm.inspect()).toEqual(RECORDED_SWARM)
    expect(await client.nodes.list()).toEqual(RECORDED_NODES)
    const filters = { role: ['worker'] }
    const [worker] = await client.nodes.list({ filters })
    const id = worker?.ID ?? ''
    expect(await client.nodes.inspect(id)).toEqual(worker)
    const spec = { Labels: {}, Role: 'worker', Availability: 'pause' } as const
    await client.nodes.update(id, { version: 3, spec })
    expect(one.node.calls.at(-1)?.slice(0, 3)).toEqual(['updateNode', id, 3n])
    await client.nodes.remove(id, { force: true })
    expect(one.node.calls.at(-1)).toEqual(['removeNode', id, { force: true }])
    const { Version, Spec } = RECORDED_SWARM
    const rotate = { rotateWorkerToken: true, rotateManagerToken: true }
    await client.swarm.update({ version: Version.Index, spec: Spec, ...rotate })
    expect(one.node.calls.slice(-2)).toEqual([
      ['rotateJoinToken', 'worker'],
      ['rotateJoinToken', 'manager'],
    ])
    expect(await client.info()).toMatchObject({ ServerVersion: '0.0.0' })
    expect(await client.version()).toMatchObject({ ApiVersion: '1.41' })
    const swarm = 'active/manager'
    expect(await client.ping()).toEqual({ apiVersion: '1.41', osType: 'linux', swarm })
  })

  test('of networks', async () => {
    const one = rig('manager')
    const { networks } = clientOf(one.api)
    expect(await networks.list()).toEqual(RECORDED_NETWORKS)
    const { Id } = await networks.create({ Name: 'red', Labels: { team: 'x' } })
    expect(await networks.inspect(Id, { verbose: true, scope: 'swarm' })).toMatchObject({ Id })
    expect(await networks.prune({ filters: { label: ['team'] } })).toEqual(['red'])
    expect(await networks.prune({ filters: { label: ['team'] } })).toEqual([])
    await networks.remove('blue')
    const names = controlOf(one).networkObjects.map(({ spec }) => spec?.annotations?.name)
    expect(names).not.toContain('blue')
  })

  test('from no swarm to none again', async () => {
    const one = rig()
    const { swarm } = clientOf(one.api)
    expect(await swarm.init({ AdvertiseAddr: '10.99.0.1' })).toBe(one.node.shown.nodeId)
    await swarm.leave({ force: true })
    await swarm.join({ RemoteAddrs: ['10.99.0.1'], JoinToken: 'SWMTKN-1-a-b' })
    await swarm.leave()
    expect(one.node.calls.map(([method]) => method)).toEqual(['init', 'leave', 'join', 'leave'])
    expect(one.node.calls[1]).toEqual(['leave', { force: true }])
  })

  test('of what Weft has besides', async () => {
    const one = rig('worker')
    const client = clientOf(one.api)
    const request = { network: 'blue', name: 'c1', netns: '/run/netns/c1', aliases: ['web'] }
    const chosen = { address: '10.0.1.5', ifname: 'net1' }
    const made = await client.attachments.create({ ...request, ...chosen })
    expect(made).toMatchObject({ name: 'c1', ifname: 'net1', netns: '/run/netns/c1' })
    expect(await client.attachments.list()).toEqual([made])
    await client.attachments.remove('blue/c1')
    expect(one.node.calls.at(-1)).toEqual(['detach', 'blue/c1'])
    one.node.failures = [{ item: 'networks/blue', code: 'ERR_X', message: 'no' }]
    one.node.keyList = [{ subsystem: 'gossip', tag: '7', isPrimary: true, since: 1 }]
    one.node.peerList = [
      { name: 'n', address: '10.0.0.1:7946', state: 'alive', weft: true, networks: [] },
    ]
    const { failures, keyList, peerList } = one.node
    const counts = { attachments: 1, networks: 0, peers: 1, usage: [] }
    const wanted = { ...one.node.shown, ...counts, failedItems: failures }
    expect(await client.status()).toEqual(wanted)
    expect(await client.keys()).toEqual(keyList)
    expect(await client.peers()).toEqual(peerList)
    const usage = (await clientOf(rig('manager').api).status()).usage
    expect(usage).toContainEqual({ name: 'blue', ...usage.find(({ name }) => name === 'blue') })
    expect(usage).toHaveLength(RECORDED_NETWORKS.length)
  })

  test('events until the loop is left', async () => {
    const one = rig('manager')
    const [object] = controlOf(one).networkObjects
    if (object === undefined) throw new Error('no network')
    controlOf(one).tell({ kind: 'network', action: 'remove', object })
    for await (const event of clientOf(one.api).events({ since: '0' })) {
      expect(event.Actor.ID).toBe(object.id)
      break
    }
    expect(await clientOf(one.api).info()).toMatchObject({ NEventsListener: 0 })
  })
})

describe('errors', () => {
  test('are what the server said, by code', async () => {
    const one = rig('manager')
    const client = clientOf(one.api)
    controlOf(one).refusal = swarmError('ERR_EXHAUSTED', 'no pool', { subject: 'red' })
    const error = await failure(client.networks.create({ Name: 'red' }))
    const message = 'rpc error: code = ResourceExhausted desc = no pool'
    expect(error.toJSON()).toEqual({ code: 'ERR_EXHAUSTED', message, details: { subject: 'red' } })
    one.node.refusal = new WeftError('ERR_LINK_NAME_TAKEN', 'the name is taken', { ifname: 'eth0' })
    const request = { network: 'blue', name: 'c1', netns: '/run/netns/c1' }
    expect((await failure(client.attachments.create(request))).toJSON()).toEqual({
      code: 'ERR_LINK_NAME_TAKEN',
      message: 'the name is taken (ifname=eth0)',
      details: { ifname: 'eth0' },
    })
  })

  const byStatus: readonly (readonly [number, SwarmErrorCode])[] = [
    [400, 'ERR_INVALID_ARGUMENT'],
    [403, 'ERR_PERMISSION_DENIED'],
    [404, 'ERR_NOT_FOUND'],
    [409, 'ERR_ALREADY_EXISTS'],
    [500, 'ERR_UNAVAILABLE'],
    [501, 'ERR_UNIMPLEMENTED'],
    [503, 'ERR_PRECONDITION'],
  ]
  test.each(byStatus)('of a dockerd, which knows no codes: %d is %s', async (status, code) => {
    const error = await failure(answering(status, '{"message":"no"}').info())
    expect(error).toMatchObject({ code, message: 'no' })
  })

  test('are ERR_ENGINE_ANSWER when it is no engine', async () => {
    const calls = [
      answering(200, '<html>').info(),
      answering(502, '<html>').info(),
      answering(404, '"x"').info(),
      answering(200, 'OK').ping(),
    ]
    for (const call of calls) expect((await failure(call)).code).toBe('ERR_ENGINE_ANSWER')
    const odd = answering(400, '{"message":"no","code":"<b>","details":7}')
    expect(await failure(odd.info())).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })

  test('are ERR_UNAVAILABLE when nobody is there, with the reason', async () => {
    const client = createEngineClient(socketFetch('/nonexistent/weft.sock'))
    const error = await failure(client.info())
    expect(error.code).toBe('ERR_UNAVAILABLE')
    expect(error.details['subject']).toContain('ENOENT')
  })

  test('are ERR_UNAVAILABLE when the answer breaks off', async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('cut')) })
    expect((await failure(answering(200, body).info())).details).toEqual({ subject: 'cut' })
    const events = answering(200, '{"Type":"network"}\n{"Ty').events()
    const heard: unknown[] = []
    for await (const event of events) heard.push(event)
    expect(heard).toEqual([{ Type: 'network' }])
  })

  test('are the reason of who calls off', async () => {
    const client = createEngineClient(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(new Error('aborted')))
        }),
    )
    const reason = new Error('enough')
    const controller = new AbortController()
    const call = client.info({ signal: controller.signal })
    controller.abort(reason)
    await expect(call).rejects.toBe(reason)
    await expect(client.info({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  test.each(['', '.', '..'])('refuse the ID %j, which a URL would lose', async (id) => {
    const one = rig('manager')
    const { networks } = clientOf(one.api)
    expect((await failure(networks.remove(id))).code).toBe('ERR_INVALID_ARGUMENT')
    expect(one.node.calls).toEqual([])
  })
})

describe('over a socket', () => {
  test('calls, names with slashes, events, and an end', async () => {
    const one = rig('manager')
    await using server = await serve(one.api)
    const client = createEngineClient(socketFetch(server.path))
    expect(await client.swarm.inspect()).toEqual(RECORDED_SWARM)
    expect((await client.ping()).swarm).toBe('active/manager')
    await client.attachments.remove('blue/c 1%')
    expect(one.node.calls.at(-1)).toEqual(['detach', 'blue/c 1%'])
    const [object] = controlOf(one).networkObjects
    if (object === undefined) throw new Error('no network')
    controlOf(one).tell({ kind: 'network', action: 'remove', object })
    const controller = new AbortController()
    const { signal } = controller
    const heard: string[] = []
    const listening = (async () => {
      for await (const { Action } of client.events({ since: '0' }, { signal })) {
        heard.push(Action)
        controller.abort(new Error('enough'))
      }
    })()
    await expect(listening).rejects.toThrow()
    expect(heard).toEqual(['remove'])
  })

  test('a request that is called off is called off on the node', async () => {
    const one = rig('worker')
    const { promise: called, resolve } = Promise.withResolvers<AbortSignal | undefined>()
    one.node.attach = (_request, options) => {
      const signal = options?.signal as AbortSignal | undefined
      resolve(signal)
      return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('called off')))
      })
    }
    await using server = await serve(one.api)
    const client = createEngineClient(socketFetch(server.path))
    const controller = new AbortController()
    const request = { network: 'blue', name: 'c1', netns: '/run/netns/c1' }
    const call = client.attachments.create(request, { signal: controller.signal })
    const signal = await called
    const aborted = new Promise((done) => signal?.addEventListener('abort', done))
    controller.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    await aborted
  })
})

describe('limits', () => {
  test('an answer ends at ANSWER_BYTES_MAX', async () => {
    const piece = new Uint8Array(16 * 1024 * 1024).fill(32)
    const bodyOf = (size: number): ReadableStream => {
      let left = size
      return new ReadableStream({
        pull: (controller) => {
          const part = piece.subarray(0, Math.min(left, piece.length))
          left -= part.length
          if (part.length > 0) controller.enqueue(part)
          else controller.close()
        },
      })
    }
    const fetch: EngineFetch = async () => new Response(bodyOf(ANSWER_BYTES_MAX + 1))
    const error = await failure(createEngineClient(fetch).info())
    expect(error.details).toEqual({ path: '/info', status: 200, problem: 'too long' })
    const exact: EngineFetch = async () => new Response(bodyOf(ANSWER_BYTES_MAX))
    const other = await failure(createEngineClient(exact).info())
    expect(other.details).toMatchObject({ problem: 'no JSON' })
  })

  test('a line ends at LINE_BYTES_MAX', async () => {
    const linesOf = async (size: number): Promise<unknown[]> => {
      const text = `"${'x'.repeat(size - 2)}"`
      const lines = [text.slice(0, 9), text.slice(9), '\n']
      const body = new Response(new Blob(lines)).body as ReadableStream<Uint8Array<ArrayBuffer>>
      const read: unknown[] = []
      for await (const line of readJsonLines(body)) read.push(line)
      return read
    }
    expect(await linesOf(LINE_BYTES_MAX)).toHaveLength(1)
    await expect(linesOf(LINE_BYTES_MAX + 100_000)).rejects.toThrow(RangeError)
  })
})
