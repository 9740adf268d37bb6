/** Whatever comes to the port is answered with a status, or ended; the server stays. */
import { once } from 'node:events'
import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { GetRootCACertificateRequestSchema } from '@weft/swarm'
import { ManagerWorld } from './manager-world.ts'

const SERVICE = '/docker.swarmkit.v1.'
const ROOT = `${SERVICE}CA/GetRootCACertificate`
const HEADERS = { ':method': 'POST', 'content-type': 'application/grpc' }

let world: ManagerWorld
let session: ClientHttp2Session

beforeAll(async () => (world = await ManagerWorld.open()))
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(async () => (session = await openSession()))
afterEach(async () => {
  session.destroy()
  const stranger = world.dial({ kind: 'root', rootPem: world.root.rootPem })
  await stranger.getRootCertificate(create(GetRootCACertificateRequestSchema))
  await stranger.close()
})

async function openSession(): Promise<ClientHttp2Session> {
  const one = connectHttp2(`https://${world.address}`, { rejectUnauthorized: false })
  one.on('error', () => undefined)
  await once(one, 'connect')
  return one
}

interface Response {
  readonly http: number
  /** grpc-status, in headers or trailers; null when there is none. */
  readonly status: number | null
}

/** What comes back for a request with this body. */
async function ask(headers: object, body: Uint8Array): Promise<Response> {
  const stream = session.request({ ...HEADERS, ':path': ROOT, ...headers })
  let [http, status]: [number, number | null] = [0, null]
  const note = (seen: { readonly [name: string]: unknown }): void => {
    http = Number(seen[':status'] ?? http)
    status = seen['grpc-status'] === undefined ? status : Number(seen['grpc-status'])
  }
  stream.on('response', note)
  stream.on('trailers', note)
  stream.on('error', () => undefined)
  stream.resume()
  if (!stream.writableEnded) stream.end(body) // Node ends a GET by itself.
  await new Promise((resolve) => stream.once('close', resolve))
  return { http, status }
}

const frame = (message: Uint8Array, flags = 0): Uint8Array => {
  const bytes = Buffer.alloc(5 + message.length)
  bytes[0] = flags
  bytes.writeUInt32BE(message.length, 1)
  bytes.set(message, 5)
  return bytes
}
const empty = frame(new Uint8Array(0))

describe('requests', () => {
  it('for what is not there are unimplemented, as agents expect of logs', async () => {
    const logs = `${SERVICE}LogBroker/ListenSubscriptions`
    for (const path of [logs, `${SERVICE}CA/X`, '/', '/é', '//']) {
      expect(await ask({ ':path': path }, empty)).toEqual({ http: 200, status: 12 })
    }
  })

  it('that are no gRPC are refused', async () => {
    const refused = { http: 415, status: null }
    expect(await ask({ ':method': 'GET' }, new Uint8Array(0))).toEqual(refused)
    for (const type of ['text/html', 'application/grpc+json', 'application/json', '']) {
      expect(await ask({ 'content-type': type }, empty)).toEqual(refused)
    }
  })

  it('with a wrong frame get a status', async () => {
    const bodies = [
      new Uint8Array(0),
      new Uint8Array(3),
      Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff),
      Uint8Array.of(0, 0, 0, 0, 9, 1),
      Buffer.concat([empty, empty]),
      frame(Uint8Array.of(1), 1),
      frame(Uint8Array.of(0x0a, 0xff, 0xff)),
    ]
    for (const body of bodies) {
      const { http, status } = await ask({}, body)
      expect(http).toBe(200)
      expect(status, Buffer.from(body).toString('hex')).toBeGreaterThan(0)
    }
  })

  it('with compression or a time that nobody understands get a status', async () => {
    expect(await ask({ 'grpc-encoding': 'gzip' }, frame(new Uint8Array(20), 1))).toEqual({
      http: 200,
      status: 12,
    })
    for (const time of ['x', '-1S', '99999999999999S']) {
      expect((await ask({ 'grpc-timeout': time }, empty)).status).toBeGreaterThan(0)
    }
  })

  it('of any bytes get a status', async () => {
    const flags = fc.constantFrom(0, 0, 0, 1, 2, 255)
    const framed = fc.tuple(fc.uint8Array({ maxLength: 64 }), flags)
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      framed.map(([message, flag]) => frame(message, flag)),
    )
    const path = fc.constantFrom(
      'CA/GetRootCACertificate',
      'NodeCA/IssueNodeCertificate',
      'Dispatcher/Session',
    )
    await fc.assert(
      fc.asyncProperty(path, body, async (method, bytes) => {
        const { http, status } = await ask({ ':path': SERVICE + method }, bytes)
        expect(http).toBe(200)
        expect(status).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 200 },
    )
  })

  it('that are taken back at once, over and over, end the connection at most', async () => {
    for (let i = 0; i < 5000 && !session.closed; i++) {
      const stream = session.request({ ...HEADERS, ':path': ROOT })
      stream.on('error', () => undefined)
      stream.close(constants.NGHTTP2_CANCEL)
    }
  })

  it('with headers beyond all measure are refused', async () => {
    const headers = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`x-${index}`, 'y'.repeat(1000)]),
    )
    expect(await ask(headers, empty)).toEqual({ http: 0, status: null })
  })
})

describe('connections', () => {
  it('of any bytes end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        const socket = connectTcp({ host: '127.0.0.1', port: world.server.local.port })
        socket.on('error', () => undefined)
        socket.resume()
        socket.end(bytes)
        await once(socket, 'close')
      }),
      { numRuns: 50 },
    )
  })

  it('that are no TLS are ended by the server', async () => {
    const socket = connectTcp({ host: '127.0.0.1', port: world.server.local.port })
    socket.on('error', () => undefined)
    socket.resume()
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket, 'close')
  })

  it('that speak something else inside TLS end', async () => {
    const http1 = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
    const http2 = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
    for (const text of [http1, '\0'.repeat(100), http2, `${http2}\xff\xff\xff`]) {
      const { port } = world.server.local
      const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
      socket.on('error', () => undefined)
      socket.resume()
      await once(socket, 'secureConnect')
      socket.end(Buffer.from(text, 'latin1'))
      await once(socket, 'close')
    }
  })
})
