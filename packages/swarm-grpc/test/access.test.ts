/** Who gets in: roles, organisations, validity, names and versions, on both sides. */
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasCode, parseIp, silentLogger, WeftError } from '@weft/core'
import {
  AssignmentsRequestSchema,
  AttachNetworkRequestSchema,
  DetachNetworkRequestSchema,
  GetRootCACertificateRequestSchema,
  HealthCheckRequestSchema,
  HeartbeatRequestSchema,
  METHOD_ACCESS,
  SessionMessageSchema,
  SessionRequestSchema,
  UpdateTaskStatusRequestSchema,
  type CertificateFacts,
  type ManagerConnection,
  type ManagerMethod,
  type NodeIdentity,
} from '@weft/swarm'
import { authorize, type Peer } from '../src/authorize.ts'
import { nodeCertificates, serveManager } from '../src/index.ts'
import {
  CLUSTER_ID,
  DAY_MS,
  identity,
  ManagerWorld,
  newSignal,
  plainServices,
  type IdentityOptions,
} from './manager-world.ts'

const PREFIX =
  'Permission denied: unauthorized peer role: rpc error: code = PermissionDenied desc ='
const heartbeat = create(HeartbeatRequestSchema)
const text = (error: unknown): string =>
  error instanceof WeftError ? `${error.code} ${error.message}` : String(error)
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  )

describe('authorize', () => {
  const facts: CertificateFacts = {
    nodeId: 'n1',
    clusterId: CLUSTER_ID,
    role: 'worker',
    notBefore: 1000,
    notAfter: 9000,
  }
  const node = (changed: Partial<CertificateFacts>): Peer => {
    return { kind: 'node', facts: { ...facts, ...changed } }
  }
  const methods = Object.keys(METHOD_ACCESS) as ManagerMethod[]
  const open = (peer: Peer, wall = 5000): ManagerMethod[] =>
    methods.filter((method) => {
      try {
        authorize({ method, peer, clusterId: CLUSTER_ID, wall })
        return true
      } catch (error) {
        expect(hasCode(error, 'ERR_PERMISSION_DENIED')).toBe(true)
        return false
      }
    })

  it('opens to each what docker-wire §7.3 says, and no more', () => {
    const join = ['getRootCertificate', 'issueNodeCertificate', 'nodeCertificateStatus']
    expect(open({ kind: 'stranger' })).toEqual(join)
    expect(open(node({ role: 'manager' }))).toEqual(methods)
    expect(open(node({}))).toEqual(methods.filter((method) => method !== 'checkHealth'))
  })

  it('opens nothing to certificates that are not good, not even what strangers may', () => {
    expect(open({ kind: 'refused', problem: 'x' })).toEqual([])
    expect(open(node({ role: 'manager' }), 999)).toEqual([])
    expect(open(node({ role: 'manager' }), 9001)).toEqual([])
    expect(open(node({ role: 'manager', clusterId: 'another' }))).toEqual([])
  })

  it('says who calls', () => {
    const admission = { peer: node({}), clusterId: CLUSTER_ID, wall: 5000 }
    const caller = { nodeId: 'n1', clusterId: CLUSTER_ID, role: 'worker' }
    expect(authorize({ method: 'session', ...admission })).toEqual(caller)
    const stranger = { ...admission, peer: { kind: 'stranger' } } as const
    expect(authorize({ method: 'getRootCertificate', ...stranger })).toBe(null)
  })
})

describe('a manager', () => {
  let world: ManagerWorld
  const reached: string[] = []

  beforeAll(async () => {
    const reach = (name: string) => (): never => {
      reached.push(name)
      throw new Error(name)
    }
    world = await ManagerWorld.open({
      checkHealth: reach('health'),
      attachNetwork: reach('attach'),
      detachNetwork: reach('detach'),
      updateTaskStatus: reach('update'),
      session: reach('session'),
      assignments: reach('assignments'),
    })
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const nodeCalls = (connection: ManagerConnection): readonly Promise<unknown>[] => [
    connection.checkHealth(create(HealthCheckRequestSchema)),
    connection.attachNetwork(create(AttachNetworkRequestSchema)),
    connection.detachNetwork(create(DetachNetworkRequestSchema)),
    connection.updateTaskStatus(create(UpdateTaskStatusRequestSchema)),
    connection.session(create(SessionRequestSchema))[Symbol.asyncIterator]().next(),
    connection.assignments(create(AssignmentsRequestSchema))[Symbol.asyncIterator]().next(),
  ]
  const withIdentity = async (options: IdentityOptions): Promise<ManagerConnection> =>
    world.dial({ kind: 'identity', identity: await identity(world.root, options) })

  it('gives strangers nothing beyond joining, in Docker’s words', async () => {
    const stranger = world.dial({ kind: 'root', rootPem: world.root.rootPem })
    for (const call of nodeCalls(stranger)) {
      const words = `ERR_PERMISSION_DENIED ${PREFIX} no client certificates in request`
      expect(text(await failure(call))).toBe(words)
    }
    expect(reached).toEqual([])
    await stranger.getRootCertificate(create(GetRootCACertificateRequestSchema))
  })

  it('gives workers nothing that is for managers, in Docker’s words', async () => {
    const words =
      `ERR_PERMISSION_DENIED ${PREFIX} Permission denied: ` +
      'remote certificate not part of OUs: [swarm-manager]'
    const call = world.dial().checkHealth(create(HealthCheckRequestSchema))
    expect(text(await failure(call))).toBe(words)
    expect(reached).toEqual([])
  })

  it('gives nodes of another cluster under the same root nothing', async () => {
    const other = await withIdentity({ clusterId: 'another', role: 'manager' })
    for (const call of nodeCalls(other)) {
      const words = `remote certificate not part of organization: ${CLUSTER_ID}`
      expect(text(await failure(call))).toContain(words)
    }
    expect(reached).toEqual([])
  })

  it('refuses certificates that are over, not begun, or of another root, and says so', async () => {
    const wall = world.clock.wall()
    const rootCall = create(GetRootCACertificateRequestSchema)
    const over = await withIdentity({ from: wall - 91 * DAY_MS })
    expect(text(await failure(over.heartbeat(heartbeat)))).toContain('certificate has expired')
    expect(text(await failure(over.getRootCertificate(rootCall)))).toContain('has expired')
    const early = await withIdentity({ from: wall + DAY_MS })
    expect(text(await failure(early.heartbeat(heartbeat)))).toContain('check the clocks')
    const stray = await identity(await nodeCertificates.createRoot(wall - DAY_MS))
    const mixed = { ...stray, rootPem: world.root.rootPem }
    const foreign = world.dial({ kind: 'identity', identity: mixed })
    expect(text(await failure(foreign.heartbeat(heartbeat)))).toContain('cannot be verified')
  })

  it('looks at certificates again at each call: connections outlive them', async () => {
    const connection = world.dial()
    await connection.heartbeat(heartbeat)
    try {
      world.clock.shiftMs = 90 * DAY_MS + 1000
      const words = text(await failure(connection.heartbeat(heartbeat)))
      expect(words).toMatch(/^ERR_PERMISSION_DENIED Permission denied: certificate has expired/)
      world.clock.shiftMs = -2 * 3_600_000
      expect(text(await failure(connection.heartbeat(heartbeat)))).toContain('check the clocks')
    } finally {
      world.clock.shiftMs = 0
    }
    await connection.heartbeat(heartbeat)
  })

  const handshake = async (options: ConnectionOptions): Promise<TLSSocket> => {
    const { port } = world.server.local
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
    await once(socket, 'secureConnect')
    return socket
  }

  it('speaks TLS 1.3 and 1.2, and nothing older', async () => {
    for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
      const limits = { minVersion: version, maxVersion: version }
      const socket = await handshake({ ...limits, ALPNProtocols: ['h2'] })
      expect(socket.getProtocol()).toBe(version)
      expect(socket.alpnProtocol).toBe('h2')
      expect(socket.getCipher().name).toContain('GCM')
      socket.destroy()
    }
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' } as const
    const call = handshake({ ...old, ciphers: 'DEFAULT@SECLEVEL=0' })
    expect(String(await failure(call))).toMatch(/alert protocol version|unsupported protocol/i)
  })

  it('presents a certificate that is good for both names, and for its node ID', async () => {
    const { root, manager } = world
    for (const servername of ['swarm-manager', 'swarm-ca', manager.nodeId]) {
      const socket = await handshake({ ca: root.rootPem, servername, rejectUnauthorized: true })
      expect(socket.getPeerX509Certificate()?.subject).toContain(`CN=${manager.nodeId}`)
      socket.destroy()
    }
  })

  it('serves HTTP/2 to who offers no protocol, as Docker does', async () => {
    const socket = await handshake({})
    expect(socket.alpnProtocol).toBe(false)
    const session = connectHttp2('https://manager', { createConnection: () => socket })
    const path = '/docker.swarmkit.v1.CA/GetRootCACertificate'
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc' }
    const stream = session.request(headers)
    stream.end(new Uint8Array(5))
    const [response] = (await once(stream, 'response')) as [{ ':status': number }]
    expect(response[':status']).toBe(200)
    session.destroy()
  })

  it('takes a renewed identity without ending streams', async () => {
    const go = newSignal()
    await using own = await ManagerWorld.open({
      session: async function* () {
        yield create(SessionMessageSchema, { sessionId: '1' })
        await go.promise
        yield create(SessionMessageSchema, { sessionId: '2' })
      },
    })
    const stream = own.dial().session(create(SessionRequestSchema))[Symbol.asyncIterator]()
    await stream.next()
    const renewed = await identity(own.root, { role: 'manager', nodeId: 'renewed' })
    const broken: NodeIdentity = { ...renewed, keyPem: own.worker.keyPem }
    expect(() => own.server.replaceIdentity(broken)).toThrow('key values mismatch')
    expect(await subjectAt(own.server.local.port)).not.toContain('renewed')
    own.server.replaceIdentity(renewed)
    expect(await subjectAt(own.server.local.port)).toContain('CN=renewed')
    await own.dial().heartbeat(heartbeat)
    go.resolve()
    expect((await stream.next()).value).toMatchObject({ sessionId: '2' })
  })
})

describe('a node', () => {
  it('distrusts managers of another root, of another name, and whose time is not now', async () => {
    const wall = Date.now()
    const root = await nodeCertificates.createRoot(wall - 200 * DAY_MS)
    const other = await nodeCertificates.createRoot(wall - 200 * DAY_MS)
    const own = await identity(root)
    const impostors: readonly (readonly [NodeIdentity, string])[] = [
      [await identity(other, { role: 'manager' }), 'not of the cluster’s root'],
      [await identity(root, { role: 'worker' }), 'not that of a manager'],
      [await identity(root, { role: 'manager', from: wall - 100 * DAY_MS }), 'has expired'],
      [await identity(root, { role: 'manager', from: wall + DAY_MS }), 'check the clocks'],
    ]
    for (const [impostor, problem] of impostors) {
      await using world = await ManagerWorld.open({}, { root, serveAs: impostor })
      for (const trust of [
        { kind: 'identity', identity: own } as const,
        { kind: 'root', rootPem: root.rootPem } as const,
      ]) {
        const connection = world.dial(trust)
        const error = await failure(connection.heartbeat(heartbeat))
        expect(hasCode(error, 'ERR_UNTRUSTED'), text(error)).toBe(true)
        expect(error).toMatchObject({ details: { subject: world.address } })
        expect(JSON.stringify(error)).toContain(problem)
        expect(hasCode(await failure(connection.localIp()), 'ERR_UNTRUSTED')).toBe(true)
      }
      const open = world.dial({ kind: 'none' })
      await open.getRootCertificate(create(GetRootCACertificateRequestSchema))
    }
  })

  it('trusts again who can be trusted again', async () => {
    await using world = await ManagerWorld.open()
    const connection = world.dial()
    const stray = await nodeCertificates.createRoot(Date.now() - DAY_MS)
    const { listen, clock } = { listen: world.server.local, clock: world.clock }
    await world.server.close()
    const impostor = await identity(stray, { role: 'manager' })
    const options = { listen, clock, log: silentLogger }
    await using false_ = await serveManager(plainServices(), { ...options, identity: impostor })
    expect(hasCode(await failure(connection.heartbeat(heartbeat)), 'ERR_UNTRUSTED')).toBe(true)
    await false_.close()
    expect(hasCode(await failure(connection.heartbeat(heartbeat)), 'ERR_UNAVAILABLE')).toBe(true)
    await using true_ = await serveManager(plainServices(), { ...options, identity: world.manager })
    await connection.heartbeat(heartbeat)
    expect(true_.local.ip).toBe(parseIp('127.0.0.1'))
  })
})

async function subjectAt(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const subject = socket.getPeerX509Certificate()?.subject ?? ''
  socket.destroy()
  return subject
}
