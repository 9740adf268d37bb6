/** What nobody may exceed: messages, connections, calls, and how long a stranger may stay. */
import { once } from 'node:events'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { create, toBinary } from '@bufbuild/protobuf'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseIp, silentLogger, WeftError } from '@weft/core'
import { VirtualClock } from '@weft/core/testing'
import {
  AssignmentsMessageSchema,
  AssignmentsRequestSchema,
  HeartbeatRequestSchema,
  IssueNodeCertificateRequestSchema,
} from '@weft/swarm'
import {
  CALLS_PER_CONNECTION_MAX,
  CONNECT_MS_MAX,
  CONNECTIONS_MAX,
  CONNECTIONS_PER_NODE_MAX,
  HANDSHAKE_MS_MAX,
  KEEPALIVE_INTERVAL_MS,
  MESSAGE_BYTES_MAX,
  serveManager,
  STRANGER_IDLE_MS_MAX,
  STRANGER_MESSAGE_BYTES_MAX,
  STRANGER_STAY_MS_MAX,
  STRANGERS_MAX,
  STRANGERS_PER_HOST_MAX,
  type ManagerServer,
} from '../src/index.ts'
import { Strangers, type Stranger } from '../src/strangers.ts'
import { identity, ManagerWorld, newSignal, plainServices } from './manager-world.ts'
import { Wire } from './wire.ts'

const text = (error: unknown): string =>
  error instanceof WeftError ? `${error.code} ${error.message}` : String(error)
const outcome = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'answered', text)

describe('messages', () => {
  let world: ManagerWorld
  beforeEach(async () => (world = await ManagerWorld.open()))
  afterEach(() => world[Symbol.asyncDispose]())

  it(`of nodes have ${MESSAGE_BYTES_MAX} bytes at most`, async () => {
    const sessionId = 'x'.repeat(MESSAGE_BYTES_MAX - 5)
    const largest = create(HeartbeatRequestSchema, { sessionId })
    expect(toBinary(HeartbeatRequestSchema, largest)).toHaveLength(MESSAGE_BYTES_MAX)
    const worker = world.dial()
    expect(await outcome(worker.heartbeat(largest))).toBe('answered')
    const larger = create(HeartbeatRequestSchema, { sessionId: `${sessionId}x` })
    expect(await outcome(worker.heartbeat(larger))).toMatch(/ERR_UNAVAILABLE .*larger than/)
    expect(await outcome(worker.heartbeat(largest))).toBe('answered')
  })

  it(`for strangers have ${STRANGER_MESSAGE_BYTES_MAX} bytes at most`, async () => {
    const token = 'x'.repeat(STRANGER_MESSAGE_BYTES_MAX - 4)
    const largest = create(IssueNodeCertificateRequestSchema, { token })
    const bytes = toBinary(IssueNodeCertificateRequestSchema, largest)
    expect(bytes).toHaveLength(STRANGER_MESSAGE_BYTES_MAX)
    const stranger = world.dial({ kind: 'root', rootPem: world.root.rootPem })
    expect(await outcome(stranger.issueNodeCertificate(largest))).toBe('answered')
    const larger = create(IssueNodeCertificateRequestSchema, { token: `${token}x` })
    const refused = await outcome(stranger.issueNodeCertificate(larger))
    expect(refused).toMatch(/ERR_EXHAUSTED .*larger than/)
  })

  it('that a manager may not send are an error to the node, not a loss', async () => {
    await using own = await ManagerWorld.open({
      assignments: async function* () {
        const resultsIn = 'x'.repeat(MESSAGE_BYTES_MAX)
        yield create(AssignmentsMessageSchema, { resultsIn })
      },
    })
    const request = create(AssignmentsRequestSchema)
    const next = own.dial().assignments(request)[Symbol.asyncIterator]().next()
    expect(await outcome(next)).toMatch(/ERR_EXHAUSTED .*larger than/)
  })
})

describe('Strangers', () => {
  const stranger = (host: string, gone: string[], name: string): Stranger => ({
    host,
    destroy: () => void gone.push(name),
  })

  it(`are ${STRANGERS_PER_HOST_MAX} from one address at most: its oldest gives way`, () => {
    const [strangers, gone] = [new Strangers(), [] as string[]]
    strangers.add(stranger('other', gone, 'other'))
    for (let i = 0; i < STRANGERS_PER_HOST_MAX; i++) strangers.add(stranger('h', gone, `${i}`))
    expect(gone).toEqual([])
    strangers.add(stranger('h', gone, 'last'))
    expect(gone).toEqual(['0'])
    expect(strangers.count).toBe(STRANGERS_PER_HOST_MAX + 1)
  })

  it(`are ${STRANGERS_MAX} in all: the oldest of who has most gives way`, () => {
    const [strangers, gone] = [new Strangers(), [] as string[]]
    for (let i = 0; i < 10; i++) strangers.add(stranger('crowd', gone, `crowd ${i}`))
    for (let i = 10; i < STRANGERS_MAX; i++) strangers.add(stranger(`h${i}`, gone, `h${i}`))
    expect(gone).toEqual([])
    strangers.add(stranger('new', gone, 'new'))
    strangers.add(stranger('newer', gone, 'newer'))
    expect(gone).toEqual(['crowd 0', 'crowd 1'])
    expect(strangers.count).toBe(STRANGERS_MAX)
  })

  it('are forgotten when they are gone or known', () => {
    const [strangers, gone] = [new Strangers(), [] as string[]]
    const one = stranger('h', gone, 'one')
    strangers.add(one)
    strangers.delete(one)
    strangers.delete(one)
    expect(strangers.count).toBe(0)
  })
})

describe('connections', () => {
  let server: ManagerServer
  let clock: VirtualClock
  let world: ManagerWorld
  let [began, ended] = [newSignal(), newSignal()]
  const sockets: Socket[] = []
  const sessions: ClientHttp2Session[] = []

  beforeEach(async () => {
    // A world for its identities, and a server whose time stands still.
    world = await ManagerWorld.open()
    clock = new VirtualClock()
    ;[began, ended] = [newSignal(), newSignal()]
    const listen = { ip: parseIp('127.0.0.1'), port: 0 }
    const still = { now: () => clock.now(), wall: () => world.clock.wall() }
    const schedule = clock.schedule.bind(clock)
    server = await serveManager(
      plainServices({
        session: async function* (_request, { signal }) {
          began.resolve()
          signal.addEventListener('abort', () => ended.resolve())
          await ended.promise
          yield* []
        },
      }),
      { listen, identity: world.manager, log: silentLogger, clock: { ...still, schedule } },
    )
  })
  afterEach(async () => {
    for (const session of sessions.splice(0)) session.destroy()
    for (const socket of sockets.splice(0)) socket.destroy()
    await Promise.all([server.close(), world[Symbol.asyncDispose]()])
  })

  const connectRaw = async (): Promise<Socket> => {
    const socket = connectTcp({ host: '127.0.0.1', port: server.local.port })
    socket.on('error', () => undefined)
    sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }
  const connectAs = async (
    options: { cert?: string; key?: string },
    port = server.local.port,
  ): Promise<ClientHttp2Session> => {
    const socket = connectTls({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
      ...options,
    })
    sockets.push(socket)
    await once(socket, 'secureConnect')
    const session = connectHttp2('https://manager', { createConnection: () => socket })
    session.on('error', () => undefined)
    sessions.push(session)
    await once(session, 'remoteSettings')
    return session
  }
  const worker = (): { cert: string; key: string } => {
    return { cert: world.worker.certificatePem, key: world.worker.keyPem }
  }
  const pass = (ms: number): Promise<void> => clock.advance(ms)

  it('of strangers give way to newcomers before their handshake too; nodes stay', async () => {
    const node = await connectAs(worker())
    const first = await connectRaw()
    const gone = once(first, 'close')
    for (let i = 1; i < STRANGERS_PER_HOST_MAX; i++) await connectRaw()
    expect(first.destroyed).toBe(false)
    await connectRaw()
    await gone
    expect(node.destroyed).toBe(false)
    // Who joins gets through the crowd.
    const joining = await connectAs({})
    expect(joining.destroyed).toBe(false)
  })

  it(`of one node are ${CONNECTIONS_PER_NODE_MAX} at most: its oldest ends`, async () => {
    const another = await identity(world.root, { nodeId: 'anothernode' })
    const other = await connectAs({ cert: another.certificatePem, key: another.keyPem })
    const own: ClientHttp2Session[] = []
    for (let i = 0; i < CONNECTIONS_PER_NODE_MAX; i++) own.push(await connectAs(worker()))
    const [first, second] = own
    expect(first?.destroyed).toBe(false)
    const gone = once(first ?? other, 'close')
    await connectAs(worker())
    await gone
    expect([second?.destroyed, other.destroyed]).toEqual([false, false])
    // Whoever ends one has room for another.
    const ended = once(second ?? other, 'close')
    second?.destroy()
    await ended
    await connectAs(worker())
    expect(own[2]?.destroyed).toBe(false)
  })

  it(`have ${CALLS_PER_CONNECTION_MAX} calls at once`, async () => {
    const node = await connectAs(worker())
    expect(node.remoteSettings.maxConcurrentStreams).toBe(CALLS_PER_CONNECTION_MAX)
    expect(CONNECTIONS_MAX).toBeGreaterThan(STRANGERS_MAX)
    expect(Math.max(HANDSHAKE_MS_MAX, CONNECT_MS_MAX)).toBeLessThan(STRANGER_IDLE_MS_MAX)
  })

  it(`of strangers without a call end after ${STRANGER_IDLE_MS_MAX} ms; nodes stay`, async () => {
    const [node, stranger] = [await connectAs(worker()), await connectAs({})]
    const gone = once(stranger, 'close')
    for (let ms = 0; ms <= STRANGER_IDLE_MS_MAX; ms += KEEPALIVE_INTERVAL_MS) {
      expect(stranger.destroyed).toBe(false)
      await pass(KEEPALIVE_INTERVAL_MS)
      await answered(node)
      if (ms < STRANGER_IDLE_MS_MAX) await answered(stranger)
    }
    await gone
    expect(node.destroyed).toBe(false)
  })

  it(`of strangers end after ${STRANGER_STAY_MS_MAX} ms, whatever they do`, async () => {
    const stranger = await connectAs({})
    const gone = once(stranger, 'close')
    // A call whose request never comes.
    const path = '/docker.swarmkit.v1.CA/GetRootCACertificate'
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc' }
    stranger.request(headers).on('error', () => undefined)
    for (let ms = 0; ms <= STRANGER_STAY_MS_MAX; ms += KEEPALIVE_INTERVAL_MS) {
      expect(stranger.destroyed).toBe(false)
      await pass(KEEPALIVE_INTERVAL_MS)
      if (ms < STRANGER_STAY_MS_MAX) await answered(stranger)
    }
    await gone
  })

  it('of silent nodes end when they do not answer for a whole interval', async () => {
    await using wire = await Wire.open(server.local.port)
    const node = await connectAs(worker(), wire.port)
    const path = '/docker.swarmkit.v1.Dispatcher/Session'
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc' }
    const stream = node.request(headers)
    stream.on('error', () => undefined)
    stream.end(new Uint8Array(5)) // a message of no bytes
    await began.promise
    await answered(node)
    wire.cut()
    let hasEnded = false
    void ended.promise.then(() => (hasEnded = true))
    await pass(KEEPALIVE_INTERVAL_MS) // something came since the last time
    await pass(KEEPALIVE_INTERVAL_MS) // nothing came: it is asked
    expect(hasEnded).toBe(false)
    await pass(KEEPALIVE_INTERVAL_MS) // it did not answer
    await ended.promise
  })
})

/** Resolves when the server has answered on this connection: it has done what came before. */
function answered(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    session.ping(() => resolve())
  })
}
