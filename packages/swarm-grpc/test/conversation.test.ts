/** Both ends together: calls arrive, what fails says why, and streams end on both sides. */
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeError, hasCode, WeftError } from '@weft/core'
import {
  AssignmentsMessageSchema,
  AssignmentsRequestSchema,
  AttachNetworkRequestSchema,
  AttachNetworkResponseSchema,
  DetachNetworkRequestSchema,
  durationOf,
  GetRootCACertificateRequestSchema,
  GetRootCACertificateResponseSchema,
  GRPC_STATUS,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HeartbeatRequestSchema,
  HeartbeatResponseSchema,
  IssueNodeCertificateRequestSchema,
  IssueNodeCertificateResponseSchema,
  msOf,
  NodeCertificateStatusRequestSchema,
  ServingStatus,
  SessionMessageSchema,
  SessionRequestSchema,
  swarmError,
  UpdateTaskStatusRequestSchema,
  type CallContext,
  type HeartbeatResponse,
  type ManagerConnection,
  type ManagerServices,
  type SessionMessage,
  type SwarmErrorCode,
} from '@weft/swarm'
import { CALL_TIMEOUT_MS, HELD_CALL_TIMEOUT_MS } from '../src/index.ts'
import { CLUSTER_ID, identity, ManagerWorld, newSignal } from './manager-world.ts'

const heartbeat = create(HeartbeatRequestSchema, { sessionId: 's1' })
const session = create(SessionRequestSchema, { sessionId: 's1' })
/** What the services do in the test at hand. */
let acts: Partial<ManagerServices> = {}
let world: ManagerWorld

const codeOf = (error: unknown): string => (error instanceof WeftError ? error.code : String(error))
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  )
const read = async <T>(stream: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const one of stream) all.push(one)
  return all
}
const aborted = (context: CallContext): Promise<void> =>
  new Promise((resolve) => context.signal.addEventListener('abort', () => resolve()))

beforeAll(async () => {
  world = await ManagerWorld.open({
    heartbeat: (request, context) =>
      acts.heartbeat?.(request, context) ?? Promise.reject(new Error('not expected')),
    session: (request, context) => acts.session?.(request, context) ?? nothing(),
  })
})
afterAll(() => world[Symbol.asyncDispose]())

async function* nothing(): AsyncIterable<SessionMessage> {}

describe('calls', () => {
  it('reach the method of their name, with what was asked, and bring back the answer', async () => {
    const seen: string[] = []
    await using own = await ManagerWorld.open({
      getRootCertificate: async () => {
        seen.push('root')
        return create(GetRootCACertificateResponseSchema, { certificate: Uint8Array.of(1, 2) })
      },
      issueNodeCertificate: async ({ token }) => {
        seen.push(`issue ${token}`)
        return create(IssueNodeCertificateResponseSchema, { nodeId: 'n1' })
      },
      nodeCertificateStatus: async ({ nodeId }) => {
        seen.push(`status ${nodeId}`)
        throw swarmError('ERR_NOT_FOUND', 'node n1 not found', { subject: 'n1' })
      },
      assignments: async function* ({ sessionId }) {
        seen.push(`assignments ${sessionId}`)
        yield create(AssignmentsMessageSchema, { resultsIn: '1' })
      },
      attachNetwork: async ({ containerId }) => {
        seen.push(`attach ${containerId}`)
        return create(AttachNetworkResponseSchema, { attachmentId: 'a1' })
      },
      detachNetwork: async ({ attachmentId }) => {
        seen.push(`detach ${attachmentId}`)
        throw swarmError('ERR_NOT_FOUND', 'attachment not found', { subject: 'a1' })
      },
      updateTaskStatus: async ({ updates }) => {
        seen.push(`update ${updates.map(({ taskId }) => taskId).join()}`)
        throw swarmError('ERR_INVALID_ARGUMENT', 'session invalid', { subject: 's' })
      },
      checkHealth: async ({ service }) => {
        seen.push(`health ${service}`)
        return create(HealthCheckResponseSchema, { status: ServingStatus.SERVING })
      },
    })
    const worker = own.dial()
    const manager = own.dial({ kind: 'identity', identity: own.manager })
    const root = await worker.getRootCertificate(create(GetRootCACertificateRequestSchema))
    expect([...root.certificate]).toEqual([1, 2])
    const issue = create(IssueNodeCertificateRequestSchema, { token: 'T' })
    expect((await worker.issueNodeCertificate(issue)).nodeId).toBe('n1')
    const status = create(NodeCertificateStatusRequestSchema, { nodeId: 'n1' })
    expect(codeOf(await failure(worker.nodeCertificateStatus(status)))).toBe('ERR_NOT_FOUND')
    const assignments = create(AssignmentsRequestSchema, { sessionId: 's1' })
    expect((await read(worker.assignments(assignments)))[0]?.resultsIn).toBe('1')
    const attach = create(AttachNetworkRequestSchema, { containerId: 'c1' })
    expect((await worker.attachNetwork(attach)).attachmentId).toBe('a1')
    const detach = create(DetachNetworkRequestSchema, { attachmentId: 'a1' })
    expect(codeOf(await failure(worker.detachNetwork(detach)))).toBe('ERR_NOT_FOUND')
    const update = create(UpdateTaskStatusRequestSchema, { updates: [{ taskId: 't1' }] })
    expect(codeOf(await failure(worker.updateTaskStatus(update)))).toBe('ERR_INVALID_ARGUMENT')
    const check = create(HealthCheckRequestSchema, { service: 'Raft' })
    expect((await manager.checkHealth(check)).status).toBe(ServingStatus.SERVING)
    expect(seen).toEqual([
      'root',
      'issue T',
      'status n1',
      'assignments s1',
      'attach c1',
      'detach a1',
      'update t1',
      'health Raft',
    ])
  })

  it('say who calls and from where', async () => {
    const contexts: CallContext[] = []
    acts = {
      heartbeat: async (_request, context) => {
        contexts.push(context)
        return create(HeartbeatResponseSchema, { period: durationOf(5000) })
      },
    }
    const answer: HeartbeatResponse = await world.dial().heartbeat(heartbeat)
    expect(msOf(answer.period)).toBe(5000)
    const caller = { nodeId: world.worker.nodeId, clusterId: CLUSTER_ID, role: 'worker' }
    expect(contexts[0]?.caller).toEqual(caller)
    expect(contexts[0]?.remoteIp).toBe('127.0.0.1')
    expect(await world.dial().localIp()).toBe('127.0.0.1')
  })

  it.each(Object.keys(GRPC_STATUS).filter((code) => code !== 'ERR_UNTRUSTED'))(
    'that fail with %s do so on both sides, with the same words',
    async (code) => {
      // Docker's own words for the one kind that shares its status with others.
      const message = code === 'ERR_OUT_OF_SEQUENCE' ? 'update out of sequence' : 'grün: 100 % "so"'
      acts = {
        heartbeat: async () => {
          const details = { subject: 'x', owner: 'y', problem: 'z' }
          throw swarmError(code as SwarmErrorCode, message, details)
        },
      }
      const error = await failure(world.dial().heartbeat(heartbeat))
      expect(hasCode(error, code)).toBe(true)
      expect(error).toMatchObject({ message, details: { subject: 'heartbeat' } })
    },
  )

  it('that fail because of a bug say nothing of it', async () => {
    acts = { heartbeat: () => Promise.reject(new Error('the key is 1234')) }
    const error = await failure(world.dial().heartbeat(heartbeat))
    expect(codeOf(error)).toBe('ERR_UNAVAILABLE')
    expect(describeError(error)).toContain('internal error')
    expect(JSON.stringify(error)).not.toContain('1234')
  })

  it('that are not answered in time fail', async () => {
    acts = {
      heartbeat: async (_request, context) => {
        await aborted(context)
        throw new Error('too late')
      },
    }
    const error = await failure(world.dial().heartbeat(heartbeat, { timeoutMs: 50 }))
    expect(codeOf(error)).toBe('ERR_UNAVAILABLE')
    expect(HELD_CALL_TIMEOUT_MS).toBeGreaterThan(CALL_TIMEOUT_MS)
  })

  it('that are called off reject with the reason, and the server hears of it', async () => {
    const [reached, ended] = [newSignal(), newSignal()]
    acts = {
      heartbeat: async (_request, context) => {
        reached.resolve()
        await aborted(context)
        ended.resolve()
        throw new Error('too late')
      },
    }
    const controller = new AbortController()
    const call = failure(world.dial().heartbeat(heartbeat, { signal: controller.signal }))
    await reached.promise
    controller.abort('enough')
    expect(await call).toBe('enough')
    await ended.promise
    const before = failure(world.dial().heartbeat(heartbeat, { signal: controller.signal }))
    expect(await before).toBe('enough')
  })
})

describe('streams', () => {
  const message = (sessionId: string): SessionMessage => create(SessionMessageSchema, { sessionId })

  it('end when the service ends them, and when it fails', async () => {
    acts = {
      session: async function* () {
        yield message('1')
        yield message('2')
      },
    }
    const all = await read(world.dial().session(session))
    expect(all.map(({ sessionId }) => sessionId)).toEqual(['1', '2'])
    acts = {
      session: async function* () {
        yield message('1')
        throw swarmError('ERR_ABORTED', 'node must disconnect', { subject: 'n' })
      },
    }
    const seen: string[] = []
    const error = await failure(
      (async () => {
        for await (const one of world.dial().session(session)) seen.push(one.sessionId)
      })(),
    )
    expect(seen).toEqual(['1'])
    expect(hasCode(error, 'ERR_ABORTED')).toBe(true)
    expect(error).toMatchObject({ message: 'node must disconnect' })
  })

  it('end on the server when the reader stops, calls off, or is gone', async () => {
    const ends: ((connection: ManagerConnection, stop: AbortController) => void)[] = [
      () => undefined,
      (_connection, stop) => stop.abort('enough'),
      (connection) => void connection.close(),
    ]
    for (const [index, end] of ends.entries()) {
      const [aborts, cleanUps] = [newSignal(), newSignal()]
      acts = {
        session: async function* (_request, context) {
          try {
            yield message('1')
            await aborted(context)
            aborts.resolve()
          } finally {
            cleanUps.resolve()
          }
        },
      }
      const connection = world.dial()
      const stop = new AbortController()
      const reading = async (): Promise<void> => {
        for await (const one of connection.session(session, { signal: stop.signal })) {
          expect(one.sessionId).toBe('1')
          if (index === 0) break
          end(connection, stop)
        }
      }
      const error = await failure(reading())
      await Promise.all([aborts.promise, cleanUps.promise])
      const wanted = ['no error', 'enough', 'ERR_UNAVAILABLE'][index]
      expect(codeOf(error)).toBe(wanted)
    }
  })

  it('end for readers although the service does not listen', async () => {
    const never = newSignal()
    acts = {
      session: async function* () {
        yield message('1')
        await never.promise
      },
    }
    for await (const one of world.dial().session(session)) {
      expect(one.sessionId).toBe('1')
      break
    }
    // The server can still stop: nothing of the call holds it.
    await using own = await ManagerWorld.open({ session: acts.session ?? nothing })
    const stream = own.dial().session(session)[Symbol.asyncIterator]()
    await stream.next()
    await own.server.close()
    expect(codeOf(await failure(stream.next()))).toBe('ERR_UNAVAILABLE')
    never.resolve()
  })

  it('last, whatever calls take', async () => {
    const go = newSignal()
    acts = {
      session: async function* () {
        yield message('1')
        await go.promise
        yield message('2')
      },
      heartbeat: async () => create(HeartbeatResponseSchema),
    }
    const connection = world.dial()
    const stream = connection.session(session)[Symbol.asyncIterator]()
    await stream.next()
    for (let i = 0; i < 200; i++) await connection.heartbeat(heartbeat)
    go.resolve()
    expect(await stream.next()).toMatchObject({ value: { sessionId: '2' } })
    expect((await stream.next()).done).toBe(true)
  })

  it('are not begun until they are read', async () => {
    acts = { session: () => expect.unreachable() as AsyncIterable<SessionMessage> }
    world.dial().session(session)
    acts = {}
  })
})

describe('connections', () => {
  it('that were closed refuse calls; closing again does nothing', async () => {
    const connection = world.dial()
    await connection.localIp()
    await connection.close()
    await connection.close()
    expect(codeOf(await failure(connection.heartbeat(heartbeat)))).toBe('ERR_UNAVAILABLE')
    expect(codeOf(await failure(connection.localIp()))).toBe('ERR_UNAVAILABLE')
    expect(codeOf(await failure(read(connection.session(session))))).toBe('ERR_UNAVAILABLE')
  })

  it('to nobody fail, and work once there is somebody', async () => {
    const first = await ManagerWorld.open()
    const { address, local } = { address: first.address, local: first.server.local }
    const connection = first.dial()
    await connection.heartbeat(heartbeat)
    await first.server.close()
    expect(codeOf(await failure(connection.heartbeat(heartbeat)))).toBe('ERR_UNAVAILABLE')
    expect(codeOf(await failure(connection.localIp()))).toBe('ERR_UNAVAILABLE')
    await using second = await ManagerWorld.open({}, { listen: local, root: first.root })
    expect(second.address).toBe(address)
    await connection.heartbeat(heartbeat)
    await connection.close()
  })

  it('tell the server’s end to calls under way', async () => {
    const reached = newSignal()
    await using own = await ManagerWorld.open({
      heartbeat: async (_request, context) => {
        reached.resolve()
        await aborted(context)
        throw new Error('the server ends')
      },
    })
    const call = failure(own.dial().heartbeat(heartbeat))
    await reached.promise
    await own.server.close()
    await own.server.close()
    const error = await call
    expect(codeOf(error)).toBe('ERR_UNAVAILABLE')
    expect(describeError(error)).toContain('shutting down')
  })

  it.each(['', 'host', 'host:', 'host:0', 'host:65536', '::1:2377', '[10.0.0.1]:1', 'a/b:1', ':1'])(
    'to %j are refused: it is no address',
    (address) => {
      expect(() => world.dialer.dial(address, { kind: 'none' })).toThrow('not the address')
    },
  )

  it('to a name work', async () => {
    const { port } = world.server.local
    const trust = { kind: 'identity', identity: await identity(world.root) } as const
    acts = { heartbeat: async () => create(HeartbeatResponseSchema) }
    await using named = world.dialer.dial(`localhost:${port}`, trust)
    await named.heartbeat(heartbeat)
  })
})
