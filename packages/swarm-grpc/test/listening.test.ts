/** A port that cannot be had, and what is not waited for: silent managers, silent clients. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { hasCode, parseIp, silentLogger, type SocketAddress } from '@weft/core'
import { VirtualClock } from '@weft/core/testing'
import { HeartbeatRequestSchema, SessionMessageSchema, SessionRequestSchema } from '@weft/swarm'
import { CONNECT_MS_MAX, grpcDialer, HANDSHAKE_MS_MAX, serveManager } from '../src/index.ts'
import { listenError } from '../src/listen-errors.ts'
import { ManagerWorld, newSignal, plainServices } from './manager-world.ts'
import { Wire } from './wire.ts'

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  )

describe('listening', () => {
  const listenAt = async (world: ManagerWorld, listen: SocketAddress): Promise<unknown> => {
    const options = { listen, identity: world.manager, log: silentLogger, clock: world.clock }
    return failure(serveManager(plainServices(), options))
  }

  it('at a port that another has, or an address that is not ours, fails', async () => {
    await using world = await ManagerWorld.open()
    const taken = await listenAt(world, world.server.local)
    expect(hasCode(taken, 'ERR_ADDRESS_IN_USE')).toBe(true)
    expect(taken).toMatchObject({ details: { address: world.address } })
    const foreign = await listenAt(world, { ip: parseIp('192.0.2.1'), port: 0 })
    expect(hasCode(foreign, 'ERR_ADDRESS_NOT_LOCAL')).toBe(true)
  })

  it('that the system refuses fails with its word', () => {
    const refused = Object.assign(new Error('no'), { code: 'EACCES' })
    const error = listenError(refused, { ip: parseIp('10.0.0.1'), port: 1 })
    expect(hasCode(error, 'ERR_BIND_FAILED')).toBe(true)
    expect(error).toMatchObject({ details: { address: '10.0.0.1:1', diagnostic: 'EACCES' } })
  })

  it('ends with the server: the port is free again', async () => {
    const world = await ManagerWorld.open()
    const { local } = world.server
    await world[Symbol.asyncDispose]()
    await using again = await ManagerWorld.open({}, { listen: local })
    expect(again.server.local).toEqual(local)
  })
})

describe('who says nothing', () => {
  it('is not waited for by nodes', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0)
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const clock = new VirtualClock()
    const dialer = grpcDialer({ log: silentLogger, clock })
    await using connection = dialer.dial(`127.0.0.1:${port}`, { kind: 'none' })
    const request = create(HeartbeatRequestSchema)
    const call = failure(connection.heartbeat(request, { timeoutMs: 60_000 }))
    await once(silent, 'connection')
    let isDone = false
    void call.then(() => (isDone = true))
    await clock.advance(CONNECT_MS_MAX - 1)
    expect(isDone).toBe(false)
    await clock.advance(1)
    const error = await call
    expect(hasCode(error, 'ERR_UNAVAILABLE')).toBe(true)
    expect(error).toMatchObject({ message: 'the manager does not answer' })
    silent.close()
  })

  it('is not waited for by managers', async () => {
    await using world = await ManagerWorld.open()
    const since = performance.now()
    const socket = connect({ host: '127.0.0.1', port: world.server.local.port })
    socket.on('error', () => undefined)
    socket.resume()
    await once(socket, 'close')
    expect(performance.now() - since).toBeGreaterThan(HANDSHAKE_MS_MAX - 100)
  })

  it('does not keep a server from closing', async () => {
    await using world = await ManagerWorld.open({
      session: async function* () {
        yield create(SessionMessageSchema, { sessionId: '1' })
        await newSignal().promise
      },
    })
    await using wire = await Wire.open(world.server.local.port)
    const trust = { kind: 'identity', identity: world.worker } as const
    await using connection = world.dialer.dial(`127.0.0.1:${wire.port}`, trust)
    const stream = connection.session(create(SessionRequestSchema))[Symbol.asyncIterator]()
    await stream.next()
    wire.cut()
    const since = performance.now()
    await world.server.close()
    expect(performance.now() - since).toBeLessThan(5000)
  })
})
