/** A program on one host, a container with the kernel's stack on another. */
import { execFile } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { parseInterfaceAddress, parseIp, parseMac, silentLogger, type Ip } from '@weft/core'
import type { Dataplane, LocalEndpoint } from '@weft/dataplane'
import { desired, failuresOf, local, network, remote, subnet } from '@weft/dataplane/testing'
import { userspaceBackend, userspaceOptions } from '@weft/dataplane-userspace'
import { openUdpSocket } from '@weft/linux'
import { NamespaceWorld, type WorldHost } from '@weft/linux/testing'
import { nodeRuntime } from '@weft/runtime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NetStack, type UndeliveredDatagram } from '../src/index.ts'

const world = new NamespaceWorld('netstack')
afterAll(world.close)

const MTU_BYTES = 1450
const HEADER_BYTES = { 4: 28, 6: 48 } as const
const BLUE = subnet(4097, '10.0.1.0/24', 'fd00:1::/64')
const GREEN = subnet(4098, '10.0.2.0/24', 'fd00:2::/64')
const OURS = { 4: parseIp('10.0.1.2'), 6: parseIp('fd00:1::2') } as const
const THEIRS = { 4: parseIp('10.0.1.3'), 6: parseIp('fd00:1::3') } as const
/** On another subnet of the network, behind the gateway. */
const BEYOND = { 4: parseIp('10.0.2.4'), 6: parseIp('fd00:2::4') } as const

async function open(host: WorldHost): Promise<Dataplane> {
  const options = userspaceOptions({ instance: host.name, underlayNamespace: host.path })
  const dataplane = await userspaceBackend.open({ ...nodeRuntime(), log: silentLogger }, options)
  world.atEnd(() => dataplane.close('teardown'))
  return dataplane
}

/** The program. */
const stack = new NetStack(nodeRuntime())
/** Namespaces of containers on the other host. */
let container = ''
let beyond = ''

beforeAll(async () => {
  const [a, b] = world.wiredHosts(2) as [WorldHost, WorldHost]
  const [near, far] = [await open(a), await open(b)]
  world.atEnd(() => stack[Symbol.dispose]())
  const mac = parseMac('02:42:0a:00:01:02')
  stack.configure({
    mac,
    addresses: [`${OURS[4]}/24`, `${OURS[6]}/64`].map(parseInterfaceAddress),
    gateways: ['10.0.1.1', 'fd00:1::1'].map((ip) => parseIp(ip)),
    mtuBytes: MTU_BYTES,
  })
  ;[container, beyond] = [world.scratch(), world.scratch()]
  const attachment = { kind: 'port', port: stack } as const
  const program: LocalEndpoint = { mac, addresses: [OURS[4], OURS[6]], attachment }
  const remotes = { c2: remote('n2', THEIRS[4], THEIRS[6]), c3: remote('n2', BEYOND[4], BEYOND[6]) }
  const blueA = network([BLUE, GREEN], { local: { program }, remote: remotes })
  const containers = {
    c2: local(container, THEIRS[4], THEIRS[6]),
    c3: local(beyond, BEYOND[4], BEYOND[6]),
  }
  const back = { program: remote('n1', OURS[4], OURS[6]) }
  const blueB = network([BLUE, GREEN], { local: containers, remote: back })
  expect(failuresOf(await far.apply(desired(b, { blue: blueB })))).toEqual([])
  expect(failuresOf(await near.apply(desired(a, { blue: blueA })))).toEqual([])
})

/** A socket of the kernel's in a namespace; `port` 0 is any. */
async function kernelSocket(namespace: string, ip: Ip, port: number): Promise<Socket> {
  const socket = createSocket(ip.includes(':') ? 'udp6' : 'udp4')
  const listening = once(socket, 'listening')
  socket.bind({ fd: openUdpSocket({ namespace, local: { ip, port } }) })
  await listening
  world.atEnd(() => socket.close())
  return socket
}

async function kernelPing(namespace: string, ip: Ip, bodyBytes: number): Promise<string> {
  const body = ['-M', 'do', '-s', String(bodyBytes)]
  const words = [`--net=${namespace}`, 'ping', '-c', '2', '-i', '0.2', '-W', '5', ...body, ip]
  const { stdout } = await promisify(execFile)('nsenter', words)
  return stdout
}

describe.each([4, 6] as const)('over IPv%i', (family) => {
  const bodyMax = MTU_BYTES - HEADER_BYTES[family]

  test('ping both ways, up to the MTU, and through the gateway', async () => {
    expect(await stack.ping(THEIRS[family])).toMatchObject({ ttl: 64 })
    await stack.ping(THEIRS[family], { bodyBytes: bodyMax })
    await stack.ping(BEYOND[family])
    expect(await kernelPing(container, OURS[family], 56)).toContain(' 0% packet loss')
    expect(await kernelPing(container, OURS[family], bodyMax)).toContain(' 0% packet loss')
    expect(await kernelPing(beyond, OURS[family], 56)).toContain(' 0% packet loss')
    const { dropped } = stack.counters()
    expect(dropped.get('bad-checksum') ?? 0).toBe(0)
    expect(dropped.get('bad-neighbour') ?? 0).toBe(0)
  })

  test('datagrams both ways, up to the MTU', async () => {
    const kernel = await kernelSocket(container, THEIRS[family], 53)
    kernel.on('message', (bytes, { address, port }) => {
      kernel.send(bytes.toReversed(), port, address)
    })
    using socket = stack.bindUdp()
    const answers = socket.messages()[Symbol.asyncIterator]()
    for (const length of [0, 1, 2, bodyMax]) {
      const bytes = Uint8Array.from({ length }, (_, i) => 7 * i)
      socket.send({ ip: THEIRS[family], port: 53 }, bytes)
      const { value } = await answers.next()
      const from = { ip: THEIRS[family], port: 53 }
      expect(value).toEqual({ from, to: OURS[family], bytes: bytes.toReversed() })
    }
  })

  test('the kernel speaks first, to a socket and to a closed port', async () => {
    using socket = stack.bindUdp({ port: 5353 })
    const kernel = await kernelSocket(container, THEIRS[family], 4000)
    kernel.send('hello', 5353, OURS[family])
    const { value } = await socket.messages()[Symbol.asyncIterator]().next()
    expect(value).toMatchObject({ from: { ip: THEIRS[family], port: 4000 } })
    const connected = once(kernel, 'connect')
    kernel.connect(5354, OURS[family])
    await connected
    kernel.on('message', () => undefined)
    const refused = once(kernel, 'error')
    kernel.send('hello')
    expect((await refused)[0]).toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('the kernel refuses: the socket is told', async () => {
    using socket = stack.bindUdp()
    const told = new Promise<UndeliveredDatagram>((resolve) => {
      socket.events.on('unreachable', resolve)
    })
    socket.send({ ip: THEIRS[family], port: 54 }, new Uint8Array(bodyMax))
    const by = THEIRS[family]
    const what = { destination: by, port: 54, reason: 'port', reportedBy: by, mtuBytes: null }
    expect(await told).toEqual(what)
  })

  test('nobody is there', async () => {
    const ip = parseIp(family === 4 ? '10.0.1.99' : 'fd00:1::99')
    const details = { destination: ip, reason: 'no-neighbour' }
    const error = { code: 'ERR_UNREACHABLE', details }
    await expect(stack.ping(ip)).rejects.toMatchObject(error)
  })
})
