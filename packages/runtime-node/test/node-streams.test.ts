import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import {
  parseIp,
  type ByteStream,
  type SocketAddress,
  type StreamHandler,
  type StreamListener,
} from '@weft/core'
import { LINGERING_MAX, NodeStreams, type NodeStreamsOptions } from '../src/index.ts'

const address = (ip: string, port = 0): SocketAddress => ({ ip: parseIp(ip), port })
const LOOPBACK = address('127.0.0.1')

const streamsOf = (options: Partial<NodeStreamsOptions> = {}): NodeStreams =>
  new NodeStreams({
    keepAlive: true,
    lingerMs: 5000,
    openListener: null,
    openConnection: null,
    ...options,
  })

/** What a stream said, in order: chunks as text, then how it ended. */
class Tape implements StreamHandler {
  text = ''
  readonly ended: boolean[] = []
  readonly #waiting: (() => void)[] = []

  onBytes(bytes: Uint8Array): void {
    expect(Buffer.isBuffer(bytes)).toBe(false)
    this.text += Buffer.from(bytes).toString('latin1')
    this.#wake()
  }

  onEnd(clean: boolean): void {
    this.ended.push(clean)
    this.#wake()
  }

  /** Until this is so. */
  async until(isSo: (tape: this) => boolean): Promise<void> {
    while (!isSo(this)) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/** Both ends of one connection. */
interface Pair {
  readonly listener: StreamListener
  readonly near: ByteStream
  readonly nearTape: Tape
  readonly far: ByteStream
  readonly farTape: Tape
}

const listeners: StreamListener[] = []
const servers: Server[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close()
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

async function listen(
  streams: NodeStreams,
  accept: (stream: ByteStream) => StreamHandler,
  local = LOOPBACK,
): Promise<StreamListener> {
  const listener = await streams.listen(local, accept)
  listeners.push(listener)
  return listener
}

async function pair(streams = streamsOf(), local = LOOPBACK): Promise<Pair> {
  const farTape = new Tape()
  const accepted = Promise.withResolvers<ByteStream>()
  const listener = await listen(
    streams,
    (stream) => {
      accepted.resolve(stream)
      return farTape
    },
    local,
  )
  const nearTape = new Tape()
  const near = streams.connect(local.ip, listener.local, nearTape)
  return { listener, near, nearTape, far: await accepted.promise, farTape }
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))

describe.each(['127.0.0.1', '::1'])('streams over %s', (ip) => {
  test('carry bytes both ways, written before there was a connection', async () => {
    const streams = streamsOf()
    const { near, nearTape, far, farTape, listener } = await pair(streams, address(ip))
    near.write(bytes('hello '))
    near.write(bytes('there'))
    far.write(bytes('you too'))
    await farTape.until(({ text }) => text === 'hello there')
    await nearTape.until(({ text }) => text === 'you too')
    expect(near.remote).toEqual(listener.local)
    expect(far.remote).toMatchObject({ ip: parseIp(ip) })
    expect(far.remote.port).not.toBe(listener.local.port)
    near.close()
    far.close()
    expect(streams.counters()).toEqual({ accepted: 1, connected: 1, failed: {} })
  })

  test('an address and port are given once', async () => {
    const first = await listen(streamsOf(), () => new Tape(), address(ip))
    await expect(streamsOf().listen(first.local, () => new Tape())).rejects.toMatchObject({
      code: 'ERR_ADDRESS_IN_USE',
      details: { address: expect.stringContaining(String(first.local.port)) },
      cause: { code: 'EADDRINUSE' },
    })
    await first.close()
    await listen(streamsOf(), () => new Tape(), first.local)
  })
})

describe('the end of a stream', () => {
  test('on one side leaves the other free to answer', async () => {
    const { near, nearTape, far, farTape } = await pair()
    near.write(bytes('question'))
    far.write(bytes('answer, '))
    await nearTape.until(({ text }) => text === 'answer, ')
    near.close()
    await farTape.until(({ ended }) => ended.length > 0)
    expect(farTape).toMatchObject({ text: 'question', ended: [true] })
    far.write(bytes('too late, yet no error'))
    far.close()
    expect(nearTape).toMatchObject({ text: 'answer, ', ended: [] })
  })

  test('that asked leaves who accepted free to answer', async () => {
    const tape = new Tape()
    const accepted = Promise.withResolvers<ByteStream>()
    const listener = await listen(streamsOf(), (stream) => {
      accepted.resolve(stream)
      return tape
    })
    const asking = connect({ host: '127.0.0.1', port: listener.local.port, allowHalfOpen: true })
    sockets.push(asking)
    asking.end('question')
    await tape.until(({ ended }) => ended.length > 0)
    expect(tape).toMatchObject({ text: 'question', ended: [true] })
    const stream = await accepted.promise
    stream.write(bytes('answer'))
    stream.close()
    const [said] = (await once(asking, 'data')) as [Buffer]
    expect(said.toString()).toBe('answer')
  })

  test('is told after everything that came before it, once', async () => {
    const { near, far, nearTape } = await pair()
    const long = 'x'.repeat(3_000_000)
    far.write(bytes(long))
    far.close()
    await nearTape.until(({ ended }) => ended.length > 0)
    expect(nearTape.text.length).toBe(long.length)
    expect(nearTape.ended).toEqual([true])
    near.write(bytes('still possible'))
    near.close()
    near.close()
    near.write(bytes('not any more'))
  })

  test('is not clean when the other side resets', async () => {
    const streams = streamsOf()
    const tape = new Tape()
    const listener = await listen(streams, () => tape)
    const socket = connect(listener.local.port, '127.0.0.1')
    socket.write('half a mess')
    await tape.until(({ text }) => text !== '')
    socket.resetAndDestroy()
    await tape.until(({ ended }) => ended.length > 0)
    expect(tape.ended).toEqual([false])
    expect(streams.counters().failed).toEqual({ ECONNRESET: 1 })
  })

  test('comes soon where nobody listens', async () => {
    const streams = streamsOf()
    const free = await listen(streams, () => new Tape())
    await free.close()
    const tape = new Tape()
    const stream = streams.connect(LOOPBACK.ip, free.local, tape)
    stream.write(bytes('anybody?'))
    expect(tape.ended).toEqual([])
    await tape.until(({ ended }) => ended.length > 0)
    expect(tape.ended).toEqual([false])
    expect(streams.counters().failed).toEqual({ ECONNREFUSED: 1 })
    stream.close()
  })

  test.each([
    ['an address of another host', '203.0.113.7', '127.0.0.1'],
    ['an address of the other family', '::1', '127.0.0.1'],
  ])('comes to connections from %s', async (_what, from, to) => {
    const tape = new Tape()
    streamsOf().connect(parseIp(from), address(to, 9), tape)
    await tape.until(({ ended }) => ended.length > 0)
    expect(tape.ended).toEqual([false])
  })

  test('is not told to who closed', async () => {
    const { near, nearTape, far, farTape } = await pair()
    near.close()
    await farTape.until(({ ended }) => ended.length > 0)
    far.close()
    expect(nearTape.ended).toEqual([])
  })
})

describe('closing', () => {
  test('delivers what was written, however late the other side reads', async () => {
    const { server, port } = await plainServer()
    const stream = streamsOf().connect(LOOPBACK.ip, address('127.0.0.1', port), new Tape())
    const [socket] = (await once(server, 'connection')) as [Socket]
    sockets.push(socket)
    socket.pause()
    stream.write(new Uint8Array(8_000_000).fill(7))
    stream.close()
    let length = 0
    socket.on('data', (data: Buffer) => (length += data.length))
    socket.resume()
    await once(socket, 'end')
    expect(length).toBe(8_000_000)
  })

  test('does not lose the answer to a question that is still coming', async () => {
    // Closing with bytes unread would reset the connection, and the answer with it.
    const { near, nearTape, far, farTape } = await pair()
    near.write(bytes('a'))
    await farTape.until(({ text }) => text === 'a')
    near.write(new Uint8Array(2_000_000))
    far.write(bytes('stop'))
    far.close()
    await nearTape.until(({ ended }) => ended.length > 0)
    expect(nearTape).toMatchObject({ text: 'stop', ended: [true] })
    near.close()
  })

  test('gives up on a reader that stopped reading', async () => {
    const { server, port } = await plainServer()
    const near = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    const streams = streamsOf({ lingerMs: 20, openConnection: () => near })
    const stream = streams.connect(LOOPBACK.ip, address('127.0.0.1', port), new Tape())
    const [far] = (await once(server, 'connection')) as [Socket]
    sockets.push(far)
    stream.write(new Uint8Array(30_000_000))
    stream.close()
    await once(near, 'close')
    expect(near.writableFinished).toBe(false)
    expect(streams.counters().failed).toEqual({})
  })

  test('gives up on the oldest such reader, of more than LINGERING_MAX', async () => {
    const streams = streamsOf()
    const listener = await listen(streams, (stream) => {
      stream.write(bytes('words'))
      stream.close()
      return new Tape()
    })
    const { port } = listener.local
    const connected = async (): Promise<Socket> => {
      const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
      sockets.push(socket)
      socket.on('error', () => undefined)
      await once(socket, 'readable')
      return socket
    }
    const oldest = await connected()
    const next = await connected()
    for (let i = 2; i < LINGERING_MAX; i++) await connected()
    const said = (socket: Socket): Promise<boolean> =>
      new Promise((resolve) => socket.write('?', (error) => resolve(!(error instanceof Error))))
    expect([await said(oldest), await said(next)]).toEqual([true, true])
    await connected()
    // What is written to a connection that is no more fails, sooner or later.
    while (await said(oldest));
    expect(await said(next)).toBe(true)
  })

  test('a listener ends what it accepted, and takes no more', async () => {
    const streams = streamsOf()
    const { listener, nearTape, near, far, farTape } = await pair(streams)
    far.write(bytes('last words'))
    await Promise.all([listener.close(), listener.close()])
    await listener[Symbol.asyncDispose]()
    await nearTape.until(({ ended }) => ended.length > 0)
    expect(nearTape).toMatchObject({ text: 'last words', ended: [true] })
    expect(farTape.ended).toEqual([])
    near.close()
    const late = new Tape()
    streams.connect(LOOPBACK.ip, listener.local, late)
    await late.until(({ ended }) => ended.length > 0)
    expect(late.ended).toEqual([false])
  })

  test('a stream that is not wanted is closed while it is accepted', async () => {
    const streams = streamsOf()
    const unwanted = new Tape()
    const listener = await listen(streams, (stream) => {
      stream.close()
      return unwanted
    })
    const tape = new Tape()
    const stream = streams.connect(LOOPBACK.ip, listener.local, tape)
    stream.write(bytes('knock'))
    await tape.until(({ ended }) => ended.length > 0)
    expect(unwanted).toMatchObject({ text: '', ended: [] })
  })

  test('a stream may be refused with words', async () => {
    const streams = streamsOf()
    const listener = await listen(streams, (stream) => {
      stream.write(bytes('full'))
      stream.close()
      return new Tape()
    })
    const tape = new Tape()
    const stream = streams.connect(LOOPBACK.ip, listener.local, tape)
    await tape.until(({ ended }) => ended.length > 0)
    expect(tape).toMatchObject({ text: 'full', ended: [true] })
    stream.close()
  })
})

describe('what cannot be listened on', () => {
  test('is an address of another host', async () => {
    const failed = streamsOf().listen(address('203.0.113.7'), () => new Tape())
    await expect(failed).rejects.toMatchObject({
      code: 'ERR_ADDRESS_NOT_LOCAL',
      details: { address: '203.0.113.7:0' },
    })
  })

  test('is a port that is none: a bug of the caller', async () => {
    const failed = streamsOf().listen(address('127.0.0.1', 65_536), () => new Tape())
    await expect(failed).rejects.toThrow('bug')
  })

  test('both wildcards can have one port', async () => {
    const six = await listen(streamsOf(), () => new Tape(), address('::'))
    await listen(streamsOf(), () => new Tape(), address('0.0.0.0', six.local.port))
  })
})

describe('sockets opened by other means', () => {
  test.each([
    ['EADDRINUSE', 'ERR_ADDRESS_IN_USE'],
    ['EACCES', 'ERR_BIND_FAILED'],
  ])('that fail with %s are %s', async (code, expected) => {
    const openListener = (): number => {
      throw Object.assign(new Error('socket failed'), { code })
    }
    const failed = streamsOf({ openListener }).listen(address('10.9.9.9', 7946), () => new Tape())
    await expect(failed).rejects.toMatchObject({ code: expected })
  })

  test('listen where they were opened', async () => {
    // A socket that this process listens on becomes descriptor 3 of a child, which echoes on it.
    const { fd, server, port } = await descriptorOfServer()
    const child = spawn(process.execPath, ['--conditions=@weft/source', '-e', ECHO], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit', fd],
    })
    const exited = once(child, 'exit')
    server.close()
    const tape = new Tape()
    const stream = streamsOf().connect(LOOPBACK.ip, address('127.0.0.1', port), tape)
    stream.write(bytes('echo me'))
    await tape.until(({ ended }) => ended.length > 0)
    expect(tape).toMatchObject({ text: 'echo me', ended: [true] })
    stream.close()
    expect(await exited).toEqual([0, null])
  })

  test('connect from where they were opened', async () => {
    const opened: [string, SocketAddress][] = []
    const streams = streamsOf({
      openConnection: (from, to) => {
        opened.push([from, to])
        return connect({ host: to.ip, port: to.port })
      },
    })
    const { near, far, farTape, listener } = await pair(streams)
    near.write(bytes('x'))
    await farTape.until(({ text }) => text === 'x')
    expect(opened).toEqual([['127.0.0.1', listener.local]])
    near.close()
    far.close()
  })

  test('are half-open like any other', async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.end('your turn'))
    servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const streams = streamsOf({ openConnection: () => connect({ host: '127.0.0.1', port }) })
    const tape = new Tape()
    const stream = streams.connect(LOOPBACK.ip, address('127.0.0.1', port), tape)
    const [far] = (await once(server, 'connection')) as [Socket]
    sockets.push(far)
    await tape.until(({ ended }) => ended.length > 0)
    stream.write(bytes('thanks'))
    const [said] = (await once(far, 'data')) as [Buffer]
    expect(said.toString()).toBe('thanks')
    stream.close()
  })

  test('that cannot be had are streams that failed', async () => {
    const streams = streamsOf({
      openConnection: () => {
        throw Object.assign(new Error('no such namespace'), { code: 'ENOENT' })
      },
    })
    const tape = new Tape()
    const stream = streams.connect(LOOPBACK.ip, address('127.0.0.1', 9), tape)
    stream.write(bytes('x'))
    expect(tape.ended).toEqual([])
    await tape.until(({ ended }) => ended.length > 0)
    expect(tape.ended).toEqual([false])
    stream.close()
    expect(streams.counters().failed).toEqual({ ENOENT: 1 })
  })
})

/** Echoes once on the socket it was given, and ends. */
const ECHO = `
  const { nodeRuntime } = await import('@weft/runtime-node')
  const { streams } = nodeRuntime({ openListener: () => 3 })
  const local = { ip: '127.0.0.1', port: 0 }
  const listener = await streams.listen(local, (stream) => ({
    onBytes: (bytes) => {
      stream.write(bytes)
      stream.close()
      void listener.close()
    },
    onEnd: () => undefined,
  }))`

/** A listening server with the descriptor it has in this process. */
async function descriptorOfServer(): Promise<{ fd: number; server: Server; port: number }> {
  const before = new Set(socketsOpen().keys())
  const { server, port } = await plainServer()
  const opened = [...socketsOpen()].find(([inode]) => !before.has(inode))
  if (opened === undefined) throw new Error('the server has no descriptor')
  return { fd: opened[1], server, port }
}

/** The sockets this process has open: inode names to descriptors. */
function socketsOpen(): Map<string, number> {
  const open = new Map<string, number>()
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      if (target.startsWith('socket:')) open.set(target, Number(fd))
    } catch {
      // The descriptor that read the directory is gone again.
    }
  }
  return open
}

/** A server that reads nothing unless told to. */
async function plainServer(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer({ pauseOnConnect: true })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}
