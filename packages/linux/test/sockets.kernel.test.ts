/** Sockets opened inside namespaces, and their adoption by Node. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { parseIp, type Ip } from '@weft/core'
import {
  closeFd,
  connectTcp,
  isKernelError,
  LISTEN_BACKLOG,
  localAddress,
  openRawSocket,
  openTcpListener,
  openUdpSocket,
  type RawPacket,
} from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { atEnd, openFds, scratch, scratchPair } from './scratch.ts'

const families = [
  ['IPv4', 'udp4', '10.0.0.1', '10.0.0.2'],
  ['IPv6', 'udp6', 'fd00::1', 'fd00::2'],
] as const

describe.each(families)('over %s', (_, type, first, second) => {
  const [one, two] = [parseIp(first), parseIp(second)]

  test('datagrams travel between adopted UDP sockets', async () => {
    const [a, b] = scratchPair()
    const [from, to] = [createSocket(type), createSocket(type)]
    atEnd(() => from.close())
    atEnd(() => to.close())
    const fd = openUdpSocket({ namespace: b.path, local: { ip: two, port: 0 } })
    const { port } = localAddress(fd)
    const listening = once(to, 'listening')
    to.bind({ fd })
    await listening
    from.bind({ fd: openUdpSocket({ namespace: a.path, local: { ip: one, port: 5000 } }) })
    const got = once(to, 'message') as Promise<[Buffer, AddressInfo]>
    from.send('hello', port, two)
    const [message, sender] = await got
    expect(String(message)).toBe('hello')
    expect([sender.address, sender.port]).toEqual([one, 5000])
  })

  test('a connection reaches an adopted listener, from the address asked for', async () => {
    const [a, b] = scratchPair()
    const server = createServer((socket) => socket.pipe(socket))
    atEnd(() => server.close())
    const fd = openTcpListener({ namespace: b.path, local: { ip: two, port: 0 } })
    const remote = localAddress(fd)
    server.listen({ fd })
    await once(server, 'listening')
    const local = { ip: one, port: 6000 }
    const socket = connectTcp({ namespace: a.path, remote, local })
    atEnd(() => socket.destroy())
    await once(socket, 'connect')
    expect([socket.localAddress, socket.localPort]).toEqual([one, 6000])
    socket.end('echo')
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => void chunks.push(chunk))
    await once(socket, 'close')
    expect(String(Buffer.concat(chunks))).toBe('echo')
  })

  test('a refused connection is an error event, as with net.connect', async () => {
    const [a] = scratchPair()
    const socket = connectTcp({ namespace: a.path, remote: { ip: two, port: 9 } })
    const [error] = (await once(socket, 'error').catch((error: unknown) => [error])) as [Error]
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
  })
})

describe('opening', () => {
  const local = { ip: parseIp('10.0.0.1'), port: 7000 }

  test('says why it cannot, and leaks nothing', () => {
    const [a, b] = scratchPair()
    const errnoOf = (open: () => unknown): string | null => {
      try {
        open()
        return null
      } catch (error) {
        return isKernelError(error) ? error.details.errno : 'other'
      }
    }
    const taken = openUdpSocket({ namespace: a.path, local })
    atEnd(() => closeFd(taken))
    const before = openFds()
    expect(errnoOf(() => openUdpSocket({ namespace: a.path, local }))).toBe('EADDRINUSE')
    expect(errnoOf(() => openUdpSocket({ namespace: b.path, local }))).toBe('EADDRNOTAVAIL')
    expect(errnoOf(() => openTcpListener({ namespace: b.path, local }))).toBe('EADDRNOTAVAIL')
    expect(errnoOf(() => openUdpSocket({ namespace: '/nowhere', local }))).toBe('ENOENT')
    const remote = { ip: parseIp('10.0.0.2'), port: 1 }
    expect(errnoOf(() => connectTcp({ namespace: b.path, remote, local }))).toBe('EADDRNOTAVAIL')
    expect(openFds()).toBe(before)
  })

  test('several sockets may share a port when they say so', () => {
    const [a] = scratchPair()
    for (let i = 0; i < 2; i++) {
      const fd = openUdpSocket({ namespace: a.path, local, reusePort: true })
      atEnd(() => closeFd(fd))
      expect(localAddress(fd)).toEqual(local)
    }
    expect(LISTEN_BACKLOG).toBeGreaterThan(100)
  })

  test('asks for an address only of IP sockets', () => {
    const { kernel } = scratch()
    expect(() => localAddress(kernel.namespace.fd)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ errno: 'ENOTSOCK' }) }),
    )
  })
})

describe('a raw socket', () => {
  /** An echo request; ICMPv6 gets its checksum from the kernel, ICMP brings its own. */
  const echo4 = Uint8Array.of(8, 0, 0xf7, 0xfe, 0, 0, 0, 1)
  const echo6 = Uint8Array.of(128, 0, 0, 0, 0, 0, 0, 1)

  test.each([
    [4, 1, '10.0.0.2', echo4, 20, 0],
    [6, 58, 'fd00::2', echo6, 0, 129],
  ] as const)('pings over IPv%i', async (family, protocol, peer, echo, header, reply) => {
    const [a] = scratchPair()
    const to = parseIp(peer)
    const packets: RawPacket[] = []
    const { promise, resolve } = Promise.withResolvers<RawPacket>()
    const socket = openRawSocket({ namespace: a.path, family, protocol }, (packet) => {
      packets.push(packet)
      if (packet.bytes[header] === reply && packet.from === to) resolve(packet)
    })
    atEnd(() => socket.close())
    expect(socket.send(echo, to)).toBeNull()
    const answer = await promise
    expect(answer.bytes.subarray(header + 4)).toEqual(echo.subarray(4))
    expect(answer.seconds).toBeGreaterThan(1_700_000_000)
  })

  test.each([
    [4, 1, '10.0.0.2', 1472],
    [6, 58, 'fd00::2', 1452],
  ] as const)('that must not fragment is refused one byte over the MTU, IPv%i', (...row) => {
    const [family, protocol, peer, largest] = row
    const [a] = scratchPair()
    const options = { namespace: a.path, family, protocol, dontFragment: true }
    const socket = openRawSocket(options, () => undefined)
    atEnd(() => socket.close())
    const to: Ip = parseIp(peer)
    expect(socket.send(new Uint8Array(8 + largest), to)).toBeNull()
    expect(socket.send(new Uint8Array(8 + largest + 1), to)).toMatchObject({ errno: 'EMSGSIZE' })
  })
})
