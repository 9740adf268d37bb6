/** Docker's side of gRPC, in Go, calls our server, and is called by our client. */
import { create, toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasCode, silentLogger, WeftError } from '@weft/core'
import { nodeRuntime } from '@weft/runtime-node'
import {
  GetRootCACertificateRequestSchema,
  GetRootCACertificateResponseSchema,
  HeartbeatRequestSchema,
  HeartbeatResponseSchema,
  SessionMessageSchema,
  SessionRequestSchema,
  durationOf,
  swarmError,
  type ManagerConnection,
} from '@weft/swarm'
import { grpcDialer, nodeCertificates } from '../src/index.ts'
import { buildGoProgram, goIdentity, goLacks, GoProcess, type GoProgram } from './go-process.ts'
import { CLUSTER_ID, DAY_MS, identity, ManagerWorld, newSignal } from './manager-world.ts'

const BUILD_MS_MAX = 300_000
const lacks = goLacks()
const lacking = lacks === '' ? '' : ` (this machine has no ${lacks})`
const SERVICE = '/docker.swarmkit.v1.'

let program: GoProgram
beforeAll(async () => {
  if (lacking === '') program = await buildGoProgram()
}, BUILD_MS_MAX)
afterAll(() => {
  if (lacking === '') program[Symbol.dispose]()
})

const base64 = <Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): string =>
  Buffer.from(toBinary(schema, message)).toString('base64')
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  )

describe.skipIf(lacking !== '')(`a client in Go at our server${lacking}`, () => {
  const heartbeat = {
    Method: `${SERVICE}Dispatcher/Heartbeat`,
    Message: base64(HeartbeatRequestSchema, create(HeartbeatRequestSchema, { sessionId: 's1' })),
  }

  it('joins as nobody: by the name swarm-ca, with a root it pins', async () => {
    const answer = create(GetRootCACertificateResponseSchema, { certificate: Uint8Array.of(7) })
    await using world = await ManagerWorld.open({ getRootCertificate: async () => answer })
    await using go = new GoProcess(program)
    const own = goIdentity(world.root.rootPem, null)
    go.tell({ Identity: own, Address: world.address, ServerName: 'swarm-ca' })
    go.tell({ Method: `${SERVICE}CA/GetRootCACertificate`, Message: '' })
    const wanted = [base64(GetRootCACertificateResponseSchema, answer)]
    expect(await go.hear()).toMatchObject({ code: 0, messages: wanted })
    go.tell(heartbeat)
    expect(await go.hear()).toMatchObject({
      code: 7,
      text:
        'Permission denied: unauthorized peer role: rpc error: ' +
        'code = PermissionDenied desc = no client certificates in request',
    })
    go.tell({ Method: `${SERVICE}LogBroker/ListenSubscriptions`, Message: '' })
    expect(await go.hear()).toMatchObject({ code: 12 })
    go.tell({ Method: `${SERVICE}CA/GetUnlockKey`, Message: '' })
    expect(await go.hear()).toMatchObject({ code: 12 })
  })

  it('speaks as a node: calls, statuses with words, streams that end both ways', async () => {
    const [gone, sessionIds] = [newSignal(), [] as string[]]
    await using world = await ManagerWorld.open({
      heartbeat: async ({ sessionId }, { caller }) => {
        const period = durationOf(5000)
        if (sessionId === 's1') return create(HeartbeatResponseSchema, { period })
        const subject = caller?.nodeId ?? ''
        throw swarmError('ERR_INVALID_ARGUMENT', 'session invalid: 100 % ungültig', { subject })
      },
      session: async function* ({ sessionId }, { signal }) {
        sessionIds.push(sessionId)
        yield create(SessionMessageSchema, { sessionId: '1' })
        yield create(SessionMessageSchema, { sessionId: '2' })
        if (sessionId === 'ends') {
          throw swarmError('ERR_ABORTED', 'node must disconnect', { subject: 'n' })
        }
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        gone.resolve()
      },
    })
    await using go = new GoProcess(program)
    const own = goIdentity(world.root.rootPem, world.worker)
    go.tell({ Identity: own, Address: world.address, ServerName: 'swarm-manager' })
    go.tell(heartbeat)
    expect(await go.hear()).toMatchObject({ code: 0, messages: ['CgIIBQ=='] })
    go.tell({ ...heartbeat, Message: '' })
    expect(await go.hear()).toMatchObject({ code: 3, text: 'session invalid: 100 % ungültig' })
    const request = (sessionId: string): string =>
      base64(SessionRequestSchema, create(SessionRequestSchema, { sessionId }))
    const Method = `${SERVICE}Dispatcher/Session`
    go.tell({ Method, Message: request('ends') })
    const messages = ['1', '2'].map((sessionId) =>
      base64(SessionMessageSchema, create(SessionMessageSchema, { sessionId })),
    )
    expect(await go.hear()).toEqual({ code: 10, text: 'node must disconnect', messages })
    go.tell({ Method, Message: request('lasts'), Take: 2 })
    expect(await go.hear()).toMatchObject({ messages })
    await gone.promise
    expect(sessionIds).toEqual(['ends', 'lasts'])
    go.tell({ Method: `${SERVICE}Health/Check`, Message: '' })
    expect((await go.hear()).text).toContain('not part of OUs: [swarm-manager]')
  })

  it('does not take us for a manager that we are not', async () => {
    const root = await nodeCertificates.createRoot(nodeRuntime().clock.wall() - DAY_MS)
    const serveAs = await identity(root, { role: 'worker' })
    await using world = await ManagerWorld.open({}, { root, serveAs })
    await using go = new GoProcess(program)
    const own = goIdentity(root.rootPem, world.worker)
    go.tell({ Identity: own, Address: world.address, ServerName: 'swarm-manager' })
    go.tell(heartbeat)
    const { code, text } = await go.hear()
    expect(code).toBe(14)
    expect(text).toContain('not swarm-manager')
  })
})

describe.skipIf(lacking !== '')(`our client at a server in Go${lacking}`, () => {
  interface GoWorld extends AsyncDisposable {
    readonly go: GoProcess
    readonly connection: ManagerConnection
    readonly stranger: ManagerConnection
  }

  const openServer = async (): Promise<GoWorld> => {
    const { clock } = nodeRuntime()
    const root = await nodeCertificates.createRoot(clock.wall() - DAY_MS)
    const go = new GoProcess(program, ['serve'])
    go.tell({ Identity: goIdentity(root.rootPem, await identity(root, { role: 'manager' })) })
    const address = `127.0.0.1:${(await go.hear()).port}`
    const dialer = grpcDialer({ log: silentLogger, clock })
    const own = await identity(root, { nodeId: 'n1' })
    const connection = dialer.dial(address, { kind: 'identity', identity: own })
    const stranger = dialer.dial(address, { kind: 'root', rootPem: root.rootPem })
    const close = async (): Promise<void> => {
      await Promise.all([connection.close(), stranger.close()])
      await go[Symbol.asyncDispose]()
    }
    return { go, connection, stranger, [Symbol.asyncDispose]: close }
  }

  it('names the methods as Docker does, and shows who we are by both names', async () => {
    await using world = await openServer()
    const { go, connection, stranger } = world
    go.tell({ Answers: [''] })
    const request = create(GetRootCACertificateRequestSchema)
    expect((await stranger.getRootCertificate(request)).certificate).toHaveLength(0)
    const Method = `${SERVICE}CA/GetRootCACertificate`
    expect(await go.hear()).toMatchObject({ method: Method, peer: 'none' })
    go.tell({ Answers: ['CgIIBQ=='] })
    const answer = await connection.heartbeat(create(HeartbeatRequestSchema, { sessionId: 's1' }))
    expect(answer.period?.seconds).toBe(5n)
    expect(await go.hear()).toMatchObject({
      method: `${SERVICE}Dispatcher/Heartbeat`,
      messages: ['CgJzMQ=='],
      peer: `CN=n1,OU=swarm-worker,O=${CLUSTER_ID} as swarm-manager`,
    })
  })

  it.each([
    [1, 'ERR_UNAVAILABLE'],
    [2, 'ERR_UNAVAILABLE'],
    [3, 'ERR_INVALID_ARGUMENT'],
    [4, 'ERR_UNAVAILABLE'],
    [5, 'ERR_NOT_FOUND'],
    [6, 'ERR_ALREADY_EXISTS'],
    [7, 'ERR_PERMISSION_DENIED'],
    [8, 'ERR_EXHAUSTED'],
    [9, 'ERR_PRECONDITION'],
    [10, 'ERR_ABORTED'],
    [12, 'ERR_UNIMPLEMENTED'],
    [13, 'ERR_UNAVAILABLE'],
    [14, 'ERR_UNAVAILABLE'],
    [16, 'ERR_PERMISSION_DENIED'],
  ])('takes status %i for %s, with its words', async (code, wanted) => {
    await using world = await openServer()
    const { go, connection } = world
    go.tell({ Code: code, Text: 'grün: 100 %' })
    const error = await failure(connection.heartbeat(create(HeartbeatRequestSchema)))
    expect(error instanceof WeftError ? error.code : error).toBe(wanted)
    expect(error).toMatchObject({ message: 'grün: 100 %' })
  })

  it('reads streams to their end, whatever it is, and ends them itself', async () => {
    await using world = await openServer()
    const { go, connection } = world
    const Answers = ['1', '2'].map((sessionId) =>
      base64(SessionMessageSchema, create(SessionMessageSchema, { sessionId })),
    )
    const request = create(SessionRequestSchema)
    const read = async (most: number): Promise<string[]> => {
      const seen: string[] = []
      for await (const { sessionId } of connection.session(request)) {
        seen.push(sessionId)
        if (seen.length === most) break
      }
      return seen
    }
    go.tell({ Answers })
    expect(await read(9)).toEqual(['1', '2'])
    await go.hear()
    go.tell({ Answers, Hold: true })
    expect(await read(2)).toEqual(['1', '2'])
    await go.hear()
    expect(await go.hear()).toMatchObject({ event: 'gone' })
    go.tell({ Answers, Code: 3, Text: 'session invalid' })
    const error = await failure(read(9))
    expect(hasCode(error, 'ERR_INVALID_ARGUMENT')).toBe(true)
    expect(error).toMatchObject({ message: 'session invalid' })
  })

  it('hears when the server dies', async () => {
    const world = await openServer()
    const { go, connection } = world
    go.tell({ Hold: true, Answers: [''] })
    const stream = connection.session(create(SessionRequestSchema))[Symbol.asyncIterator]()
    await stream.next()
    await go[Symbol.asyncDispose]()
    expect(hasCode(await failure(stream.next()), 'ERR_UNAVAILABLE')).toBe(true)
    const call = connection.heartbeat(create(HeartbeatRequestSchema))
    expect(hasCode(await failure(call), 'ERR_UNAVAILABLE')).toBe(true)
    await connection.close()
  })
})
