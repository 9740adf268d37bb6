import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { assert, parseIp, type DatagramSocket, type SocketAddress } from '@weft/core'
import { NodeUnderlay, type OpenSocket } from '../src/index.ts'

const address = (ip: string, port = 0): SocketAddress => ({ ip: parseIp(ip), port })
const underlay = (openSocket: OpenSocket | null = null): NodeUnderlay =>
  new NodeUnderlay({ keepAlive: true, openSocket })

/** A socket with a queue of what it heard. */
class Ear {
  readonly heard: { bytes: Uint8Array; from: SocketAddress }[] = []
  #wake: () => void = () => undefined

  readonly listen = (bytes: Uint8Array, from: SocketAddress): void => {
    this.heard.push({ bytes, from })
    this.#wake()
  }

  async next(): Promise<{ bytes: Uint8Array; from: SocketAddress }> {
    while (this.heard.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
    const datagram = this.heard.shift()
    if (datagram === undefined) throw new Error('bug: woken for nothing')
    return datagram
  }
}

/** Echoes one datagram on the socket it was given, and ends. */
const ECHO = `
  const { nodeRuntime } = await import('@weft/runtime-node')
  const { underlay } = nodeRuntime({ openSocket: () => 3 })
  const socket = await underlay.bind({ ip: '127.0.0.1', port: 0 }, (bytes, from) => {
    socket.send(bytes, from)
    void socket.close()
  })
  process.stdout.write(String(socket.local.port))`

/** The sockets this process has open: inode names to descriptors. */
function socketsOpen(): Map<string, number> {
  const sockets = new Map<string, number>()
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      if (target.startsWith('socket:')) sockets.set(target, Number(fd))
    } catch {
      // The descriptor that read the directory is gone again.
    }
  }
  return sockets
}

const open: DatagramSocket[] = []
async function bind(net: NodeUnderlay, at: SocketAddress, ear = new Ear()) {
  const socket = await net.bind(at, ear.listen)
  open.push(socket)
  return socket
}
afterEach(async () => {
  for (const socket of open.splice(0)) await socket.close()
})

describe.each(['127.0.0.1', '::1'])('datagrams over %s', (ip) => {
  test('arrive as they were when sent, from the address of their socket', async () => {
    const net = underlay()
    const ear = new Ear()
    const b = await bind(net, address(ip), ear)
    const a = await bind(net, address(ip))
    expect(a.local.port).toBeGreaterThan(0)
    const message = Uint8Array.of(1, 2, 3)
    a.send(message, b.local)
    message.fill(9)
    const { bytes, from } = await ear.next()
    expect(bytes).toEqual(Uint8Array.of(1, 2, 3))
    expect(Buffer.isBuffer(bytes)).toBe(false)
    expect(from).toEqual(a.local)
    expect(net.counters()).toMatchObject({ received: 1, dropped: {} })
  })

  test('an address and port are given once', async () => {
    const a = await bind(underlay(), address(ip))
    await expect(bind(underlay(), a.local)).rejects.toMatchObject({
      code: 'ERR_ADDRESS_IN_USE',
      details: { address: expect.stringContaining(String(a.local.port)) },
      cause: { code: 'EADDRINUSE' },
    })
    await a.close()
    await bind(underlay(), a.local)
  })
})

test('an address of another host is refused', async () => {
  await expect(bind(underlay(), address('203.0.113.7'))).rejects.toMatchObject({
    code: 'ERR_ADDRESS_NOT_LOCAL',
    details: { address: '203.0.113.7:0' },
  })
})

test('both wildcards can have one port', async () => {
  const six = await bind(underlay(), address('::'))
  await bind(underlay(), address('0.0.0.0', six.local.port))
})

test('what cannot be sent is dropped and counted by reason, never thrown', async () => {
  const net = underlay()
  const ear = new Ear()
  const b = await bind(net, address('127.0.0.1'), ear)
  const a = await bind(net, address('127.0.0.1'))
  a.send(new Uint8Array(70_000), b.local)
  a.send(Uint8Array.of(1), address('::1', 9))
  a.send(Uint8Array.of(1), address('127.0.0.1', 0))
  a.send(Uint8Array.of(7), b.local)
  expect((await ear.next()).bytes).toEqual(Uint8Array.of(7))
  expect(net.counters().dropped).toEqual({ EMSGSIZE: 1, EAFNOSUPPORT: 1, EINVAL: 1 })
})

test('closing twice is closing once, and a closed socket drops', async () => {
  const net = underlay()
  const a = await bind(net, address('127.0.0.1'))
  await Promise.all([a.close(), a.close()])
  await a[Symbol.asyncDispose]()
  expect(() => a.send(Uint8Array.of(1), a.local)).not.toThrow()
  expect(net.counters()).toEqual({ sent: 0, received: 0, dropped: {} })
})

test('a port that is none is a bug of the caller', async () => {
  await expect(bind(underlay(), address('127.0.0.1', 65_536))).rejects.toThrow('bug')
})

describe('sockets opened by other means', () => {
  test('are adopted by descriptor', async () => {
    // A socket that this process bound becomes descriptor 3 of a child, which echoes on it.
    const before = socketsOpen()
    const outside = createSocket('udp4')
    outside.bind(0, '127.0.0.1')
    await once(outside, 'listening')
    const { port } = outside.address()
    const fd = [...socketsOpen()].find(([inode]) => !before.has(inode))?.[1]
    assert(fd !== undefined, 'the bound socket has a descriptor')
    const child = spawn(process.execPath, ['--conditions=@weft/source', '-e', ECHO], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit', fd],
    })
    const exited = once(child, 'exit')
    outside.close()
    assert(child.stdout !== null, 'the child has a stdout')
    const [said] = (await once(child.stdout, 'data')) as [Buffer]
    expect(said.toString()).toBe(String(port))
    const ear = new Ear()
    const a = await bind(underlay(), address('127.0.0.1'), ear)
    a.send(Uint8Array.of(4, 2), address('127.0.0.1', port))
    const { bytes, from } = await ear.next()
    expect(bytes).toEqual(Uint8Array.of(4, 2))
    expect(from.port).toBe(port)
    expect(await exited).toEqual([0, null])
  })

  test.each([
    ['EADDRINUSE', 'ERR_ADDRESS_IN_USE'],
    ['EADDRNOTAVAIL', 'ERR_ADDRESS_NOT_LOCAL'],
    ['EACCES', 'ERR_BIND_FAILED'],
  ])('that fail with %s are %s', async (code, expected) => {
    const net = underlay(() => {
      throw Object.assign(new Error('socket failed'), { code })
    })
    const failed = bind(net, address('10.9.9.9', 7946))
    await expect(failed).rejects.toMatchObject({ code: expected })
    await expect(failed).rejects.toMatchObject({ details: { address: '10.9.9.9:7946' } })
  })

  test('with a descriptor that is no socket are refused', async () => {
    await expect(bind(underlay(() => 9999), address('127.0.0.1'))).rejects.toMatchObject({
      code: 'ERR_BIND_FAILED',
    })
  })
})
