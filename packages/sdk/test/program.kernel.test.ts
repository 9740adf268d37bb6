/** A program on one node, a container with the kernel's stack on another; in clear and sealed. */
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { parseCidr, parseInterfaceAddress, parseIp, type Ip } from '@weft/core'
import { userspaceBackend, userspaceOptions } from '@weft/dataplane-userspace'
import { Kernel, openUdpSocket } from '@weft/linux'
import { NamespaceWorld } from '@weft/linux/testing'
import { afterEach, expect, test } from 'vitest'
import { createNode, type AttachmentHandle, type WeftNode } from '../src/index.ts'

const world = new NamespaceWorld('sdk')
afterEach(world.close)

const PATIENCE_MS = 20_000

/** A node on an address of its own, which loopback is given. */
async function open(ip: string): Promise<WeftNode> {
  const kernel = Kernel.open()
  const linkIndex = kernel.links.require('lo').index
  const address = parseInterfaceAddress(`${ip}/32`)
  kernel.addresses.apply('create', { linkIndex, address, noDuplicateDetection: true })
  world.atEnd(() => {
    kernel.addresses.apply('delete', { linkIndex, address, noDuplicateDetection: true })
    kernel.close()
  })
  const options = userspaceOptions({ instance: `sdk-${process.pid}-${ip}` })
  const dataplane = { backend: userspaceBackend, options }
  const node = await createNode({ stateDirectory: null, dataplane })
  world.atEnd(() => node.close('teardown'))
  return node
}

const at = (ip: string) => ({ listenAddress: ip, advertiseAddress: ip })

function addressesOf({ addresses }: AttachmentHandle): Ip[] {
  return addresses.map((text) => parseIp(text.split('/')[0] ?? ''))
}

async function kernelPings(namespace: string, ip: Ip): Promise<string> {
  const words = [`--net=${namespace}`, 'ping', '-c', '1', '-W', '5', ip]
  return (await promisify(execFile)('nsenter', words)).stdout
}

/** A socket of the kernel's stack that says everything backwards. */
async function reversing(namespace: string, ip: Ip): Promise<void> {
  const socket = createSocket(ip.includes(':') ? 'udp6' : 'udp4')
  world.atEnd(() => socket.close())
  socket.on('message', (bytes, { address, port }) => socket.send(bytes.toReversed(), port, address))
  const listening = once(socket, 'listening')
  socket.bind({ fd: openUdpSocket({ namespace, local: { ip, port: 53 } }) })
  await listening
}

test.each([
  { encrypted: false, network: 28 },
  { encrypted: true, network: 29 },
])('pings and datagrams both ways, encrypted: $encrypted', async ({ encrypted, network }) => {
  const [A, B] = [`127.${network}.0.1`, `127.${network}.0.2`]
  const [a, b] = [await open(A), await open(B)]
  await a.init(at(A))
  await b.join({ ...at(B), remoteAddresses: [A], token: a.joinTokens().worker })
  const subnets = ['10.6.0.0/24', 'fd00:6::/64'].map((text) => ({ subnet: parseCidr(text) }))
  const blue = await a.networks.create({ name: 'blue', ipv6: true, encrypted, subnets })
  await using program = await blue.enter({ name: 'prober' })
  const netns = world.scratch()
  await using container = await b.networks.use('blue').attach({ name: 'c1', netns })
  const { stack } = program
  expect(program.mtuBytes).toBe(encrypted ? 1424 : 1450)

  using socket = stack.bindUdp()
  const answers = socket.messages()[Symbol.asyncIterator]()
  for (const [i, ip] of addressesOf(container).entries()) {
    const reached = (): Promise<boolean> => stack.ping(ip).then(() => true, () => false)
    await expect.poll(reached, { timeout: PATIENCE_MS }).toBe(true)
    const headerBytes = ip.includes(':') ? 48 : 28
    await stack.ping(ip, { bodyBytes: program.mtuBytes - headerBytes })
    const ours = addressesOf(program)[i] ?? ip
    expect(await kernelPings(netns, ours)).toContain(' 0% packet loss')
    await reversing(netns, ip)
    socket.send({ ip, port: 53 }, Uint8Array.of(1, 2, 3))
    const { value } = await answers.next()
    expect(value).toEqual({ from: { ip, port: 53 }, to: ours, bytes: Uint8Array.of(3, 2, 1) })
  }
}, 120_000)
