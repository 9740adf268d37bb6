/**
 * Two kernel dataplanes with an encrypted network between them, and what goes wrong meanwhile.
 * Knows no test runner, so that a guest of QEMU with another kernel can run it: `node` suffices.
 */
import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { parseCidr, parseInterfaceAddress, parseIp, parseMac, silentLogger, vni } from '@weft/core'
import {
  expectedItems,
  type Dataplane,
  type DesiredState,
  type ItemFailure,
  type TunnelKey,
} from '@weft/dataplane'
import { dockerOrder, NetworkKey } from '@weft/encryption'
import {
  connectTcp,
  createNamespace,
  deleteNamespace,
  Kernel,
  namespacePath,
  Nftables,
  openCapture,
  openTcpListener,
  openUdpSocket,
  Xfrm,
  type Capture,
} from '@weft/linux'
import { nodeRuntime } from '@weft/runtime-node'
import { kernelBackend, kernelOptions } from '../src/index.ts'

const SECRET = 'what only the overlay may know'
const VNI = vni(4096)
const PORT = 4789
const ECHO_PORT = 9
const REQID = 13_681_891
const MARK = 0xd0_c4_e3
const TCP_BYTES = 200_000

/** Long enough for anything that comes; long enough to believe that nothing comes, in ms. */
const SOON_MS = 8000
const NEVER_MS = 400

/** Keys of these Lamport times, in Docker's order. */
function keysOf(...times: readonly bigint[]): readonly TunnelKey[] {
  return dockerOrder(
    times.map((lamportTime) => {
      return new NetworkKey({ lamportTime, bytes: new Uint8Array(16).fill(Number(lamportTime)) })
    }),
  )
}

/** A host with one container. */
class Side {
  readonly number: number
  readonly path: string
  readonly container: string
  readonly kernel: Kernel
  readonly xfrm: Xfrm
  readonly nft: Nftables
  readonly names: readonly string[]
  #dataplane: Dataplane | null = null
  #generation = 0

  constructor(number: number) {
    this.number = number
    this.names = ['h', 'c'].map((kind) => `espd-${process.pid}-${kind}${number}`)
    for (const name of this.names) createNamespace({ name })
    const [path = '', container = ''] = this.names.map((name) => namespacePath({ name }))
    this.path = path
    this.container = container
    this.kernel = Kernel.open(path)
    this.xfrm = Xfrm.open(path)
    this.nft = Nftables.open(path)
  }

  get dataplane(): Dataplane {
    assert.ok(this.#dataplane !== null)
    return this.#dataplane
  }

  async open(): Promise<void> {
    const options = kernelOptions({
      instance: `espd${this.number}`,
      underlayNamespace: this.path,
    })
    this.#dataplane = await kernelBackend.open({ ...nodeRuntime(), log: silentLogger }, options)
  }

  desired(keys: readonly TunnelKey[]): DesiredState {
    const other = 3 - this.number
    const mac = (n: number): ReturnType<typeof parseMac> => parseMac(`02:42:0a:00:01:0${n + 1}`)
    const subnets = [
      { vni: VNI, prefixes: [{ cidr: parseCidr('10.0.1.0/24'), gateway: parseIp('10.0.1.1') }] },
    ]
    const attachment = { kind: 'netns', path: this.container, ifname: 'eth0' } as const
    const here = { mac: mac(this.number), addresses: [parseIp(inner(this.number))], attachment }
    const there = { mac: mac(other), addresses: [parseIp(inner(other))], node: 'other' }
    return {
      generation: ++this.#generation,
      tunnel: { ip: parseIp(`192.0.2.${this.number}`), port: PORT },
      peers: new Map([['other', { tunnel: { ip: parseIp(`192.0.2.${other}`), port: PORT } }]]),
      networks: new Map([
        [
          'blue',
          {
            encapsulation: 'vxlan-esp',
            mtu: null,
            subnets,
            local: new Map([[`c${this.number}`, here]]),
            remote: new Map([[`c${other}`, there]]),
          },
        ],
      ]),
      keys,
    }
  }

  async apply(keys: readonly TunnelKey[]): Promise<readonly ItemFailure[]> {
    return (await this.dataplane.apply(this.desired(keys))).failures
  }

  close(): void {
    for (const one of [this.kernel, this.xfrm, this.nft]) one.close()
    for (const name of this.names) deleteNamespace({ name })
  }
}

function configure({ kernel, number }: Side): void {
  const linkIndex = kernel.links.require('eth0').index
  kernel.links.change(linkIndex, { up: true })
  const address = parseInterfaceAddress(`192.0.2.${number}/24`)
  kernel.addresses.apply('create', { linkIndex, address })
}

function inner(number: number): string {
  return `10.0.1.${number + 1}`
}

/** Everything on the link between the hosts: how much of it is ESP, and how much shows. */
class Wire {
  esp = 0
  tunnel = 0
  secrets = 0
  readonly #capture: Capture

  constructor({ kernel, path }: Side) {
    const linkIndex = kernel.links.require('eth0').index
    const options = { namespace: path, linkIndex, snapBytes: 66_000 }
    this.#capture = openCapture(options, (frames) => {
      for (const { bytes } of frames) {
        const isIp = bytes[12] === 8 && bytes[13] === 0
        if (isIp && bytes[23] === 50) this.esp++
        if (isIp && bytes[23] === 17) this.tunnel++
        if (Buffer.from(bytes).includes(SECRET)) this.secrets++
      }
    })
  }

  /** Nothing has shown up to now. */
  async check(): Promise<void> {
    await this.#capture.flush()
    assert.deepEqual([this.tunnel, this.secrets], [0, 0], 'the clear is on the wire')
    assert.equal(this.#capture.counters().dropped, 0, 'the capture has holes')
  }

  close(): Promise<void> {
    return this.#capture.close()
  }
}

/** Datagrams from one container to the other, counted where they arrive. */
class Stream {
  readonly arrived = new Set<number>()
  sent = 0
  readonly #from: Socket
  readonly #to: Socket
  readonly #address: string

  constructor(from: Side, to: Side) {
    this.#address = inner(to.number)
    this.#to = createSocket('udp4', (bytes) => this.arrived.add(bytes.readUInt32BE(0)))
    const local = { ip: parseIp(this.#address), port: ECHO_PORT }
    this.#to.bind({ fd: openUdpSocket({ namespace: to.container, local }) })
    this.#from = createSocket('udp4')
    const any = { ip: parseIp('0.0.0.0'), port: 0 }
    this.#from.bind({ fd: openUdpSocket({ namespace: from.container, local: any }) })
  }

  send(): number {
    const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(SECRET)])
    bytes.writeUInt32BE(this.sent)
    this.#from.send(bytes, ECHO_PORT, this.#address)
    return this.sent++
  }

  /** One that is sent now arrives in time. */
  async passes(ms = SOON_MS): Promise<boolean> {
    const end = performance.now() + ms
    while (performance.now() < end) {
      const number = this.send()
      await delay(50)
      if (this.arrived.has(number)) return true
    }
    return false
  }

  close(): void {
    this.#from.close()
    this.#to.close()
  }
}

/** All of it. Throws where something is not as it should be. Needs ESP with AES-GCM. */
export async function runEncryptedDataplanes(): Promise<void> {
  const [near, far] = [new Side(1), new Side(2)]
  const peer = { name: 'eth0', namespaceFd: far.kernel.namespace.fd }
  near.kernel.links.create({ kind: 'veth', name: 'eth0', peer })
  for (const side of [near, far]) configure(side)
  const wire = new Wire(near)
  try {
    for (const side of [near, far]) await side.open()
    await checkRefusal(near)
    await checkSetUp(near, far, wire)
    await checkRotation(near, far)
    await checkFlush(near, far)
    await checkRestart(near, far)
    await wire.check()
    await checkClearIsRefused(near, far)
    await checkTearDown(near, far)
  } finally {
    await wire.close()
    for (const side of [near, far]) await side.dataplane.close('teardown')
    for (const side of [near, far]) side.close()
  }
}

/** Without a key there is no network, and not a device of it. */
async function checkRefusal(near: Side): Promise<void> {
  const failures = await near.apply([])
  const codes = failures.map(({ error, item }) => `${item} ${error.code}`)
  assert.ok(codes.includes('networks/blue ERR_INVALID_ITEM'), codes.join())
  assert.deepEqual(near.nft.tables(), [])
}

/** One side alone sends nothing; both reach each other, by datagrams and by TCP. */
async function checkSetUp(near: Side, far: Side, wire: Wire): Promise<void> {
  const keys = keysOf(7n, 8n, 9n)
  assert.deepEqual(await near.apply(keys), [])
  assert.deepEqual(await far.apply(keys), [])
  const stream = new Stream(near, far)
  assert.ok(await stream.passes(), 'datagrams pass')
  stream.close()
  await transfer(near, far)
  await wire.check()
  assert.ok(wire.esp > 20, 'it went as ESP')
  const desired = near.desired(keys)
  const { foreign, items } = await near.dataplane.observe()
  const expected = expectedItems(desired, () => 1424)
  assert.deepEqual([...items].sort(), [...expected].sort())
  assert.deepEqual(foreign, [])
  const again = await near.dataplane.apply(desired)
  assert.deepEqual([again.changed, again.failures], [0, []])
}

async function transfer(near: Side, far: Side): Promise<void> {
  const server = createServer()
  const local = { ip: parseIp(inner(far.number)), port: 80 }
  server.listen({ fd: openTcpListener({ namespace: far.container, local }) })
  const received = new Promise<number>((resolve) => {
    server.on('connection', (socket) => {
      let length = 0
      socket.on('data', (chunk) => void (length += chunk.length))
      socket.on('end', () => resolve(length))
    })
  })
  const socket = connectTcp({ namespace: near.container, remote: local })
  socket.end(SECRET.repeat(Math.ceil(TCP_BYTES / SECRET.length)).slice(0, TCP_BYTES))
  assert.equal(await received, TCP_BYTES)
  socket.destroy()
  server.close()
}

/** Twice, each side at another time, under datagrams in both directions: none is lost. */
async function checkRotation(near: Side, far: Side): Promise<void> {
  const streams = [new Stream(near, far), new Stream(far, near)]
  for (const stream of streams) assert.ok(await stream.passes())
  for (const stream of streams) stream.arrived.clear()
  const before = streams.map(({ sent }) => sent)
  const pump = setInterval(() => streams.forEach((stream) => stream.send()), 2)
  for (const keys of [[8n, 9n, 10n], [9n, 10n, 11n]] as const) {
    for (const side of [near, far]) {
      await more(streams)
      assert.deepEqual(await side.apply(keysOf(...keys)), [])
    }
  }
  await more(streams)
  clearInterval(pump)
  await delay(NEVER_MS)
  const lost = streams.map(({ arrived, sent }, i) => sent - (before[i] ?? 0) - arrived.size)
  assert.deepEqual(lost, [0, 0], 'a change of keys loses nothing')
  for (const stream of streams) stream.close()
  const { items } = await near.dataplane.observe()
  assert.equal(items.get('associations/192.0.2.2'), 'seals 10 opens 10 11 9')
}

/** Some more datagrams, however slow the machine is. */
async function more(streams: readonly Stream[]): Promise<void> {
  const enough = streams.map(({ sent }) => sent + 50)
  while (streams.some(({ sent }, i) => sent < (enough[i] ?? 0))) await delay(10)
}

/** Somebody flushes all of IPsec: dark, told, and put right. */
async function checkFlush(near: Side, far: Side): Promise<void> {
  const stream = new Stream(near, far)
  const drift = new Promise<readonly string[]>((resolve) => {
    near.dataplane.events.on('drift', ({ items }) => resolve(items))
  })
  near.xfrm.flushPolicies(MARK)
  near.xfrm.flushStates(REQID)
  stream.send()
  assert.deepEqual(await drift, ['associations/192.0.2.2'])
  assert.ok(await stream.passes(), 'repaired')
  stream.close()
}

/** A successor adopts: guards stay, keys are made sure of. */
async function checkRestart(near: Side, far: Side): Promise<void> {
  const stream = new Stream(near, far)
  await near.dataplane.close('detach')
  assert.ok(await stream.passes(), 'forwarding outlives the process')
  await near.open()
  assert.ok(await stream.passes(), 'adopted')
  assert.deepEqual(await near.apply(keysOf(9n, 10n, 11n)), [])
  assert.ok(await stream.passes(), 'applied')
  stream.close()
}

/** A near side that lost its guard while nobody was looking: the far side does not listen. */
async function checkClearIsRefused(near: Side, far: Side): Promise<void> {
  await near.dataplane.close('detach')
  near.nft.deleteTable({ family: 'inet', name: 'weft-espd1' })
  const stream = new Stream(near, far)
  assert.equal(await stream.passes(NEVER_MS), false)
  const { dropped } = await far.dataplane.counters()
  assert.ok((dropped.get('datagram-not-sealed') ?? 0) > 0, 'thrown away and counted')
  await near.open()
  assert.deepEqual(await near.apply(keysOf(9n, 10n, 11n)), [])
  assert.ok(await stream.passes(), 'guarded again')
  stream.close()
}

/** All of ours goes, and nothing else. */
async function checkTearDown(near: Side, far: Side): Promise<void> {
  const foreign = {
    source: parseIp('192.0.2.2'),
    destination: parseIp('192.0.2.1'),
    spi: 0x999,
    reqid: 7,
    aead: { name: 'rfc4106(gcm(aes))', key: new Uint8Array(20), icvBits: 64 },
    replayWindow: 0,
  }
  near.xfrm.putState('create', foreign)
  for (const side of [near, far]) await side.dataplane.close('teardown')
  assert.deepEqual(near.xfrm.states().map(({ spi }) => spi), [0x999])
  assert.deepEqual([far.xfrm.states(), near.xfrm.policies(), far.xfrm.policies()], [[], [], []])
  assert.deepEqual([...near.nft.tables(), ...far.nft.tables()], [])
}
